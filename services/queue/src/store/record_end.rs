//! Writes what the end of a run brings about: its job waits again or stops, its host is judged, and the run is recorded in
//! its place among all ends.

use super::{
    Store, StoreError, column,
    decided::{Again, Decided},
    end_run::{Closing, Ending},
    guarded_hosts::{lock_hosts, write_hosts},
    lines::{LineKey, line_ids},
    put_schedule::column_count,
    run_log::append_lines,
};
use crate::{
    board::{LineId, Waiter},
    host::{Host, HostId},
    next_due::Then,
    schedule::StopReason,
};
use codeimport_core::Stage;
use codeimport_pg::{DbError, Statement, Tx};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

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
    /// For the board, once it is committed.
    pub(super) returned: Vec<Returned>,
    /// As they were written.
    pub(super) hosts: Vec<Host>,
    /// The database's time, from which on they are due if they are at once.
    pub(super) now: Option<Timestamp>,
}

/// What the end of a run gives back.
#[derive(Clone, Copy)]
pub(super) struct Returned {
    /// The job, if it waits again.
    pub(super) waiter: Option<Waiter>,
    /// Where there is room for another run, unless the host has just been counted.
    pub(super) host_id: Option<HostId>,
}

/// Decides what follows each end, writes it, and ends the transaction.
pub(super) async fn record(
    tx: &Tx<'_>,
    store: &Store,
    endings: &[Ending],
    closing: &[Closing],
) -> Result<EndedRuns, StoreError> {
    let Some(now) = closing.first().map(|one| one.now) else { return Ok(EndedRuns::default()) };
    let decided: Vec<Decided<'_>> =
        closing.iter().map(|one| Decided::new(&store.policy.limits, &endings[one.at], one)).collect();
    let requested = requested_lines(tx, &decided).await?;
    let again: Vec<Option<Again>> = decided.iter().map(|one| one.again(&requested)).collect();
    let hosts = judged_hosts(tx, store, &decided).await?;
    let mut writes = vec![record_runs(&decided, &again, now)?];
    writes.extend(append_lines(decided.iter().map(|one| (one.closing.run.run_id, one.ending.log_lines.as_slice()))));
    writes.extend(update_jobs(&decided)?);
    writes.extend(write_hosts(&hosts));
    tx.commit_with(&writes).await?;
    let ended = decided.iter().map(|one| Ended { at: one.closing.at, then: one.next.then }).collect();
    let returned = decided.iter().zip(&again).map(|(one, again)| Returned {
        waiter: again.map(|again| again.waiter),
        host_id: Some(one.closing.run.host_id).filter(|host_id| hosts.iter().all(|host| host.host_id != *host_id)),
    });
    let returned = returned.collect();
    Ok(EndedRuns { ended, returned, hosts, now: Some(now) })
}

/// The hosts of which the ends say something new, locked. What is known of a host may be a moment old: a good end then
/// leaves a trouble uncleared that another replica has just noted, which the next end will do.
async fn judged_hosts(tx: &Tx<'_>, store: &Store, decided: &[Decided<'_>]) -> Result<Vec<Host>, StoreError> {
    let told: BTreeSet<HostId> = {
        let seen = store.lookout.seen();
        let news = |one: &&Decided<'_>| {
            let host = seen.board.host(one.closing.run.host_id);
            host.is_none_or(|host| one.judge(host, store.hosts()).differs_in_the_database(host))
        };
        decided.iter().filter(news).map(|one| one.closing.run.host_id).collect()
    };
    let mut hosts = lock_hosts(tx, &told).await?;
    for host in &mut hosts {
        let host_id = host.host_id;
        let of_host = decided.iter().filter(|one| one.closing.run.host_id == host_id);
        of_host.for_each(|one| *host = one.judge(host, store.hosts()));
    }
    Ok(hosts)
}

/// The lines of requested jobs that the jobs wait in after their runs: few have an open request then.
async fn requested_lines(tx: &Tx<'_>, decided: &[Decided<'_>]) -> Result<BTreeMap<LineKey, LineId>, StoreError> {
    let keys: BTreeSet<LineKey> = decided.iter().filter_map(Decided::requested_line).collect();
    line_ids(tx, &keys).await
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
                adapted_interval_ms = item.adapted_interval_ms, last_run_id = item.run_id
           FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::bool[], $6::bigint[], $7::bigint[])
                AS item (job_no, stop_reason, failure_count, reclaim_count, after_reclaim, adapted_interval_ms, run_id)
          WHERE job.job_no = item.job_no",
    )
    .bind(column(&changed, |one| one.closing.job.job_no))
    .bind(column(&changed, |one| one.next.then.stop_reason().map(StopReason::name)))
    .bind(counts("failure_count", &changed, |one| one.next.failure_count)?)
    .bind(counts("reclaim_count", &changed, |one| one.next.reclaim_count)?)
    .bind(column(&changed, |one| one.after_reclaim()))
    .bind(column(&changed, |one| one.adapted_interval().map(millis)))
    .bind(column(&changed, |one| one.closing.run.run_id.0));
    Ok(Some(statement))
}

fn counts<T>(name: &'static str, items: &[T], count: impl Fn(&T) -> u32) -> Result<Vec<i32>, DbError> {
    items.iter().map(|item| column_count(name, count(item))).collect()
}

