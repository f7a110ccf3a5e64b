//! Reads one import by its id.

use super::{
    Store, change_import,
    rows::{self, import_columns},
};
use crate::{error::RegistryError, import::Import};
use codeimport_core::ImportId;

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
}
