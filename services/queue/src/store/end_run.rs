//! The end of a run, whoever ends it: closes the run, decides what follows, appends the event. All three or nothing.

use super::{
    LeaseName, StoreError,
    put_schedule::column_count,
    rows::{self, job_columns},
    run_events, storable_text,
};
use crate::{
    next_due::{self, EndedRun, Limits, Next, Then},
    run::RunStats,
    schedule::{Job, RunRequest, StopReason},
};
use codeimport_core::{Outcome, Stage};
use codeimport_pg::{Row, Tx, row::get};
use jiff::Timestamp;
use std::time::Duration;

/// Longest message, in bytes.
const MAX_MESSAGE_BYTES: usize = 4_000;

/// A lease whose rows this transaction has locked.
pub(super) struct HeldRun {
    pub(super) lease: LeaseName,
    job: Job,
    started_at: Timestamp,
    due_at: Timestamp,
    original_request: Option<RunRequest>,
    now: Timestamp,
}

/// How a run ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ending<'a> {
    pub(super) outcome: Outcome,
    pub(super) stage: Option<Stage>,
    pub(super) message: &'a str,
    pub(super) stats: Option<RunStats>,
    pub(super) retry_after: Option<Duration>,
}

/// What a `SELECT … FOR UPDATE OF job, run` of [`held_run`] returns.
macro_rules! held_columns {
    () => {
        concat!(
            job_columns!(),
            ", run.started_at, run.due_at AS run_due_at, run.requested_at AS run_requested_at, \
             run.requested_by AS run_requested_by, statement_timestamp() AS now"
        )
    };
}
pub(super) use held_columns;

pub(super) fn held_run(row: &Row) -> Result<HeldRun, StoreError> {
    let job = rows::job(row)?;
    let crate::schedule::JobState::Running(lease) = job.state else { return Err(StoreError::LeaseLost) };
    let requested_at: Option<Timestamp> = get(row, "run_requested_at")?;
    let requested_by: Option<String> = get(row, "run_requested_by")?;
    Ok(HeldRun {
        lease: LeaseName { job_id: job.job_id.clone(), run_id: lease.run_id, fencing_token: lease.fencing_token },
        started_at: get(row, "started_at")?,
        due_at: get(row, "run_due_at")?,
        original_request: requested_at.zip(requested_by).map(|(at, by)| RunRequest { at, by }),
        now: get(row, "now")?,
        job,
    })
}

/// Locks the lease's rows, if it is still held.
pub(super) async fn lock_held(tx: &Tx<'_>, lease: &LeaseName) -> Result<Option<HeldRun>, StoreError> {
    let row = tx
        .query_opt(
            concat!(
                "-- queue.lock_held\nSELECT ",
                held_columns!(),
                " FROM job JOIN run ON run.run_id = job.run_id
                 WHERE job.job_id = $1 AND job.run_id = $2 AND job.fencing_token = $3 AND job.state = 'running'
                   FOR UPDATE OF job, run"
            ),
            &[&lease.job_id.as_str(), &lease.run_id.0, &lease.fencing_token.0],
        )
        .await?;
    row.as_ref().map(held_run).transpose()
}

/// Ends a run. Returns what follows.
pub(super) async fn end_run(
    tx: &Tx<'_>,
    held: &HeldRun,
    ending: &Ending<'_>,
    limits: &Limits,
    chance: f64,
) -> Result<Next, StoreError> {
    let next = next_due::next(&ended(held, ending), limits, held.now, chance);
    close_run(tx, held, ending, &next).await?;
    reschedule(tx, held, ending, &next).await?;
    run_events::append_event(tx, held.lease.run_id, next.then.stop_reason(), held.job.generation, next.failure_count)
        .await?;
    Ok(next)
}

fn ended(held: &HeldRun, ending: &Ending<'_>) -> EndedRun {
    EndedRun {
        outcome: ending.outcome,
        retry_after: ending.retry_after,
        started_at: held.started_at,
        due_at: held.due_at,
        wanted: held.job.schedule.wanted,
        update_interval: held.job.schedule.update_interval,
        requested_meanwhile: held.job.request.is_some(),
        failure_count: held.job.failure_count,
        reclaim_count: held.job.reclaim_count,
    }
}

async fn close_run(tx: &Tx<'_>, held: &HeldRun, ending: &Ending<'_>, next: &Next) -> Result<(), StoreError> {
    let closed = tx
        .execute(
            "-- queue.close_run
             UPDATE run
                SET state = 'finished', finished_at = statement_timestamp(), outcome = $3,
                    stage = coalesce($4, stage), message = $5,
                    refs_changed_count = $6, new_revision_count = $7, received_bytes = $8, next_due_at = $9
              WHERE run_id = $1 AND fencing_token = $2 AND state = 'running'",
            &[
                &held.lease.run_id.0,
                &held.lease.fencing_token.0,
                &ending.outcome.name(),
                &ending.stage.map(Stage::name),
                &storable_text(ending.message, MAX_MESSAGE_BYTES),
                &ending.stats.map(|stats| stats.refs_changed_count),
                &ending.stats.map(|stats| stats.new_revision_count),
                &ending.stats.map(|stats| stats.received_bytes),
                &next.then.due_at(),
            ],
        )
        .await?;
    if closed == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}

async fn reschedule(tx: &Tx<'_>, held: &HeldRun, ending: &Ending<'_>, next: &Next) -> Result<(), StoreError> {
    let state = if next.then.due_at().is_some() { "waiting" } else { "stopped" };
    let request = open_request(held, ending.outcome, next.then);
    let moved = tx
        .execute(
            "-- queue.reschedule
             UPDATE job
                SET state = $4, due_at = $5, stop_reason = $6, run_id = NULL, fencing_token = NULL,
                    lease_expires_at = NULL, requested_at = $7, requested_by = $8, failure_count = $9,
                    reclaim_count = $10, after_reclaim = $11
              WHERE job_id = $1 AND run_id = $2 AND fencing_token = $3 AND state = 'running'
                AND ($12 OR lease_expires_at < statement_timestamp())   -- only its holder ends a lease that lasts",
            &[
                &held.lease.job_id.as_str(),
                &held.lease.run_id.0,
                &held.lease.fencing_token.0,
                &state,
                &next.then.due_at(),
                &next.then.stop_reason().map(StopReason::name),
                &request.map(|request| request.at),
                &request.map(|request| request.by.as_str()),
                &column_count("failure_count", next.failure_count)?,
                &column_count("reclaim_count", next.reclaim_count)?,
                &after_reclaim(held.job.after_reclaim, ending.outcome),
                &(ending.outcome != Outcome::Reclaimed),
            ],
        )
        .await?;
    if moved == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}

/// The request that is open after the run: one that arrived meanwhile, or the run's own if it was none.
fn open_request(held: &HeldRun, outcome: Outcome, then: Then) -> Option<&RunRequest> {
    then.due_at()?;
    let unanswered = matches!(outcome, Outcome::Released | Outcome::Reclaimed);
    held.job.request.as_ref().or_else(|| held.original_request.as_ref().filter(|_| unanswered))
}

/// Only a run that did its work has surely moved the fence in the target: one that failed early may not have come so
/// far, and the reclaimed holder before it may still be alive.
fn after_reclaim(before: bool, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Reclaimed => true,
        outcome if outcome.is_success() || outcome == Outcome::Partial => false,
        _ => before,
    }
}
