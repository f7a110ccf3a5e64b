//! What the end of a run brings about: its job waits again or stops, its host has room again, and the run is recorded in
//! its place among all ends.

use super::{
    Store, StoreError,
    end_run::{Closed, Ending},
    locked_hosts::{LineKey, LockedHosts, column},
    put_schedule::column_count,
    run_log::append_lines,
    storable_text,
    waiting::{Waits, insert_waiting},
};
use crate::{
    due_reason,
    next_due::{self, EndedRun, Next, Then},
    schedule::{RunRequest, StopReason},
    turns::{LineId, TurnKey},
};
use codeimport_core::{Outcome, Stage};
use codeimport_pg::{DbError, Statement, Tx};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Longest message, in bytes.
const MAX_MESSAGE_BYTES: usize = 4_000;

/// A run that has ended, and what followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ended {
    /// Index of its ending.
    pub(super) at: usize,
    pub(super) then: Then,
}

/// What came of a batch.
#[derive(Default)]
pub(super) struct EndedRuns {
    /// Those that were there to be ended.
    pub(super) ended: Vec<Ended>,
    /// Whether anything may be leased now.
    pub(super) may_lease: bool,
}

/// A run that has ended, with what follows.
struct Decided<'c> {
    closed: &'c Closed,
    ending: &'c Ending,
    next: Next,
}

/// Decides what follows each end, writes it, and ends the transaction.
pub(super) async fn record(
    tx: &Tx<'_>,
    store: &Store,
    mut locked: LockedHosts<'_>,
    endings: &[Ending],
    closed: &[Closed],
) -> Result<EndedRuns, StoreError> {
    if closed.is_empty() {
        return Ok(EndedRuns::default());
    }
    let now = locked.now();
    let decided: Vec<Decided<'_>> = closed.iter().map(|one| Decided::new(store, &endings[one.at], one, now)).collect();
    for one in &decided {
        let policy = locked.policy();
        if let Some(host) = locked.host_mut(one.closed.run.host_id) {
            host.ended(one.ending.outcome, one.ending.retry_after, policy, now);
        }
    }
    let waits = back_to_lines(tx, &mut locked, &decided).await?;
    let mut writes = vec![insert_waiting(&waits)];
    writes.extend(append_lines(decided.iter().map(|one| (one.closed.run.run_id, one.ending.log_lines.as_slice()))));
    writes.extend(locked.write());
    writes.extend(update_jobs(&decided)?);
    // The counter's row comes last: it stays locked until the commit, for all who end runs.
    writes.push(record_runs(&decided, now)?);
    tx.commit_with(&writes).await?;
    let ended = decided.iter().map(|one| Ended { at: one.closed.at, then: one.next.then }).collect();
    Ok(EndedRuns { ended, may_lease: locked.has_ripe_turn() })
}

impl<'c> Decided<'c> {
    fn new(store: &Store, ending: &'c Ending, closed: &'c Closed, now: Timestamp) -> Self {
        let next = next_due::next(&ended_run(ending, closed), &store.policy.limits, now, rand::random());
        Self { closed, ending, next }
    }

    /// The request that is open after the run: one that arrived meanwhile, or the run's own if it was none.
    fn open_request(&self) -> Option<&RunRequest> {
        let unanswered = matches!(self.ending.outcome, Outcome::Released | Outcome::Reclaimed);
        self.closed.run.rerun.as_ref().or_else(|| self.closed.run.request.as_ref().filter(|_| unanswered))
    }

    /// The line of requested jobs that it waits in, if it does in one.
    fn requested_line(&self) -> Option<LineKey> {
        self.next.then.due_at()?;
        self.open_request()?;
        let job = &self.closed.job;
        let turn = TurnKey { host_id: job.host_id, rcs_type: job.rcs_type, requested: true };
        Some(LineKey { turn, owner: job.owner.clone() })
    }

    /// Only a run that did its work has surely moved the fence in the target: one that failed early may not have come
    /// so far, and the reclaimed holder before it may still be alive.
    fn after_reclaim(&self) -> bool {
        match self.ending.outcome {
            Outcome::Reclaimed => true,
            outcome if outcome.is_success() || outcome == Outcome::Partial => false,
            _ => self.closed.job.after_reclaim,
        }
    }