/// Records the runs under the next numbers, and lets the jobs wait again.
fn record_runs(decided: &[Decided<'_>], again: &[Option<Again>], now: Timestamp) -> Result<Statement, DbError> {
    let stat = |of: fn(&crate::run::RunStats) -> i64| column(decided, |one| one.ending.stats.as_ref().map(of));
    let statement = Statement::new(RECORD_RUNS)
        .bind(i64::try_from(decided.len()).map_err(|error| DbError::decode("last_sequence", &error))?)
        .bind(now)
        .bind(column(decided, |one| one.ending.outcome.name()))
        .bind(column(decided, Decided::message))
        .bind(stat(|stats| stats.refs_changed_count))
        .bind(stat(|stats| stats.new_revision_count))
        .bind(stat(|stats| stats.received_bytes))
        .bind(column(decided, |one| one.next.then.due_at()))
        .bind(column(decided, |one| one.next.then.stop_reason().map(StopReason::name)))
        .bind(counts("failure_count", decided, |one| one.next.failure_count)?)
        .bind(column(again, |again| again.map(|again| again.waiter.place.line_id.0)))
        .bind(column(again, |again| again.map(|again| again.reason.name())))
        .bind(column(decided, |one| one.open_request().map(|request| request.at)))
        .bind(column(decided, |one| one.open_request().map(|request| request.by.clone())));
    Ok(bind_runs(statement, decided))
}

/// What the leases' rows said.
fn bind_runs(statement: Statement, decided: &[Decided<'_>]) -> Statement {
    statement
        .bind(column(decided, |one| one.closing.run.run_id.0))
        .bind(column(decided, |one| one.closing.job.job_no))
        .bind(column(decided, |one| one.closing.run.previous_run_id))
        .bind(column(decided, |one| one.closing.run.fencing_token.0))
        .bind(column(decided, |one| one.closing.run.generation))
        .bind(column(decided, |one| one.closing.run.worker_id.clone()))
        .bind(column(decided, |one| one.closing.run.worker_version.clone()))
        .bind(column(decided, |one| one.closing.run.request.as_ref().map(|request| request.by.clone())))
        .bind(column(decided, |one| one.closing.run.started_at))
        .bind(column(decided, |one| one.closing.run.heartbeat_at))
        .bind(column(decided, |one| one.ending.stage.or(one.closing.run.progress.stage).map(Stage::name)))
        .bind(column(decided, |one| one.closing.run.progress.done_count))
        .bind(column(decided, |one| one.closing.run.progress.total_count))
        .bind(column(decided, |one| one.closing.run.progress.unit.clone()))
        .bind(column(decided, |one| one.closing.run.progress.received_bytes))
}

const RECORD_RUNS: &str = "\
-- queue.record_runs
WITH item AS MATERIALIZED (
    SELECT item.outcome, item.message, item.refs_changed_count, item.new_revision_count, item.received_bytes,
           item.next_due_at, item.stop_reason, item.failure_count, item.line_id, item.due_reason, item.requested_at,
           item.requested_by, item.run_id, item.job_no, item.previous_run_id, item.fencing_token, item.generation,
           item.worker_id, item.worker_version, item.run_requested_by, item.started_at, item.heartbeat_at, item.stage,
           item.progress_done, item.progress_total, item.progress_unit, item.progress_received_bytes, item.position
      FROM unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::timestamptz[], $9::text[],
                  $10::integer[], $11::bigint[], $12::text[], $13::timestamptz[], $14::text[], $15::bigint[],
                  $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::text[], $21::text[], $22::text[],
                  $23::timestamptz[], $24::timestamptz[], $25::text[], $26::bigint[], $27::bigint[], $28::text[],
                  $29::bigint[]) WITH ORDINALITY
           AS item (outcome, message, refs_changed_count, new_revision_count, received_bytes, next_due_at, stop_reason,
                    failure_count, line_id, due_reason, requested_at, requested_by, run_id, job_no, previous_run_id,
                    fencing_token, generation, worker_id, worker_version, run_requested_by, started_at, heartbeat_at,
                    stage, progress_done, progress_total, progress_unit, progress_received_bytes, position)
), counter AS (
    -- Locked until the commit, for all who end runs.
    UPDATE run_counter
       SET last_sequence = last_sequence + $1
 RETURNING last_sequence - $1 AS before
), recorded AS (
    INSERT INTO run (sequence, finished_at, run_id, job_no, previous_run_id, fencing_token, worker_id, worker_version,
                     requested_by, started_at, heartbeat_at, stage, progress_done, progress_total, progress_unit,
                     progress_received_bytes, outcome, message, refs_changed_count, new_revision_count,
                     received_bytes, next_due_at, stop_reason, generation, failure_count)
    SELECT counter.before + item.position, $2, item.run_id, item.job_no, item.previous_run_id, item.fencing_token,
           item.worker_id, item.worker_version, item.run_requested_by, item.started_at, item.heartbeat_at, item.stage,
           item.progress_done, item.progress_total, item.progress_unit, item.progress_received_bytes, item.outcome,
           item.message, item.refs_changed_count, item.new_revision_count, item.received_bytes, item.next_due_at,
           item.stop_reason, item.generation, item.failure_count
      FROM counter, item
)
INSERT INTO waiting (job_no, line_id, due_at, ready_at, requested_at, requested_by, due_reason, last_run_id)
SELECT item.job_no, item.line_id, item.next_due_at, greatest(item.next_due_at, statement_timestamp()),
       item.requested_at, item.requested_by, item.due_reason, item.run_id
  FROM item
 WHERE item.line_id IS NOT NULL";
