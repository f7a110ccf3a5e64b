//! What a worker needs to know for one run.

use super::{
    Store, change_import, credentials,
    fence::{self, Holder},
    rows::{self, import_columns},
};
use crate::{credential::Credential, error::RegistryError, import::Import, key_ring::Sealed};
use codeimport_pg::row::get;
use scoped_futures::ScopedFutureExt as _;

/// An import as a run sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunSpec {
    /// The import.
    pub import: Import,
    /// SHA-256 over the refs of the last complete scan; empty if there was none.
    pub scanned_refs_digest: Vec<u8>,
    /// What the source is read with, still sealed.
    pub credential: Option<(Credential, Sealed)>,
    /// All of history has to be told anew.
    pub scan_anew: bool,
}

impl Store {
    /// Raises the fence to this holder and tells what to do.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`, `LeaseLost`.
    pub async fn run_spec(&self, holder: &Holder) -> Result<RunSpec, RegistryError> {
        const SQL: &str = concat!(
            "-- registry.run_spec\n",
            "SELECT ",
            import_columns!(),
            ", coalesce(scan.refs_digest, '') AS refs_digest, coalesce(scan.rescan_wanted, false) AS rescan_wanted
              FROM import LEFT JOIN scan ON scan.import_id = import.import_id
             WHERE import.import_id = $1"
        );
        let spec = self.db.run_tx("registry.run_spec", |tx| {
            async move {
                fence::raise(tx, holder).await?;
                let row = tx.query_opt(SQL, &[&holder.import_id.as_str()]).await?;
                let row = row.ok_or_else(|| change_import::not_found(&holder.import_id))?;
                let scan_anew = get(&row, "rescan_wanted")?;
                let import = rows::import(&row)?;
                let credential_id = &import.intent.definition.source.credential_id;
                Ok::<_, RegistryError>(RunSpec {
                    credential: credentials::sealed_for_run(tx, credential_id).await?,
                    import,
                    scanned_refs_digest: if scan_anew { Vec::new() } else { get(&row, "refs_digest")? },
                    scan_anew,
                })
            }
            .scope_boxed()
        });
        spec.await
    }
}
