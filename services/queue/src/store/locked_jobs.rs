//! Jobs that a transaction has locked, by locking their hosts.

use super::{
    Store, StoreError,
    locked_hosts::LockedHosts,
    rows::{self, JobRow, host_columns, job_columns, job_tables, turn_columns},
};
use codeimport_core::ImportId;
use codeimport_pg::{Statement, Tx, row::get};
use jiff::Timestamp;

macro_rules! hosts_of_jobs {
    () => {
        "(SELECT source_host.host_id FROM source_host WHERE source_host.name = ANY ($2) \
          UNION \
          SELECT job.host_id FROM job WHERE job.job_id = ANY ($1) \
          UNION \
          SELECT lease.host_id FROM job JOIN lease ON lease.job_no = job.job_no WHERE job.job_id = ANY ($1))"
    };
}

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

/// Locks the hosts of jobs, and those with these names, and reads the jobs that there are.
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
            Statement::new(LOCK_HOSTS_OF_JOBS).bind(ids.clone()).bind(names.clone()),
            Statement::new("-- queue.now\nSELECT statement_timestamp() AS now"),
            Statement::new(TURNS_OF_JOBS).bind(ids.clone()).bind(names),
            Statement::new(LOCKED_JOBS).bind(ids),
        ])
        .await?;
    let now = read[1].first().map_or(Ok(Timestamp::UNIX_EPOCH), |row| get(row, "now"))?;
    let mut locked = LockedHosts::new(store.hosts(), now).with_hosts(&read[0])?;
    locked.add_turns(&read[2])?;
    let jobs: Vec<JobRow> = read[3].iter().map(rows::job_row).collect::<Result<_, _>>()?;
    // A job came, or moved, between the look that says which hosts to lock and the locks.
    let held = |job: &JobRow| locked.holds(job.host_id) && job.lease_host_id.is_none_or(|host| locked.holds(host));
    if !jobs.iter().all(held) {
        return Err(StoreError::moved(tx));
    }
    Ok((locked, jobs))
}
