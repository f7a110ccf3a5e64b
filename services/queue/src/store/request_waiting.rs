//! Requests for jobs that wait, which are nearly all: one round trip moves them into the lines of requested jobs, and a worker
//! that waits has them before the disk has.
//!
//! The move is committed without waiting for the disk, so that whoever leases can see it; his own commit comes later in
//! the server's log, and takes it along. The person who asked is answered only once the log is flushed so far.

use super::{
    Store, StoreError, column,
    heartbeat::LAZY_COMMIT,
    locked_jobs::Placed,
    request_run::{Requested, RunWish},
    rows::{self, JobRow, host_columns, job_columns, job_tables},
    sweep::{NOW, read_now},
};
use crate::{
    board::{LineId, Place, TurnKey},
    host::Host,
    schedule::JobState,
};
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Row, Statement, row::get};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use std::collections::BTreeMap;

/// Of jobs that wait, have no open request, and whose line of requested jobs there is already. Who changes such a job
/// replaces its row in `waiting`: then this one finds none.
const REQUEST_WAITING: &str = "\
-- queue.request_waiting
WITH wish AS MATERIALIZED (
    SELECT job.job_no, line.line_id, wished.requested_by
      FROM unnest($1::text[], $2::text[]) AS wished (job_id, requested_by)
      JOIN job ON job.job_id = wished.job_id
      JOIN line ON line.host_id = job.host_id AND line.rcs_type = job.rcs_type AND line.requested
               AND line.owner = job.owner
), moved AS (
    DELETE FROM waiting
     WHERE waiting.job_no = ANY (ARRAY(SELECT wish.job_no FROM wish)) AND waiting.requested_at IS NULL
 RETURNING waiting.job_no, waiting.due_at, waiting.last_run_id
)
INSERT INTO waiting (job_no, line_id, due_at, ready_at, requested_at, requested_by, due_reason, last_run_id)
SELECT moved.job_no, wish.line_id, least(moved.due_at, statement_timestamp()), statement_timestamp(),
       statement_timestamp(), wish.requested_by, 'requested', moved.last_run_id
  FROM moved
  JOIN wish ON wish.job_no = moved.job_no
RETURNING waiting.job_no, waiting.line_id";

const JOBS_MOVED: &str =
    concat!("-- queue.jobs_moved\nSELECT ", job_columns!(), " FROM ", job_tables!(), " WHERE job.job_id = ANY ($1)");

const HOSTS_OF_JOBS: &str = concat!(
    "-- queue.hosts_of_jobs\nSELECT ",
    host_columns!(),
    " FROM source_host
      WHERE source_host.host_id IN (SELECT job.host_id FROM job WHERE job.job_id = ANY ($1))"
);

/// Its own commit waits for the disk, and with it for all that was committed before.
const FLUSH: &str = "-- queue.flush\nSELECT pg_logical_emit_message(true, 'codeimport', '')";

impl Store {
    /// Moves what waits, and tells by `moved` as soon as it may be leased. Returns the requests recorded, by job.
    pub(super) async fn request_waiting(
        &self,
        wishes: &[RunWish],
        moved: &(dyn Fn() + Sync),
    ) -> Result<BTreeMap<ImportId, Requested>, StoreError> {
        // The first wish of each job is the one that counts.
        let firsts: BTreeMap<&ImportId, &RunWish> = wishes.iter().rev().map(|wish| (&wish.job_id, wish)).collect();
        let firsts: Vec<&RunWish> = firsts.into_values().collect();
        let Moved { jobs, lines, hosts, now } = self.move_waiting(&firsts).await?;
        if jobs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let placed: Vec<Placed> = jobs.iter().filter_map(|row| placed(row, &lines)).collect();
        self.place(&placed, hosts, now);
        moved();
        self.db.run_one("queue.flush", &Statement::new(FLUSH)).await?;
        let requested = jobs.into_iter().map(|row| {
            let after_run_id = row.newest_run_id();
            (row.job.job_id.clone(), Requested { job: row.job, after_run_id })
        });
        Ok(requested.collect())
    }

    async fn move_waiting(&self, wishes: &[&RunWish]) -> Result<Moved, StoreError> {
        let job_ids = &column(wishes, |wish| wish.job_id.to_string());
        let requesters = &column(wishes, |wish| wish.by.clone());
        let read = self.db.run_tx("queue.request_waiting", |tx| {
            async move {
                let statements = [
                    Statement::new(LAZY_COMMIT),
                    Statement::new(REQUEST_WAITING).bind(job_ids.clone()).bind(requesters.clone()),
                    Statement::new(JOBS_MOVED).bind(job_ids.clone()),
                    Statement::new(HOSTS_OF_JOBS).bind(job_ids.clone()),
                    // Not before the time from which on they are due.
                    Statement::new(NOW),
                ];
                Ok::<_, StoreError>(tx.run_whole(&statements).await?)
            }
            .scope_boxed()
        });
        Ok(Moved::read(&read.await?)?)
    }
}

/// Jobs that were moved, and the lines that they are in now.
struct Moved {
    jobs: Vec<JobRow>,
    lines: BTreeMap<i64, LineId>,
    hosts: Vec<Host>,
    now: Timestamp,
}

impl Moved {
    fn read(read: &[Vec<Row>]) -> Result<Self, DbError> {
        let line = |row: &Row| Ok::<_, DbError>((get(row, "job_no")?, LineId(get(row, "line_id")?)));
        let lines: BTreeMap<i64, LineId> = read[1].iter().map(line).collect::<Result<_, _>>()?;
        let mut jobs: Vec<JobRow> = read[2].iter().map(rows::job_row).collect::<Result<_, _>>()?;
        jobs.retain(|row| lines.contains_key(&row.job_no));
        let hosts = read[3].iter().map(rows::host).collect::<Result<_, _>>()?;
        Ok(Self { jobs, lines, hosts, now: read_now(&read[4])? })
    }
}

/// Where it waits now.
fn placed(row: &JobRow, lines: &BTreeMap<i64, LineId>) -> Option<Placed> {
    let JobState::Waiting { due_at } = row.job.state else { return None };
    let line_id = *lines.get(&row.job_no)?;
    let key = TurnKey { host_id: row.host_id, rcs_type: row.job.schedule.rcs_type, requested: true };
    Some(Placed { job_no: row.job_no, place: Some((Place { line_id, due_at }, key)) })
}
