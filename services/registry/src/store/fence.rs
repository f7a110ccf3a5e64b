//! Refuses lease holders that are not the newest: in the transaction that writes, before it writes.

use super::change_import;
use crate::error::RegistryError;
use codeimport_core::{FencingToken, ImportId, RunId};
use codeimport_pg::Tx;
use jiff::Timestamp;

/// What a verified lease token says, as far as the store needs it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// The import that the lease is for.
    pub import_id: ImportId,
    /// The run that the lease is.
    pub run_id: RunId,
    /// Orders it among all leases.
    pub fencing_token: FencingToken,
    /// Refused after this instant, by the database's clock. The allowance for clock skew is in it.
    pub refused_after: Timestamp,
}

/// Keeps the import from being deleted, and earlier holders out, until the transaction ends; and earlier holders from
/// then on. Calls of one holder do not wait for each other.
///
/// Fails with `ImportNotFound`, and with `LeaseLost` if there was a later holder or the lease has expired.
pub(super) async fn raise(tx: &Tx<'_>, holder: &Holder) -> Result<(), RegistryError> {
    const STANDS: &str = "-- registry.fence_stands
        SELECT import_id FROM fence
         WHERE import_id = $1 AND highest_fencing_token = $2 AND clock_timestamp() <= $3
           FOR SHARE";
    const RAISE: &str = "-- registry.raise_fence
        INSERT INTO fence AS old (import_id, highest_fencing_token)
        SELECT $1, $2
         WHERE clock_timestamp() <= $3
        ON CONFLICT (import_id) DO UPDATE
           SET highest_fencing_token = excluded.highest_fencing_token
         WHERE old.highest_fencing_token <= excluded.highest_fencing_token";
    let import_id = holder.import_id.as_str();
    keep_import(tx, &holder.import_id).await?;
    let values: [&(dyn codeimport_pg::ToSql + Sync); 3] = [&import_id, &holder.fencing_token.0, &holder.refused_after];
    if tx.query_opt(STANDS, &values).await?.is_some() {
        return Ok(());
    }
    match tx.execute(RAISE, &values).await? {
        0 => Err(RegistryError::LeaseLost),
        _ => Ok(()),
    }
}

/// Keeps the import from being deleted until the transaction ends. Fails with `ImportNotFound`.
pub(super) async fn keep_import(tx: &Tx<'_>, import_id: &ImportId) -> Result<(), RegistryError> {
    const SQL: &str = "-- registry.keep_import\nSELECT import_id FROM import WHERE import_id = $1 FOR KEY SHARE";
    match tx.query_opt(SQL, &[&import_id.as_str()]).await? {
        Some(_) => Ok(()),
        None => Err(change_import::not_found(import_id)),
    }
}
