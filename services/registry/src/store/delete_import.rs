//! Deletes an import with all that was scanned; its revisions by and by. What stays: its audit trail, its fence, and the wish for the
//! queue.

use super::{
    Store, change_import, credentials, events, history,
    outbox::{self, ScheduleWish},
    secrets,
};
use crate::{audit::NewEvent, error::RegistryError, import::Import, trigger};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Tx};
use scoped_futures::ScopedFutureExt as _;

impl Store {
    /// Deletes an import, if `decide` says what the audit trail tells about it. An empty `etag` stands for any.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`, `EtagMismatch`, and what `decide` returns.
    pub async fn delete_import<D>(&self, import_id: &ImportId, etag: &str, decide: D) -> Result<(), RegistryError>
    where
        D: Fn(&Import) -> Result<NewEvent, RegistryError> + Send + Sync,
    {
        let decide = &decide;
        let deleted = self.db.run_tx("registry.delete_import", |tx| {
            async move {
                lock_out_everybody(tx, import_id).await?;
                let import = change_import::lock_import(tx, import_id).await?;
                let import = import.ok_or_else(|| change_import::not_found(import_id))?;
                change_import::check_etag(&import, etag)?;
                let event = decide(&import)?;
                let generation = change_import::next_generation(tx).await?;
                fence_out_holders(tx, import_id).await?;
                history::drop_all(tx, import_id.as_str()).await?;
                let credential_id = &import.intent.definition.source.credential_id;
                credentials::delete_implicit(tx, credential_id, import_id).await?;
                secrets::delete(tx, &trigger::secret_name(import_id)).await?;
                outbox::put(tx, &[(import_id, generation, ScheduleWish::deleted(&import.intent))]).await?;
                events::insert(tx, &[(import_id, &event)]).await?;
                delete_row(tx, import_id).await?;
                Ok::<_, RegistryError>(())
            }
            .scope_boxed()
        });
        deleted.await?;
        self.import_changed();
        Ok(())
    }
}

/// Scans included: they hold the row by its foreign keys.
async fn lock_out_everybody(tx: &Tx<'_>, import_id: &ImportId) -> Result<(), DbError> {
    const SQL: &str = "-- registry.lock_out_everybody\nSELECT import_id FROM import WHERE import_id = $1 FOR UPDATE";
    tx.query_opt(SQL, &[&import_id.as_str()]).await.map(drop)
}

/// One above the highest token seen: no lease has it yet, so that every holder up to now is refused, and every later
/// one passes, should an import of the same id be defined again.
async fn fence_out_holders(tx: &Tx<'_>, import_id: &ImportId) -> Result<(), DbError> {
    const SQL: &str = "-- registry.fence_out_holders
        UPDATE fence SET highest_fencing_token = highest_fencing_token + 1 WHERE import_id = $1";
    tx.execute(SQL, &[&import_id.as_str()]).await.map(drop)
}

/// Refs and scan go with it, by their foreign keys.
async fn delete_row(tx: &Tx<'_>, import_id: &ImportId) -> Result<(), DbError> {
    const SQL: &str = "-- registry.delete_import\nDELETE FROM import WHERE import_id = $1";
    tx.execute(SQL, &[&import_id.as_str()]).await.map(drop)
}
