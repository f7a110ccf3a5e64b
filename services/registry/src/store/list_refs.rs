//! Lists the refs of an import, a page at a time.

use super::{Store, change_import, swap_refs};
use crate::{error::RegistryError, store::Ref};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Row, row::get};

/// A part of the refs, as one swap made them visible.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefPage {
    /// In order of their names' bytes.
    pub refs: Vec<Ref>,
    /// Full name of the default branch; empty if there is none.
    pub default_branch: String,
    /// Digest of all refs, to which pages of the same list belong; empty if there was no scan yet.
    pub refs_digest: Vec<u8>,
}

impl Store {
    /// Digest of all refs as they stand; empty if there was no scan yet.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn refs_digest(&self, import_id: &ImportId) -> Result<Vec<u8>, RegistryError> {
        const SQL: &str = "-- registry.refs_digest
            SELECT coalesce(scan.refs_digest, '') AS refs_digest
              FROM import LEFT JOIN scan ON scan.import_id = import.import_id
             WHERE import.import_id = $1";
        let row = self.db.client().await?.query_opt(SQL, &[&import_id.as_str()]).await?;
        let row = row.ok_or_else(|| change_import::not_found(import_id))?;
        Ok(get(&row, "refs_digest")?)
    }

    /// At most `limit` refs (at least 1), those with names after `after`. One statement, and so one state of the import.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn list_refs(&self, import_id: &ImportId, after: &str, limit: u32) -> Result<RefPage, RegistryError> {
        const SQL: &str = "-- registry.list_refs
            SELECT coalesce(scan.default_branch, '') AS default_branch,
                   coalesce(scan.refs_digest, '') AS refs_digest,
                   ref.name, ref.object_id, ref.commit_id
              FROM import
              LEFT JOIN scan ON scan.import_id = import.import_id
              LEFT JOIN ref ON ref.import_id = import.import_id AND ref.name > $2
             WHERE import.import_id = $1
             ORDER BY ref.name
             LIMIT $3";
        let client = self.db.client().await?;
        let rows = client.query(SQL, &[&import_id.as_str(), &after, &i64::from(limit)]).await?;
        let first = rows.first().ok_or_else(|| change_import::not_found(import_id))?;
        Ok(RefPage {
            default_branch: get(first, "default_branch")?,
            refs_digest: get(first, "refs_digest")?,
            refs: rows.iter().filter_map(|row| reference(row).transpose()).collect::<Result<_, _>>()?,
        })
    }
}

/// An import without refs is one row without a name.
fn reference(row: &Row) -> Result<Option<Ref>, DbError> {
    get::<Option<String>>(row, "name")?.map(|_| swap_refs::reference(row)).transpose()
}
