//! Jobs that a transaction has locked: by locking their leases, which guard the rows of running jobs, and then their hosts,
//! which guard all else.

use super::{
    Store, StoreError,
    locked_hosts::{LockedHosts, NOW, read_now},
    rows::{self, JobRow, host_columns, job_columns, job_tables, line_columns, turn_columns},
};
use crate::schedule::JobState;
use codeimport_core::ImportId;
use codeimport_pg::{Statement, Tx, row::get};
use std::collections::BTreeSet;

macro_rules! hosts_of_jobs {
    () => {
        "(SELECT source_host.host_id FROM source_host WHERE source_host.name = ANY ($2) \
          UNION \
          SELECT job.host_id FROM job WHERE job.job_id = ANY ($1) \
          UNION \
          SELECT lease.host_id FROM job JOIN lease ON lease.job_no = job.job_no WHERE job.job_id = ANY ($1))"
    };
}

/// Waits for runs that are just ending: their hosts come after that.
const LOCK_LEASES_OF_JOBS: &str = "\
-- queue.lock_leases_of_jobs
SELECT lease.run_id
  FROM lease
 WHERE lease.job_no IN (SELECT job.job_no FROM job WHERE job.job_id = ANY ($1))
 ORDER BY lease.run_id
   FOR UPDATE";

const LOCK_HOSTS_OF_JOBS: &str = concat!(
    "-- queue.lock_hosts_of_jobs\nSELECT ",
    host_columns!(),
    " FROM source_host WHERE source_host.host_id IN ",
    hosts_of_jobs!(),
    " ORDER BY source_host.host_id FOR NO KEY UPDATE"
);

const TURNS_OF_JOBS: &str = concat!(
    "-- queue.turns_of_jobs\nSELECT ",
    turn_columns!(),
    " FROM host_turn WHERE host_turn.host_id IN ",
    hosts_of_jobs!()
);

const LOCKED_JOBS: &str =
    concat!("-- queue.locked_jobs\nSELECT ", job_columns!(), " FROM ", job_tables!(), " WHERE job.job_id = ANY ($1)");

/// Where requests for these jobs wait, as far as there is such a line already.
const REQUESTED_LINES_OF_JOBS: &str = concat!(
    "-- queue.requested_lines_of_jobs\nSELECT DISTINCT ",
    line_columns!(),
    ", line.owner
       FROM job
       JOIN line ON line.host_id = job.host_id AND line.rcs_type = job.rcs_type AND line.requested
                AND line.owner = job.owner
      WHERE job.job_id = ANY ($1)"
);

/// Locks the hosts of jobs, and those with these names, and reads the jobs that there are. In one round trip: so it does
/// not wait for the turn that lease rounds and ends of runs take; a lease round that meets its locks skips those hosts,
/// and whoever changes a job wakes the next one.
pub(super) async fn lock_jobs<'s>(
    tx: &Tx<'_>,
    store: &'s Store,
    job_ids: &[&ImportId],
    host_names: &[&str],
) -> Result<(LockedHosts<'s>, Vec<JobRow>), StoreError> {
    let ids: Vec<String> = job_ids.iter().map(ToString::to_string).collect();
    let names: Vec<String> = host_names.iter().map(ToString::to_string).collect();
    let read = tx
        .begin_with(&[
            Statement::new(LOCK_LEASES_OF_JOBS).bind(ids.clone()),
            Statement::new(LOCK_HOSTS_OF_JOBS).bind(ids.clone()).bind(names.clone()),
            Statement::new(NOW),
            Statement::new(TURNS_OF_JOBS).bind(ids.clone()).bind(names),
            Statement::new(REQUESTED_LINES_OF_JOBS).bind(ids.clone()),
            Statement::new(LOCKED_JOBS).bind(ids),
        ])
        .await?;
    let leases: BTreeSet<i64> = read[0].iter().map(|row| get(row, "run_id")).collect::<Result<_, _>>()?;
    let mut hosts = LockedHosts::new(store.hosts(), read_now(&read[2])?).with_hosts(&read[1])?;
    hosts.add_turns(&read[3])?;
    hosts.add_named_lines(&read[4])?;
    let jobs: Vec<JobRow> = read[5].iter().map(rows::job_row).collect::<Result<_, _>>()?;
    // A job came, moved, or was leased between the look that says what to lock and the locks.
    let held = |job: &JobRow| hosts.holds(job.host_id) && job.lease_host_id.is_none_or(|host| hosts.holds(host));
    let run_held = |job: &JobRow| match &job.job.state {
        JobState::Running(lease) => leases.contains(&lease.run_id.0),
        JobState::Waiting { .. } | JobState::Stopped { .. } => true,
    };
    if !jobs.iter().all(|job| held(job) && run_held(job)) {
        return Err(StoreError::moved(tx));
    }
    Ok((hosts, jobs))
}
