//! Requests for jobs that wait, which are nearly all: one statement moves them into the lines of requested jobs, and a worker
//! that waits has them before the disk has, and before the person who asked is answered.
//!
//! The move is committed without waiting for the disk, so that whoever leases can see it; his own commit comes later in
//! the server's log, and takes it along. The person who asked is answered only once the log is flushed so far.

use super::{
    Store, StoreError, column,
    guarded_hosts::read_hosts,
    locked_jobs::Placed,
    request_run::{Requested, RunWish},
    rows::{self, JobRow, job_columns, job_tables},
};
use crate::{
    board::{LineId, Place, TurnKey},
    host::{Host, HostId},
};
use codeimport_core::{ImportId, RunId};
use codeimport_pg::{
    DbError, Row, Statement,
    row::{get, parsed},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Of jobs that wait, have no open request, and whose line of requested jobs there is already. Who changes such a job
/// replaces its row in `waiting`: then this one finds none.
const REQUEST_WAITING: &str = "\
-- queue.request_waiting
WITH lazily AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), wish AS MATERIALIZED (
    SELECT job.job_no, job.job_id, job.host_id, job.rcs_type, line.line_id, wished.requested_by
      FROM lazily, unnest($1::text[], $2::text[]) AS wished (job_id, requested_by)
      JOIN job ON job.job_id = wished.job_id
      JOIN line ON line.host_id = job.host_id AND line.rcs_type = job.rcs_type AND line.requested
               AND line.owner = job.owner
), moved AS (
    DELETE FROM waiting
     WHERE waiting.job_no = ANY (ARRAY(SELECT wish.job_no FROM wish)) AND waiting.requested_at IS NULL
 RETURNING waiting.job_no, waiting.due_at, waiting.last_run_id
), placed AS (
    INSERT INTO waiting (job_no, line_id, due_at, ready_at, requested_at, requested_by, due_reason, last_run_id)
    SELECT moved.job_no, wish.line_id, least(moved.due_at, statement_timestamp()), statement_timestamp(),
           statement_timestamp(), wish.requested_by, 'requested', moved.last_run_id
      FROM moved
      JOIN wish ON wish.job_no = moved.job_no
 RETURNING waiting.job_no, waiting.line_id, waiting.due_at, waiting.last_run_id
)
SELECT placed.job_no, wish.job_id, placed.line_id, placed.due_at, placed.last_run_id, wish.host_id, wish.rcs_type,
       statement_timestamp() AS now
  FROM placed
  JOIN wish ON wish.job_no = placed.job_no";

const JOBS_MOVED: &str =
    concat!("-- queue.jobs_moved\nSELECT ", job_columns!(), " FROM ", job_tables!(), " WHERE job.job_id = ANY ($1)");

/// Its own commit waits for the disk, and with it for all that was committed before. Nothing to do if a lease has been
/// there already.
const FLUSH: &str = "\
-- queue.flush
SELECT pg_logical_emit_message(true, 'codeimport', '')
 WHERE pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn()";

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
        let jobs = self.move_waiting(&firsts).await?;
        if jobs.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.put_on_board(&jobs).await?;
        moved();
        self.recorded(&jobs).await
    }

    pub(super) async fn put_on_board(&self, jobs: &[Moved]) -> Result<(), StoreError> {
        let hosts = self.unknown_hosts(jobs).await?;
        let placed: Vec<Placed> = jobs.iter().map(Moved::placed).collect();
        if let Some(now) = jobs.iter().map(|job| job.now).max() {
            self.place(&placed, hosts, now);
        }
        Ok(())
    }

    /// What those who asked are told, once what was moved is on the disk.
    pub(super) async fn recorded(&self, jobs: &[Moved]) -> Result<BTreeMap<ImportId, Requested>, StoreError> {
        let after: BTreeMap<&ImportId, Option<RunId>> =
            jobs.iter().map(|job| (&job.job_id, job.after_run_id)).collect();
        let read = self.read_and_flush(jobs).await?.into_iter().filter_map(|row| {
            let after_run_id = *after.get(&row.job.job_id)?;
            Some((row.job.job_id.clone(), Requested { job: row.job, after_run_id }))
        });
        Ok(read.collect())
    }

    async fn move_waiting(&self, wishes: &[&RunWish]) -> Result<Vec<Moved>, StoreError> {
        let statement = Statement::new(REQUEST_WAITING)
            .bind(column(wishes, |wish| wish.job_id.to_string()))
            .bind(column(wishes, |wish| wish.by.clone()));
        let rows = self.db.run_one("queue.request_waiting", &statement).await?;
        Ok(rows.iter().map(Moved::read).collect::<Result<_, _>>()?)
    }

    /// Hosts of which this process has not heard yet.
    pub(super) async fn unknown_hosts(&self, jobs: &[Moved]) -> Result<Vec<Host>, StoreError> {
        let unknown: BTreeSet<HostId> = {
            let seen = self.lookout.seen();
            let hosts = jobs.iter().map(|job| job.key.host_id);
            hosts.filter(|host_id| seen.board.host(*host_id).is_none()).collect()
        };
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.db.run_one("queue.read_hosts", &read_hosts(&unknown)).await?;
        Ok(rows.iter().map(rows::host).collect::<Result<_, _>>()?)
    }

    /// The jobs as they are by now.
    async fn read_and_flush(&self, jobs: &[Moved]) -> Result<Vec<JobRow>, StoreError> {
        let job_ids = column(jobs, |job| job.job_id.to_string());
        let read = self.db.run_one("queue.jobs_moved", &Statement::new(JOBS_MOVED).bind(job_ids)).await?;
        self.db.run_one("queue.flush", &Statement::new(FLUSH)).await?;
        Ok(read.iter().map(rows::job_row).collect::<Result<_, _>>()?)
    }
}

/// A job for which a request was recorded.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) job_no: i64,
    job_id: ImportId,
    /// Where it waits now, if it does.
    pub(super) place: Place,
    pub(super) key: TurnKey,
    /// The run that answers the request comes after this one.
    after_run_id: Option<RunId>,
    pub(super) now: Timestamp,
}

impl Moved {
    pub(super) fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            job_no: get(row, "job_no")?,
            job_id: parsed(row, "job_id")?,
            place: Place { line_id: LineId(get(row, "line_id")?), due_at: get(row, "due_at")? },
            key: TurnKey { host_id: HostId(get(row, "host_id")?), rcs_type: parsed(row, "rcs_type")?, requested: true },
            after_run_id: get::<Option<i64>>(row, "last_run_id")?.map(RunId),
            now: get(row, "now")?,
        })
    }

    fn placed(&self) -> Placed {
        Placed { job_no: self.job_no, place: Some((self.place, self.key)) }
    }
}
