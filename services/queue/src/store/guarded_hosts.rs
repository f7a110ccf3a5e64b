//! Hosts whose use is limited: locked, counted, and written by whoever starts runs of them, so that all replicas together
//! stay within the limits.

use super::{
    Store, StoreError, column,
    rows::{self, host_columns, position_name},
};
use crate::host::{Host, HostId};
use codeimport_core::ImportId;
use codeimport_pg::{Statement, Tx};
use std::collections::BTreeSet;

/// Those that another leaser holds are skipped; in the order of their numbers.
const LOCK_GUARDED_HOSTS: &str = "\
-- queue.lock_guarded_hosts
WITH locked AS MATERIALIZED (
    SELECT source_host.host_id
      FROM source_host
     WHERE source_host.host_id = ANY ($1)
     ORDER BY source_host.host_id
       FOR NO KEY UPDATE SKIP LOCKED
)
SELECT set_config('queue.locked_hosts', array_agg(locked.host_id)::text, true) FROM locked";

/// First the lock, then the count: a statement does not see what was committed since it began.
const LOCKED_HOSTS: &str = concat!(
    "-- queue.locked_hosts\nSELECT ",
    host_columns!(),
    " FROM source_host
      WHERE source_host.host_id = ANY (nullif(current_setting('queue.locked_hosts', true), '')::bigint[])"
);

/// The same for the host of one job.
const LOCK_HOST_OF_JOB: &str = "\
-- queue.lock_host_of_job
WITH locked AS MATERIALIZED (
    SELECT source_host.host_id
      FROM source_host
     WHERE source_host.host_id = (SELECT job.host_id FROM job WHERE job.job_id = $1)
       FOR NO KEY UPDATE SKIP LOCKED
)
SELECT set_config('queue.locked_hosts', array_agg(locked.host_id)::text, true) FROM locked";

const LOCK_HOSTS: &str = "\
-- queue.lock_hosts
SELECT source_host.host_id
  FROM source_host
 WHERE source_host.host_id = ANY ($1)
 ORDER BY source_host.host_id
   FOR NO KEY UPDATE";

const READ_HOSTS: &str =
    concat!("-- queue.read_hosts\nSELECT ", host_columns!(), " FROM source_host WHERE source_host.host_id = ANY ($1)");

const WRITE_HOSTS: &str = "\
-- queue.write_hosts
UPDATE source_host
   SET open_at = item.open_at, breaker = item.breaker, trouble_count = item.trouble_count,
       opened_count = item.opened_count
  FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::integer[], $5::integer[])
       AS item (host_id, open_at, breaker, trouble_count, opened_count)
 WHERE source_host.host_id = item.host_id";

/// Locks hosts until the commit, as far as nobody else has; returns those, with what they run.
pub(super) async fn lock_free_hosts(tx: &Tx<'_>, hosts: &BTreeSet<HostId>) -> Result<Vec<Host>, StoreError> {
    if hosts.is_empty() {
        return Ok(Vec::new());
    }
    let lock = Statement::new(LOCK_GUARDED_HOSTS).bind(host_ids(hosts));
    let read = tx.begin_with(&[lock, Statement::new(LOCKED_HOSTS)]).await?;
    Ok(read[1].iter().map(rows::host).collect::<Result<_, _>>()?)
}

/// For a statement after it that asks for `queue.locked_hosts`.
pub(super) fn lock_host_of_job(job_id: &ImportId) -> Statement {
    Statement::new(LOCK_HOST_OF_JOB).bind(job_id.to_string())
}

/// Locks hosts until the commit, and waits for whoever has.
pub(super) async fn lock_hosts(tx: &Tx<'_>, hosts: &BTreeSet<HostId>) -> Result<Vec<Host>, StoreError> {
    if hosts.is_empty() {
        return Ok(Vec::new());
    }
    let lock = Statement::new(LOCK_HOSTS).bind(host_ids(hosts));
    let read = tx.pipeline(&[lock, read_hosts(hosts)]).await?;
    Ok(read[1].iter().map(rows::host).collect::<Result<_, _>>()?)
}

/// Reads hosts as they stand.
pub(super) fn read_hosts(hosts: &BTreeSet<HostId>) -> Statement {
    Statement::new(READ_HOSTS).bind(host_ids(hosts))
}

/// Writes pauses and breakers of hosts that are locked; none if there are none.
pub(super) fn write_hosts(hosts: &[Host]) -> Option<Statement> {
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let statement = Statement::new(WRITE_HOSTS)
        .bind(column(hosts, |host| host.host_id.0))
        .bind(column(hosts, |host| host.open_at))
        .bind(column(hosts, |host| position_name(host.breaker.position)))
        .bind(column(hosts, |host| count(host.breaker.trouble_count)))
        .bind(column(hosts, |host| count(host.breaker.opened_count)));
    (!hosts.is_empty()).then_some(statement)
}

fn host_ids(hosts: &BTreeSet<HostId>) -> Vec<i64> {
    hosts.iter().map(|host_id| host_id.0).collect()
}

impl Store {
    /// Hosts as a transaction has left them, for the board.
    pub(super) fn learn_hosts(&self, hosts: Vec<Host>) {
        let mut seen = self.lookout.seen();
        let now = seen.now();
        hosts.into_iter().for_each(|host| seen.board.learn(host, now));
    }
}
