//! Jobs that a transaction has locked, whatever they do: the row in `lease` guards a job that runs, the row in `waiting` one
//! that waits, its own row one that does neither.
//!
//! All take them in this order, several of a kind in the order of their numbers, and hosts after them: so nobody waits in
//! a circle.

use super::{
    Store, StoreError, column,
    lines::{LineKey, line},
    rows::{self, JobRow, job_columns, job_tables},
    sweep::{NOW, read_now},
};
use crate::{
    board::{LineId, Place, TurnKey, Waiter},
    host::Host,
    schedule::JobState,
};
use codeimport_core::ImportId;
use codeimport_pg::{Row, Statement, Tx, row::get};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Waits for runs that are just ending.
const LOCK_LEASES_OF_JOBS: &str = "\
-- queue.lock_leases_of_jobs
SELECT lease.job_no
  FROM lease
 WHERE lease.job_no IN (SELECT job.job_no FROM job WHERE job.job_id = ANY ($1))
 ORDER BY lease.run_id
   FOR UPDATE";

/// Waits for runs that are just starting.
const LOCK_WAITING_OF_JOBS: &str = "\
-- queue.lock_waiting_of_jobs
SELECT waiting.job_no
  FROM waiting
 WHERE waiting.job_no IN (SELECT job.job_no FROM job WHERE job.job_id = ANY ($1))
 ORDER BY waiting.job_no
   FOR UPDATE";

const LOCK_JOBS: &str = "\
-- queue.lock_jobs
SELECT job.job_no FROM job WHERE job.job_id = ANY ($1) ORDER BY job.job_no FOR NO KEY UPDATE";

const LOCKED_JOBS: &str =
    concat!("-- queue.locked_jobs\nSELECT ", job_columns!(), " FROM ", job_tables!(), " WHERE job.job_id = ANY ($1)");

const REQUESTED_LINES_OF_JOBS: &str = "\
-- queue.requested_lines_of_jobs
SELECT DISTINCT line.line_id, line.host_id, line.rcs_type, line.requested, line.owner
  FROM job
  JOIN line ON line.host_id = job.host_id AND line.rcs_type = job.rcs_type AND line.requested
           AND line.owner = job.owner
 WHERE job.job_id = ANY ($1)";

/// Jobs that are locked, as they stand.
pub(super) struct LockedJobs {
    pub(super) jobs: Vec<JobRow>,
    /// Where requests for them wait, as far as there is such a line already.
    pub(super) requested_lines: BTreeMap<LineKey, LineId>,
    /// The database's time.
    pub(super) now: Timestamp,
}

/// Locks the jobs that there are, and reads them. In one round trip.
pub(super) async fn lock_jobs(tx: &Tx<'_>, job_ids: &[&ImportId]) -> Result<LockedJobs, StoreError> {
    let ids: Vec<String> = column(job_ids, ToString::to_string);
    let [leases, waiting, jobs, locked, lines] =
        [LOCK_LEASES_OF_JOBS, LOCK_WAITING_OF_JOBS, LOCK_JOBS, LOCKED_JOBS, REQUESTED_LINES_OF_JOBS]
            .map(|sql| Statement::new(sql).bind(ids.clone()));
    let read = tx.begin_with(&[leases, waiting, jobs, Statement::new(NOW), locked, lines]).await?;
    let job_nos = |rows: &[Row]| rows.iter().map(|row| get(row, "job_no")).collect::<Result<BTreeSet<i64>, _>>();
    let (leased, waits) = (job_nos(&read[0])?, job_nos(&read[1])?);
    let jobs: Vec<JobRow> = read[4].iter().map(rows::job_row).collect::<Result<_, _>>()?;
    // A job came, or began or ended a run, between the look that says what to lock and the lock.
    let is_held = |row: &JobRow| match row.job.state {
        JobState::Running(_) => leased.contains(&row.job_no),
        JobState::Waiting { .. } => waits.contains(&row.job_no),
        JobState::Stopped { .. } => true,
    };
    if jobs.len() > read[2].len() || !jobs.iter().all(is_held) {
        return Err(StoreError::moved(tx));
    }
    let requested_lines = read[5].iter().map(line).collect::<Result<_, _>>()?;
    Ok(LockedJobs { jobs, requested_lines, now: read_now(&read[3])? })
}

/// Where a job waits now, for the board; none if it does not wait.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) job_no: i64,
    pub(super) place: Option<(Place, TurnKey)>,
}

impl Store {
    /// Puts on the board, or takes off it, what a transaction has placed; `now` is its time.
    pub(super) fn place(&self, placed: &[Placed], hosts: Vec<Host>, now: Timestamp) {
        let mut seen = self.lookout.seen();
        let now = seen.hear(now);
        hosts.into_iter().for_each(|host| seen.board.learn(host, now));
        for Placed { job_no, place } in placed {
            match *place {
                Some((place, key)) => seen.board.admit(Waiter { job_no: *job_no, place, key }, now),
                None => seen.board.remove(*job_no, now),
            }
        }
    }
}
