//! Changes an import: what [`crate::workflow`] decides about the locked row is written, or nothing is.

use super::{
    Store, events,
    outbox::{self, ScheduleWish},
    rows::{self, import_columns, to_milliseconds},
};
use crate::{error::RegistryError, import::Import, workflow::Decision};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Tx};
use scoped_futures::ScopedFutureExt as _;

impl Store {
    /// Changes an import as `decide` says, which may be called more than once and is given the row as it stands.
    ///
    /// An empty `etag` stands for any. No decision means no change; the import is returned as it is.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`, `EtagMismatch`, and what `decide` returns.
    pub async fn change_import<D>(
        &self,
        transaction: &'static str,
        import_id: &ImportId,
        etag: &str,
        decide: D,
    ) -> Result<Import, RegistryError>
    where
        D: Fn(&Import) -> Result<Option<Decision>, RegistryError> + Send + Sync,
    {
        let decide = &decide;
        let change = self.db.run_tx(transaction, |tx| {
            async move {
                let before = lock_import(tx, import_id).await?.ok_or_else(|| not_found(import_id))?;
                check_etag(&before, etag)?;
                match decide(&before)? {
                    Some(decision) => Ok((write_decision(tx, import_id, &decision).await?, true)),
                    None => Ok::<_, RegistryError>((before, false)),
                }
            }
            .scope_boxed()
        });
        let (import, changed) = change.await?;
        if changed {
            self.outbox_filled.notify_one();
        }
        Ok(import)
    }
}

pub(super) fn not_found(import_id: &ImportId) -> RegistryError {
    RegistryError::ImportNotFound(import_id.clone())
}

pub(super) fn check_etag(import: &Import, etag: &str) -> Result<(), RegistryError> {
    if etag.is_empty() || etag == import.etag() {
        Ok(())
    } else {
        Err(RegistryError::EtagMismatch(import.import_id.clone()))
    }
}

/// Reads an import and keeps others from changing it until the transaction ends. Scans may go on: they only need the
/// row to exist.
pub(super) async fn lock_import(tx: &Tx<'_>, import_id: &ImportId) -> Result<Option<Import>, DbError> {
    const SQL: &str = concat!(
        "-- registry.lock_import\n",
        "SELECT ",
        import_columns!(),
        " FROM import WHERE import_id = $1 FOR NO KEY UPDATE"
    );
    tx.query_opt(SQL, &[&import_id.as_str()]).await?.as_ref().map(rows::import).transpose()
}

/// Takes the next number. The import's row must be locked, or not exist yet.
pub(super) async fn next_generation(tx: &Tx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "-- registry.next_generation\nSELECT nextval('generation')";
    Ok(tx.query_one(SQL, &[]).await?.get(0))
}

/// Writes a decision about a locked import: row, audit event, wish for the queue.
pub(super) async fn write_decision(tx: &Tx<'_>, id: &ImportId, decision: &Decision) -> Result<Import, DbError> {
    let generation = next_generation(tx).await?;
    let import = update_row(tx, id, generation, decision).await?;
    events::insert(tx, id, &decision.event).await?;
    outbox::put(tx, id, generation, &ScheduleWish::of(&decision.intent, decision.resume)).await?;
    Ok(import)
}

async fn update_row(tx: &Tx<'_>, id: &ImportId, generation: i64, decision: &Decision) -> Result<Import, DbError> {
    const SQL: &str = concat!(
        "-- registry.update_import
        UPDATE import
           SET display_name = $2, rcs_type = $3, source_url = $4, source_host = $5, target_url = $6,
               include_patterns = $7, exclude_patterns = $8, update_interval_ms = $9,
               review_status = $10, review_reason = $11,
               generation = $12,
               resumed_generation = CASE WHEN $13 THEN $12 ELSE resumed_generation END,
               consecutive_failure_count = CASE WHEN $13 THEN 0 ELSE consecutive_failure_count END,
               stopped_by_queue = $14,
               updated_at = now()
         WHERE import_id = $1
        RETURNING ",
        import_columns!()
    );
    let intent = &decision.intent;
    let definition = &intent.definition;
    let row = tx
        .query_one(
            SQL,
            &[
                &id.as_str(),
                &definition.display_name,
                &definition.source.rcs_type.name(),
                &definition.source.url,
                &definition.source.host,
                &definition.target_url,
                &definition.ref_patterns.include,
                &definition.ref_patterns.exclude,
                &definition.update_interval.map(to_milliseconds),
                &intent.status.name(),
                &intent.review_reason,
                &generation,
                &decision.resume,
                &decision.stopped_by_queue,
            ],
        )
        .await?;
    rows::import(&row)
}