    fn adapted_interval(&self) -> Option<Duration> {
        self.closed.job.bounds.map(|_| self.next.update_interval)
    }

    /// Whether the job's row has to be written. After a good run of a job that was well it has not.
    fn changes_job(&self) -> bool {
        let job = &self.closed.job;
        (self.next.failure_count, self.next.reclaim_count) != (job.failure_count, job.reclaim_count)
            || self.next.then.stop_reason().is_some()
            || self.after_reclaim() != job.after_reclaim
            || self.adapted_interval() != job.adapted_interval
    }

    /// What people read of it; a run that was told to stop says why.
    fn message(&self) -> String {
        let told = self.closed.run.stop_cause.as_ref().filter(|_| self.ending.outcome == Outcome::Cancelled);
        let text = match told {
            Some(cause) => format!("{cause} {}", self.ending.message),
            None => self.ending.message.clone(),
        };
        storable_text(text.trim_end(), MAX_MESSAGE_BYTES)
    }
}

fn ended_run(ending: &Ending, Closed { run, job, .. }: &Closed) -> EndedRun {
    EndedRun {
        outcome: ending.outcome,
        retry_after: ending.retry_after,
        started_at: run.started_at,
        due_at: run.place,
        wanted: job.wanted,
        update_interval: job.adapted_interval.unwrap_or(job.update_interval),
        bounds: job.bounds,
        overran: run.stop_cause.is_some(),
        requested_meanwhile: run.rerun.is_some(),
        failure_count: job.failure_count,
        reclaim_count: job.reclaim_count,
    }
}

