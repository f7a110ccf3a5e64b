//! The end of runs after which their jobs wait again as before: nearly all. One statement, decided beforehand from what
//! this process knows of the leases (`grants`).
//!
//! The statement takes the leases for which that is still true, and only those. What it leaves (a schedule that changed, a
//! request that came, a lease that is lost) is the business of `end_run`, which reads before it decides.

use super::{
    Store, StoreError, column,
    decided::MAX_MESSAGE_BYTES,
    end_run::Ending,
    finish_run::NextDue,
    grants::Grant,
    paired::paired,
    record_end::Returned,
    run_log::{bind_lines, kept_lines},
    storable_text,
};
use crate::{
    board::{Place, Waiter},
    due_reason::{self, DueReason},
    host::Host,
    next_due::{self, EndedRun},
    run::RunStats,
    schedule::ScheduleState,
};
use codeimport_core::{Outcome, Stage};
use codeimport_pg::{Statement, row::get};
use foldhash::HashMap;
use jiff::Timestamp;

/// An end that was decided beforehand.
struct WellEnd<'e> {
    at: usize,
    ending: &'e Ending,
    grant: Grant,
    due_at: Timestamp,
    reason: DueReason,
}

impl Store {
    /// Ends the runs of which that is known to be all there is to do. Returns for each ending when its job is due, and what
    /// came back to wait.
    pub(super) async fn end_well(&self, endings: &[Ending]) -> Result<(Vec<NextDue>, Vec<Returned>), StoreError> {
        let (mut due, mut returned) = (vec![None; endings.len()], Vec::with_capacity(endings.len()));
        let mut ends = self.decided(endings);
        if ends.is_empty() {
            return Ok((due, returned));
        }
        // By which a lease finds its end; each of them once, as the grant of a run is taken once.
        ends.sort_unstable_by_key(|end| end.ending.lease.run_id);
        let rows = self.db.run_one("queue.end_well", &statement(&ends)).await?;
        let by_job: HashMap<i64, &WellEnd<'_>> = ends.iter().map(|end| (end.grant.job_no, end)).collect();
        for row in &rows {
            if let Some(end) = by_job.get(&get(row, "job_no")?) {
                due[end.at] = Some(end.due_at);
                returned.push(end.returned());
            }
        }
        Ok((due, returned))
    }

    fn decided<'e>(&self, endings: &'e [Ending]) -> Vec<WellEnd<'e>> {
        let grants = self.grants.take(endings.iter().map(|ending| ending.lease.run_id));
        let seen = self.lookout.seen();
        let now = seen.now();
        let known = endings.iter().zip(grants).enumerate();
        known
            .filter_map(|(at, (ending, grant))| {
                let grant = grant.filter(|grant| grant.job_id == ending.lease.job_id)?;
                let host = seen.board.host(grant.key.host_id)?;
                self.decide(at, ending, grant, host, now)
            })
            .collect()
    }

    /// None if the end may change more than the job's place.
    fn decide<'e>(
        &self,
        at: usize,
        ending: &'e Ending,
        grant: Grant,
        host: &Host,
        now: Timestamp,
    ) -> Option<WellEnd<'e>> {
        let judged = host.judged(ending.outcome, ending.retry_after, self.hosts(), now);
        if judged.differs_in_the_database(host) || matches!(ending.outcome, Outcome::Released | Outcome::Reclaimed) {
            return None;
        }
        let run = ended_run(ending, &grant);
        let next = next_due::next(&run, &self.policy.limits, now, rand::random());
        let due_at = next.then.due_at().filter(|_| (next.failure_count, next.reclaim_count) == (0, 0))?;
        Some(WellEnd { at, ending, grant, due_at, reason: due_reason::after_run(&run) })
    }
}

impl WellEnd<'_> {
    fn returned(&self) -> Returned {
        let place = Place { line_id: self.grant.line_id, due_at: self.due_at };
        let waiter = Waiter { job_no: self.grant.job_no, place, key: self.grant.key };
        Returned { waiter: Some(waiter), host_id: Some(self.grant.key.host_id) }
    }

    fn stat(&self, of: fn(&RunStats) -> i64) -> Option<i64> {
        self.ending.stats.as_ref().map(of)
    }
}

fn ended_run(ending: &Ending, grant: &Grant) -> EndedRun {
    EndedRun {
        outcome: ending.outcome,
        retry_after: ending.retry_after,
        started_at: grant.started_at,
        due_at: grant.due_at,
        wanted: ScheduleState::Active,
        update_interval: grant.update_interval,
        bounds: None,
        overran: false,
        requested_meanwhile: false,
        failure_count: 0,
        reclaim_count: 0,
    }
}

