//! Reads imports: one by its id, or a page of those that a filter lets through.

use super::{
    Store, change_import,
    rows::{self, import_columns},
};
use crate::{error::RegistryError, import::Import};
use codeimport_core::{ImportId, RcsType, ReviewStatus};
use codeimport_pg::DbError;

/// Which imports to list. Empty lists and texts let everything through.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImportFilter {
    /// Only with one of these statuses.
    pub review_statuses: Vec<ReviewStatus>,
    /// Only of these types.
    pub rcs_types: Vec<RcsType>,
    /// Only where id, display name or source URL contain this, whatever the case of its letters.
    pub text: String,
}

impl Store {
    /// One import.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn import(&self, import_id: &ImportId) -> Result<Import, RegistryError> {
        const SQL: &str =
            concat!("-- registry.import\n", "SELECT ", import_columns!(), " FROM import WHERE import_id = $1");
        let row = self.db.client().await?.query_opt(SQL, &[&import_id.as_str()]).await?;
        let import = row.as_ref().map(rows::import).transpose()?;
        import.ok_or_else(|| change_import::not_found(import_id))
    }

    /// At most `limit` imports in order of their ids, those after the id `after`; without their author maps.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn list_imports(&self, filter: &ImportFilter, after: &str, limit: u32) -> Result<Vec<Import>, DbError> {
        const SQL: &str = concat!(
            "-- registry.list_imports\n",
            "SELECT ",
            import_columns!(without author_map),
            " FROM import
             WHERE import_id > $1
               AND (cardinality($2::text[]) = 0 OR review_status = ANY ($2))
               AND (cardinality($3::text[]) = 0 OR rcs_type = ANY ($3))
               -- position and not LIKE: the text is no pattern
               AND ($4 = '' OR position(lower($4) IN lower(concat_ws(E'\\n', import_id, display_name, source_url))) > 0)
             ORDER BY import_id
             LIMIT $5"
        );
        let statuses: Vec<_> = filter.review_statuses.iter().map(|status| status.name()).collect();
        let types: Vec<_> = filter.rcs_types.iter().map(|rcs_type| rcs_type.name()).collect();
        let client = self.db.client().await?;
        let rows = client.query(SQL, &[&after, &statuses, &types, &filter.text, &i64::from(limit)]).await?;
        rows.iter().map(rows::import).collect()
    }
}
