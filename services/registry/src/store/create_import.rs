//! Stores a new import, or tells which import a repeated request has made already.

use super::{
    Store, change_import, events,
    intent_columns::{IntentRow, intent_columns, intent_parameters},
    outbox::{self, ScheduleWish},
    rows::{self, import_columns},
};
use crate::{error::RegistryError, import::Import, workflow::Decision};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Tx};
use scoped_futures::ScopedFutureExt as _;
use uuid::Uuid;

/// An import to be stored.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// Its id.
    pub import_id: ImportId,
    /// What was decided about it.
    pub decision: Decision,
    /// Who defines it.
    pub registrant: String,
    /// Makes the request repeatable.
    pub request_id: Option<Uuid>,
}

impl Store {
    /// Stores a new import.
    ///
    /// # Errors
    ///
    /// `ImportAlreadyExists` if the id is taken: ask [`Store::import_of_request`] before believing it, for another
    /// attempt of the same request may have taken it a moment ago.
    pub async fn create_import(&self, new: &NewImport) -> Result<Import, RegistryError> {
        let created = self.db.run_tx("registry.create_import", |tx| {
            async move {
                let generation = change_import::next_generation(tx).await?;
                let import = insert_row(tx, generation, new).await?;
                events::insert(tx, &new.import_id, &new.decision.event).await?;
                let wish = ScheduleWish::of(&new.decision.intent, new.decision.resume);
                outbox::put(tx, &new.import_id, generation, &wish).await?;
                Ok::<_, DbError>(import)
            }
            .scope_boxed()
        });
        let import = created.await.map_err(|error| if_taken(error, &new.import_id))?;
        self.outbox_filled.notify_one();
        Ok(import)
    }

    /// The import that a request has made, if it has.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn import_of_request(&self, request_id: Uuid) -> Result<Option<Import>, DbError> {
        const SQL: &str = concat!(
            "-- registry.import_of_request\n",
            "SELECT ",
            import_columns!(),
            " FROM import WHERE create_request_id = $1"
        );
        let row = self.db.client().await?.query_opt(SQL, &[&request_id]).await?;
        row.as_ref().map(rows::import).transpose()
    }
}

fn if_taken(error: DbError, import_id: &ImportId) -> RegistryError {
    match error.unique_violation() {
        Some("import_pkey" | "import_create_request_id_key") => RegistryError::ImportAlreadyExists(import_id.clone()),
        _ => error.into(),
    }
}

async fn insert_row(tx: &Tx<'_>, generation: i64, new: &NewImport) -> Result<Import, DbError> {
    const SQL: &str = concat!(
        "-- registry.insert_import
        INSERT INTO import (",
        intent_columns!(),
        ", import_id, generation, created_generation, resumed_generation, registrant, create_request_id)
        VALUES (",
        intent_parameters!(),
        ", $17, $18, $18, $18, $19, $20)
        RETURNING ",
        import_columns!()
    );
    let (row, id) = (IntentRow::of(&new.decision.intent), new.import_id.as_str());
    let values = row.values(&[&id, &generation, &new.registrant, &new.request_id]);
    rows::import(&tx.query_one(SQL, &values).await?)
}