fn statement(ends: &[WellEnd<'_>]) -> Statement {
    let lines = kept_lines(ends.iter().map(|end| (end.ending.lease.run_id, end.ending.log_lines.as_slice())));
    let statement = Statement::new(if lines.is_empty() { END_WELL } else { END_WELL_WITH_LINES })
        .bind(column(ends, |end| end.ending.lease.run_id.0))
        .bind(column(ends, |end| end.ending.lease.fencing_token.0))
        .bind(column(ends, |end| end.grant.job_no))
        .bind(column(ends, |end| end.grant.generation))
        .bind(column(ends, |end| end.ending.outcome.name()))
        .bind(column(ends, |end| end.ending.stage.map(Stage::name)))
        .bind(column(ends, |end| end.stat(|stats| stats.refs_changed_count)))
        .bind(column(ends, |end| end.stat(|stats| stats.new_revision_count)))
        .bind(column(ends, |end| end.stat(|stats| stats.received_bytes)))
        .bind(column(ends, |end| end.grant.line_id.0))
        .bind(column(ends, |end| end.due_at))
        .bind(column(ends, |end| end.reason.name()));
    let statement = bind_messages(statement, ends);
    if lines.is_empty() { statement } else { bind_lines(statement, &lines) }
}

/// Those that say anything, and for each end which of them is its own: an array of texts is walked to the element.
fn bind_messages(statement: Statement, ends: &[WellEnd<'_>]) -> Statement {
    let mut messages = Vec::new();
    let mut number = |end: &WellEnd<'_>| {
        let message = storable_text(end.ending.message.trim_end(), MAX_MESSAGE_BYTES);
        if message.is_empty() {
            return 0;
        }
        messages.push(message);
        i32::try_from(messages.len()).unwrap_or(i32::MAX)
    };
    let numbers: Vec<i32> = ends.iter().map(&mut number).collect();
    statement.bind(numbers).bind(messages)
}

macro_rules! end_well {
    ($said:literal) => {
        concat!(
            "-- queue.end_well
WITH taken AS MATERIALIZED (
    DELETE FROM lease
     WHERE lease.run_id = ANY ($1::bigint[])
       AND lease.fencing_token = ",
            paired!("$2::bigint[]", "lease.run_id" in "$1::bigint[]"),
            " AND lease.job_no = ",
            paired!("$3::bigint[]", "lease.run_id" in "$1::bigint[]"),
            " AND lease.generation = ",
            paired!("$4::bigint[]", "lease.run_id" in "$1::bigint[]"),
            "
       AND lease.rerun_requested_at IS NULL AND lease.cancel_cause IS NULL
 RETURNING lease.run_id, lease.previous_run_id, lease.fencing_token, lease.job_no, lease.generation, lease.worker_id,
           lease.worker_version, lease.requested_by, lease.started_at, lease.heartbeat_at, lease.stage,
           lease.progress_done, lease.progress_total, lease.progress_unit, lease.progress_received_bytes,
           width_bucket(lease.run_id, $1::bigint[]) AS position
)",
            $said,
            ", counter AS (
    -- Locked until the commit, for all who end runs.
    UPDATE run_counter
       SET last_sequence = last_sequence + (SELECT count(*) FROM taken)
 RETURNING last_sequence - (SELECT count(*) FROM taken) AS before
), recorded AS (
    INSERT INTO run (sequence, finished_at, run_id, job_no, previous_run_id, fencing_token, worker_id, worker_version,
                     requested_by, started_at, heartbeat_at, stage, progress_done, progress_total, progress_unit,
                     progress_received_bytes, outcome, message, refs_changed_count, new_revision_count,
                     received_bytes, next_due_at, stop_reason, generation, failure_count)
    -- Dense: by the place among those that were taken.
    SELECT (SELECT counter.before FROM counter)
               + width_bucket(taken.position, ARRAY(SELECT other.position FROM taken AS other ORDER BY other.position)),
           statement_timestamp(), taken.run_id, taken.job_no, taken.previous_run_id, taken.fencing_token,
           taken.worker_id, taken.worker_version, taken.requested_by, taken.started_at, taken.heartbeat_at,
           coalesce(($6::name[])[taken.position], taken.stage), taken.progress_done, taken.progress_total,
           taken.progress_unit, taken.progress_received_bytes, ($5::name[])[taken.position],
           CASE WHEN ($13::integer[])[taken.position] = 0 THEN ''
                ELSE ($14::text[])[($13::integer[])[taken.position]] END,
           ($7::bigint[])[taken.position], ($8::bigint[])[taken.position], ($9::bigint[])[taken.position],
           ($11::timestamptz[])[taken.position], NULL, taken.generation, 0
      FROM taken
), back AS (
    INSERT INTO waiting (job_no, line_id, due_at, ready_at, due_reason, last_run_id)
    SELECT taken.job_no, ($10::bigint[])[taken.position], ($11::timestamptz[])[taken.position],
           greatest(($11::timestamptz[])[taken.position], statement_timestamp()), ($12::name[])[taken.position],
           taken.run_id
      FROM taken
)
SELECT taken.job_no FROM taken"
        )
    };
}

const END_WELL: &str = end_well!("");

/// What the runs have to say yet: of those that were taken only.
const END_WELL_WITH_LINES: &str = end_well!(
    ", said AS (
    INSERT INTO run_log_line (run_id, line_number, logged_at, stage, text)
    SELECT line.run_id, line.line_number::integer, line.logged_at, line.stage, line.text
      FROM unnest($15::bigint[], $16::bigint[], $17::timestamptz[], $18::text[], $19::text[])
           AS line (run_id, line_number, logged_at, stage, text)
     WHERE line.run_id = ANY (ARRAY(SELECT taken.run_id FROM taken))
        ON CONFLICT (run_id, line_number) DO NOTHING
)"
);
