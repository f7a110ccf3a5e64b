//! Wishes for the queue: written with the change that they follow from, deleted when they are acknowledged.
//!
//! One row per import, the newest wish. An acknowledgement deletes only the generation that was sent, so that a wish
//! which came in meanwhile stays.

use super::{Store, rows::to_milliseconds};
use crate::import::Intent;
use codeimport_core::{ImportId, RcsType, ScheduleState};
use codeimport_pg::{
    DbError, Row, Tx,
    row::{get, millis, parsed},
};
use std::time::Duration;

/// What the queue has to be told about one import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScheduleWish {
    /// What is wanted.
    pub state: ScheduleState,
    /// Reset the counters and make the job due now.
    pub resume: bool,
    /// From start to start.
    pub update_interval: Duration,
    /// Handed to no worker that cannot do it.
    pub rcs_type: RcsType,
    /// Host of the source.
    pub source_host: String,
}

impl ScheduleWish {
    /// What follows from an intent.
    #[must_use]
    pub fn of(intent: &Intent, resume: bool) -> Self {
        let state = if intent.status.runs() { ScheduleState::Active } else { ScheduleState::Suspended };
        Self::with_state(intent, state, resume && state == ScheduleState::Active)
    }

    /// What follows from a deletion.
    #[must_use]
    pub fn deleted(intent: &Intent) -> Self {
        Self::with_state(intent, ScheduleState::Deleted, false)
    }

    fn with_state(intent: &Intent, state: ScheduleState, resume: bool) -> Self {
        let definition = &intent.definition;
        Self {
            state,
            resume,
            update_interval: definition.effective_update_interval(),
            rcs_type: definition.source.rcs_type,
            source_host: definition.source.host.clone(),
        }
    }
}

impl Store {
    /// At most `limit` wishes that are not acknowledged, oldest change first, those after generation `after`.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn waiting_wishes(&self, after: i64, limit: i64) -> Result<Vec<(ImportId, i64, ScheduleWish)>, DbError> {
        const SQL: &str = "-- registry.waiting_wishes
            SELECT import_id, generation, state, resume, update_interval_ms, rcs_type, source_host
              FROM schedule_outbox
             WHERE generation > $1
             ORDER BY generation
             LIMIT $2";
        let rows = self.db.client().await?.query(SQL, &[&after, &limit]).await?;
        rows.iter().map(wish).collect()
    }

    /// How long the oldest wish has been waiting; zero if none is.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn oldest_wish_age(&self) -> Result<Duration, DbError> {
        const SQL: &str = "-- registry.oldest_wish_age
            -- greatest: a wish may be newer than this statement
            SELECT greatest(coalesce(extract(epoch FROM now() - min(waiting_since)), 0), 0)::float8 AS age_s
              FROM schedule_outbox";
        let age_s: f64 = self.db.client().await?.query_one(SQL, &[]).await?.get("age_s");
        Duration::try_from_secs_f64(age_s).map_err(|error| DbError::decode("waiting_since", &error))
    }

    /// Notes that the queue has this generation of a wish. A newer one stays.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn acknowledge_wish(&self, import_id: &ImportId, generation: i64) -> Result<(), DbError> {
        const SQL: &str = "-- registry.acknowledge_wish
            DELETE FROM schedule_outbox WHERE import_id = $1 AND generation = $2";
        self.db.client().await?.execute(SQL, &[&import_id.as_str(), &generation]).await.map(drop)
    }
}

/// Replaces what is not sent yet. A resume that was not told must still be told, unless the schedule shall not run.
pub(super) async fn put(tx: &Tx<'_>, id: &ImportId, generation: i64, wish: &ScheduleWish) -> Result<(), DbError> {
    const SQL: &str = "-- registry.put_wish
        INSERT INTO schedule_outbox AS old
               (import_id, generation, state, resume, update_interval_ms, rcs_type, source_host)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (import_id) DO UPDATE
           SET generation = excluded.generation,
               state = excluded.state,
               resume = excluded.state = 'active' AND (old.resume OR excluded.resume),
               update_interval_ms = excluded.update_interval_ms,
               rcs_type = excluded.rcs_type,
               source_host = excluded.source_host
         WHERE old.generation < excluded.generation";
    let values: [&(dyn codeimport_pg::ToSql + Sync); 7] = [
        &id.as_str(),
        &generation,
        &wish.state.name(),
        &wish.resume,
        &to_milliseconds(wish.update_interval),
        &wish.rcs_type.name(),
        &wish.source_host,
    ];
    tx.execute(SQL, &values).await.map(drop)
}

fn wish(row: &Row) -> Result<(ImportId, i64, ScheduleWish), DbError> {
    let wish = ScheduleWish {
        state: parsed(row, "state")?,
        resume: get(row, "resume")?,
        update_interval: millis(row, "update_interval_ms")?,
        rcs_type: parsed(row, "rcs_type")?,
        source_host: get(row, "source_host")?,
    };
    Ok((parsed(row, "import_id")?, get(row, "generation")?, wish))
}
