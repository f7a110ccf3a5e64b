//! Wishes for the queue: written with the change that they follow from, deleted when they are acknowledged.
//!
//! One row per import, the newest wish. An acknowledgement deletes only the generation that was sent, so that a wish
//! which came in meanwhile stays.

use super::{
    Store,
    rows::{self, to_milliseconds},
};
use crate::import::{AdaptiveInterval, Intent};
use codeimport_core::{ImportId, RcsType, ScheduleState};
use codeimport_pg::{
    DbError, Row, Tx,
    row::{get, millis, parsed},
};
use serde::Serialize;
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
    /// Bounds within which the interval follows the source.
    pub adaptive_interval: Option<AdaptiveInterval>,
    /// In whose line the job waits.
    pub owner: String,
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
            adaptive_interval: definition.adaptive_interval,
            owner: definition.care.owner.clone(),
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
            SELECT import_id, generation, state, resume, update_interval_ms, shortest_interval_ms,
                   longest_interval_ms, rcs_type, source_host, owner
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

/// A row of `schedule_outbox` as JSON.
#[derive(Serialize)]
struct WishRow<'a> {
    import_id: &'a ImportId,
    generation: i64,
    state: &'static str,
    resume: bool,
    update_interval_ms: i64,
    shortest_interval_ms: Option<i64>,
    longest_interval_ms: Option<i64>,
    rcs_type: &'static str,
    source_host: &'a str,
    owner: &'a str,
}

/// Replaces what is not sent yet; at most one wish for each import. A resume that was not told must still be told, unless
/// the schedule shall not run.
pub(super) async fn put(tx: &Tx<'_>, wishes: &[(&ImportId, i64, ScheduleWish)]) -> Result<(), DbError> {
    const SQL: &str = "-- registry.put_wishes
        INSERT INTO schedule_outbox AS old
               (import_id, generation, state, resume, update_interval_ms, shortest_interval_ms, longest_interval_ms,
                rcs_type, source_host, owner)
        SELECT import_id, generation, state, resume, update_interval_ms, shortest_interval_ms, longest_interval_ms,
               rcs_type, source_host, owner
          FROM jsonb_populate_recordset(NULL::schedule_outbox, $1)
        ON CONFLICT (import_id) DO UPDATE
           SET generation = excluded.generation,
               state = excluded.state,
               resume = excluded.state = 'active' AND (old.resume OR excluded.resume),
               update_interval_ms = excluded.update_interval_ms,
               shortest_interval_ms = excluded.shortest_interval_ms,
               longest_interval_ms = excluded.longest_interval_ms,
               rcs_type = excluded.rcs_type,
               source_host = excluded.source_host,
               owner = excluded.owner
         WHERE old.generation < excluded.generation";
    let rows: Vec<_> = wishes.iter().map(|(id, generation, wish)| WishRow::of(id, *generation, wish)).collect();
    let rows = serde_json::to_value(rows).map_err(|error| DbError::decode("schedule_outbox", &error))?;
    tx.execute(SQL, &[&rows]).await.map(drop)
}

impl<'a> WishRow<'a> {
    fn of(import_id: &'a ImportId, generation: i64, wish: &'a ScheduleWish) -> Self {
        Self {
            import_id,
            generation,
            state: wish.state.name(),
            resume: wish.resume,
            update_interval_ms: to_milliseconds(wish.update_interval),
            shortest_interval_ms: wish.adaptive_interval.map(|bounds| to_milliseconds(bounds.shortest)),
            longest_interval_ms: wish.adaptive_interval.map(|bounds| to_milliseconds(bounds.longest)),
            rcs_type: wish.rcs_type.name(),
            source_host: &wish.source_host,
            owner: &wish.owner,
        }
    }
}

fn wish(row: &Row) -> Result<(ImportId, i64, ScheduleWish), DbError> {
    let wish = ScheduleWish {
        state: parsed(row, "state")?,
        resume: get(row, "resume")?,
        update_interval: millis(row, "update_interval_ms")?,
        rcs_type: parsed(row, "rcs_type")?,
        source_host: get(row, "source_host")?,
        adaptive_interval: rows::adaptive_interval(row)?,
        owner: get(row, "owner")?,
    };
    Ok((parsed(row, "import_id")?, get(row, "generation")?, wish))
}
