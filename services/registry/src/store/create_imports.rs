//! Stores new imports: any number by the same few statements, each of them or a reason why not.
//!
//! A conflict is no error of the database here: the others are stored all the same.

use super::{
    Store, credentials, events,
    intent_row::{IntentRow, intent_columns},
    outbox::{self, ScheduleWish},
    rows::{self, import_columns},
};
use crate::{import::Import, policy::source_key, workflow::Decision};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Tx, row::parsed};
use scoped_futures::ScopedFutureExt as _;
use serde::Serialize;
use std::collections::HashMap;
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

/// Why an import was not stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Conflict {
    /// The same request has made this import before.
    Repeated(Box<Import>),
    /// The id is taken.
    Id,
    /// Another import reads the source.
    Source(ImportId),
    /// Another import writes the target.
    Target,
}

/// A row of `import` as JSON.
#[derive(Serialize)]
struct NewRow<'a> {
    import_id: &'a ImportId,
    registrant: &'a str,
    create_request_id: Option<Uuid>,
    #[serde(flatten)]
    intent: IntentRow<'a>,
}

impl Store {
    /// Stores new imports, each by itself or not at all, and tells what became of them in their order.
    ///
    /// # Errors
    ///
    /// Only of the database; then none was stored.
    pub async fn create_imports(&self, new: &[NewImport]) -> Result<Vec<Result<Import, Conflict>>, DbError> {
        let created = self.db.run_tx("registry.create_imports", |tx| {
            async move {
                let mut stored = insert_rows(tx, new).await?;
                write_consequences(tx, new, &stored).await?;
                let mut results = Vec::with_capacity(new.len());
                for one in new {
                    // Taken out: of two with one id in one call, the first is it.
                    results.push(match stored.remove(&one.import_id) {
                        Some(import) => Ok(import),
                        None => Err(conflict(tx, one).await?),
                    });
                }
                Ok::<_, DbError>(results)
            }
            .scope_boxed()
        });
        let results = created.await?;
        if results.iter().any(Result::is_ok) {
            self.import_changed();
        }
        Ok(results)
    }

    /// The import that a request has made, if it has.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn import_of_request(&self, request_id: Uuid) -> Result<Option<Import>, DbError> {
        let row = self.db.client().await?.query_opt(OF_REQUEST, &[&request_id]).await?;
        row.as_ref().map(rows::import).transpose()
    }

    /// The import that reads the same source as a URL, other than those that were wanted besides.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn import_of_source(&self, source_key: &str) -> Result<Option<ImportId>, DbError> {
        let row = self.db.client().await?.query_opt(OF_SOURCE, &[&source_key]).await?;
        row.as_ref().map(|row| parsed(row, "import_id")).transpose()
    }
}

const OF_REQUEST: &str = concat!(
    "-- registry.import_of_request\n",
    "SELECT ",
    import_columns!(),
    " FROM import WHERE create_request_id = $1"
);
const OF_SOURCE: &str = "-- registry.import_of_source
    SELECT import_id FROM import WHERE source_key = $1 AND NOT is_duplicate";

/// Those that could be stored, by their ids.
async fn insert_rows(tx: &Tx<'_>, new: &[NewImport]) -> Result<HashMap<ImportId, Import>, DbError> {
    const SQL: &str = concat!(
        "-- registry.insert_imports
        INSERT INTO import (",
        intent_columns!(),
        ", import_id, generation, created_generation, resumed_generation, registrant, create_request_id)
        SELECT ",
        intent_columns!(),
        ", import_id, number, number, number, registrant, create_request_id
          FROM (SELECT wanted.*, nextval('generation') AS number
                  FROM jsonb_populate_recordset(NULL::import, $1) AS wanted) AS numbered
        ON CONFLICT DO NOTHING
        RETURNING ",
        import_columns!()
    );
    let rows: Vec<_> = new.iter().map(NewRow::of).collect();
    let rows = serde_json::to_value(rows).map_err(|error| DbError::decode("import", &error))?;
    let stored = tx.query(SQL, &[&rows]).await?;
    let imports = stored.iter().map(rows::import);
    imports.map(|import| import.map(|import| (import.import_id.clone(), import))).collect()
}

/// Their wishes for the queue, what their addresses held, and their audit events.
async fn write_consequences(tx: &Tx<'_>, new: &[NewImport], stored: &HashMap<ImportId, Import>) -> Result<(), DbError> {
    let mut told: HashMap<&ImportId, _> = HashMap::with_capacity(stored.len());
    for one in new.iter().filter(|one| stored.contains_key(&one.import_id)) {
        told.entry(&one.import_id).or_insert(&one.decision);
    }
    let wishes: Vec<_> = told
        .iter()
        .map(|(id, decision)| (*id, stored[*id].generation, ScheduleWish::of(&decision.intent, decision.resume)))
        .collect();
    outbox::put(tx, &wishes).await?;
    for new in told.values().filter_map(|decision| decision.credential.as_ref()) {
        credentials::insert(tx, new).await?;
    }
    let entries: Vec<_> = told.iter().map(|(id, decision)| (*id, &decision.event)).collect();
    events::insert(tx, &entries).await
}

/// What keeps an import from being stored. Looked for by a statement of its own, which sees what came in between.
async fn conflict(tx: &Tx<'_>, new: &NewImport) -> Result<Conflict, DbError> {
    const OF_ID: &str = "-- registry.is_id_taken\nSELECT import_id FROM import WHERE import_id = $1";
    if let Some(request_id) = new.request_id
        && let Some(row) = tx.query_opt(OF_REQUEST, &[&request_id]).await?
    {
        return Ok(Conflict::Repeated(Box::new(rows::import(&row)?)));
    }
    if tx.query_opt(OF_ID, &[&new.import_id.as_str()]).await?.is_some() {
        return Ok(Conflict::Id);
    }
    let definition = &new.decision.intent.definition;
    let key = source_key(definition.source.rcs_type, &definition.source.url);
    let same_source = if definition.is_duplicate { None } else { tx.query_opt(OF_SOURCE, &[&key]).await? };
    match same_source {
        Some(row) => Ok(Conflict::Source(parsed(&row, "import_id")?)),
        None => Ok(Conflict::Target),
    }
}

impl<'a> NewRow<'a> {
    fn of(new: &'a NewImport) -> Self {
        Self {
            import_id: &new.import_id,
            registrant: &new.registrant,
            create_request_id: new.request_id,
            intent: IntentRow::of(&new.decision.intent),
        }
    }
}