/// Lets the jobs wait again that do.
async fn back_to_lines(
    tx: &Tx<'_>,
    locked: &mut LockedHosts<'_>,
    decided: &[Decided<'_>],
) -> Result<Vec<Waits>, StoreError> {
    let keys: BTreeSet<LineKey> = decided.iter().filter_map(Decided::requested_line).collect();
    let requested: BTreeMap<LineKey, LineId> =
        if keys.is_empty() { BTreeMap::new() } else { locked.ensure_lines(tx, &keys).await? };
    let mut waits = Vec::with_capacity(decided.len());
    for one in decided {
        let Then::Wait(due_at) = one.next.then else { continue };
        let request = one.open_request().cloned();
        let own = one.requested_line().and_then(|key| requested.get(&key).copied());
        let line_id = own.unwrap_or(one.closed.job.line_id);
        locked.admit(line_id, due_at);
        let due_reason = due_reason::after_run(&ended_run(one.ending, one.closed));
        waits.push(Waits { job_no: one.closed.run.job_no, line_id, due_at, request, due_reason });
    }
    Ok(waits)
}

fn update_jobs(decided: &[Decided<'_>]) -> Result<Option<Statement>, DbError> {
    let changed: Vec<&Decided<'_>> = decided.iter().filter(|one| one.changes_job()).collect();
    if changed.is_empty() {
        return Ok(None);
    }
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let statement = Statement::new(
        "-- queue.update_jobs
         UPDATE job
            SET stop_reason = item.stop_reason, failure_count = item.failure_count,
                reclaim_count = item.reclaim_count, after_reclaim = item.after_reclaim,
                adapted_interval_ms = item.adapted_interval_ms
           FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::bool[], $6::bigint[])
                AS item (job_no, stop_reason, failure_count, reclaim_count, after_reclaim, adapted_interval_ms)
          WHERE job.job_no = item.job_no",
    )
    .bind(column(&changed, |one| one.closed.run.job_no))
    .bind(column(&changed, |one| one.next.then.stop_reason().map(StopReason::name)))
    .bind(counts("failure_count", &changed, |one| one.next.failure_count)?)
    .bind(counts("reclaim_count", &changed, |one| one.next.reclaim_count)?)
    .bind(column(&changed, |one| one.after_reclaim()))
    .bind(column(&changed, |one| one.adapted_interval().map(millis)));
    Ok(Some(statement))
}

fn counts<T>(name: &'static str, items: &[T], count: impl Fn(&T) -> u32) -> Result<Vec<i32>, DbError> {
    items.iter().map(|item| column_count(name, count(item))).collect()
}

/// Records the runs under the next numbers.
fn record_runs(decided: &[Decided<'_>], now: Timestamp) -> Result<Statement, DbError> {
    let stat = |of: fn(&crate::run::RunStats) -> i64| column(decided, |one| one.ending.stats.as_ref().map(of));
    let statement = Statement::new(RECORD_RUNS)
        .bind(i64::try_from(decided.len()).map_err(|error| DbError::decode("last_sequence", &error))?)
        .bind(now)
        .bind(column(decided, |one| one.closed.run.run_id.0))
        .bind(column(decided, |one| one.closed.run.job_no))
        .bind(column(decided, |one| one.closed.run.fencing_token.0))
        .bind(column(decided, |one| one.closed.run.worker_id.clone()))
        .bind(column(decided, |one| one.closed.run.worker_version.clone()))
        .bind(column(decided, |one| one.closed.run.request.as_ref().map(|request| request.by.clone())))
        .bind(column(decided, |one| one.closed.run.started_at))
        .bind(column(decided, |one| one.closed.run.heartbeat_at))
        .bind(column(decided, |one| one.ending.stage.or(one.closed.run.progress.stage).map(Stage::name)))
        .bind(column(decided, |one| one.closed.run.progress.done_count))
        .bind(column(decided, |one| one.closed.run.progress.total_count))
        .bind(column(decided, |one| one.closed.run.progress.unit.clone()))
        .bind(column(decided, |one| one.closed.run.progress.received_bytes))
        .bind(column(decided, |one| one.ending.outcome.name()))
        .bind(column(decided, Decided::message))
        .bind(stat(|stats| stats.refs_changed_count))
        .bind(stat(|stats| stats.new_revision_count))
        .bind(stat(|stats| stats.received_bytes))
        .bind(column(decided, |one| one.next.then.due_at()))
        .bind(column(decided, |one| one.next.then.stop_reason().map(StopReason::name)))
        .bind(column(decided, |one| one.closed.job.generation))
        .bind(counts("failure_count", decided, |one| one.next.failure_count)?);
    Ok(statement)
}

const RECORD_RUNS: &str = "\
-- queue.record_runs
WITH counter AS (
    UPDATE run_counter
       SET last_sequence = last_sequence + $1
 RETURNING last_sequence - $1 AS before
)
INSERT INTO run (sequence, finished_at, run_id, job_no, fencing_token, worker_id, worker_version, requested_by,
                 started_at, heartbeat_at, stage, progress_done, progress_total, progress_unit,
                 progress_received_bytes, outcome, message, refs_changed_count, new_revision_count, received_bytes,
                 next_due_at, stop_reason, generation, failure_count)
SELECT counter.before + item.position, $2, item.run_id, item.job_no, item.fencing_token, item.worker_id,
       item.worker_version, item.requested_by, item.started_at, item.heartbeat_at, item.stage, item.progress_done,
       item.progress_total, item.progress_unit, item.progress_received_bytes, item.outcome, item.message,
       item.refs_changed_count, item.new_revision_count, item.received_bytes, item.next_due_at, item.stop_reason,
       item.generation, item.failure_count
  FROM counter
 CROSS JOIN unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
                   $10::timestamptz[], $11::text[], $12::bigint[], $13::bigint[], $14::text[], $15::bigint[],
                   $16::text[], $17::text[], $18::bigint[], $19::bigint[], $20::bigint[], $21::timestamptz[],
                   $22::text[], $23::bigint[], $24::integer[]) WITH ORDINALITY
       AS item (run_id, job_no, fencing_token, worker_id, worker_version, requested_by, started_at, heartbeat_at,
                stage, progress_done, progress_total, progress_unit, progress_received_bytes, outcome, message,
                refs_changed_count, new_revision_count, received_bytes, next_due_at, stop_reason, generation,
                failure_count, position)";
