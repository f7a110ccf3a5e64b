//! Changes an import: what [`crate::workflow`] decides about the locked row is written, or nothing is.

use super::{
    Store, credentials, events,
    intent_row::{IntentRow, intent_columns},
    outbox::{self, ScheduleWish},
    rows::{self, import_columns},
};
use crate::{error::RegistryError, import::Import, workflow::Decision};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, ToSql, Tx};
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
            self.import_changed();
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

/// Writes a decision about a locked import: row, wish for the queue, audit event.
async fn write_decision(tx: &Tx<'_>, id: &ImportId, decision: &Decision) -> Result<Import, DbError> {
    let import = write_intent(tx, id, decision).await?;
    events::insert(tx, &[(id, &decision.event)]).await?;
    Ok(import)
}

/// Writes a decision about a locked import without its audit event, which is the caller's to write.
pub(super) async fn write_intent(tx: &Tx<'_>, id: &ImportId, decision: &Decision) -> Result<Import, DbError> {
    let generation = next_generation(tx).await?;
    let import = update_row(tx, id, generation, decision).await?;
    if let Some(new) = &decision.credential {
        credentials::insert(tx, new).await?;
    }
    outbox::put(tx, &[(id, generation, ScheduleWish::of(&decision.intent, decision.resume))]).await?;
    Ok(import)
}

async fn update_row(tx: &Tx<'_>, id: &ImportId, generation: i64, decision: &Decision) -> Result<Import, DbError> {
    const SQL: &str = concat!(
        "-- registry.update_import
        UPDATE import
           SET (",
        intent_columns!(),
        ") = (SELECT ",
        intent_columns!(),
        " FROM jsonb_populate_record(NULL::import, $1)),
               generation = $3,
               resumed_generation = CASE WHEN $4 THEN $3 ELSE resumed_generation END,
               consecutive_failure_count = CASE WHEN $4 THEN 0 ELSE consecutive_failure_count END,
               failing_since = CASE WHEN $4 THEN NULL ELSE failing_since END,
               stopped_by_queue = $5,
               -- On the right stands what was there before.
               reviewed_at = CASE WHEN review_status = $1 ->> 'review_status' THEN reviewed_at ELSE now() END,
               updated_at = now()
         WHERE import_id = $2
        RETURNING ",
        import_columns!()
    );
    let row = serde_json::to_value(IntentRow::of(&decision.intent));
    let row = row.map_err(|error| DbError::decode("import", &error))?;
    let values: [&(dyn ToSql + Sync); 5] =
        [&row, &id.as_str(), &generation, &decision.resume, &decision.stopped_by_queue];
    rows::import(&tx.query_one(SQL, &values).await?)
}
