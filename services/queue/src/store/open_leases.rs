//! What a lease round writes: the leases, and which request was granted them.

use super::{acquire_leases::Acquire, lease_round::Chosen, locked_hosts::column, paired::paired};
use codeimport_pg::Statement;
use std::collections::BTreeMap;

/// Moves jobs from waiting to leased, and notes what each request was granted, so that its repeat finds it. In one
/// statement.
pub(super) fn open_leases(acquires: &[&Acquire], chosen: &[Chosen], ttl_s: f64) -> Statement {
    let takers = Takers::of(acquires, chosen);
    let mut by_key: Vec<(&Chosen, i32)> = chosen.iter().zip(1..).collect();
    by_key.sort_unstable_by_key(|(one, _)| one.job_no);
    Statement::new(OPEN_LEASES)
        .bind(column(&by_key, |(one, _)| one.job_no))
        .bind(column(&by_key, |(_, turn)| *turn))
        .bind(column(&by_key, |(one, _)| takers.number(one.asking)))
        .bind(takers.column(|acquire| acquire.request_id))
        .bind(takers.column(|acquire| acquire.worker_id.clone()))
        .bind(takers.column(|acquire| acquire.worker_version.clone()))
        .bind(column(&takers.granted, |(_, job_nos)| array_literal(job_nos)))
        .bind(ttl_s)
}

/// The requests that get something, in the order of their numbers in the statement.
struct Takers<'a> {
    acquires: &'a [&'a Acquire],
    granted: Vec<(usize, Vec<i64>)>,
}

impl<'a> Takers<'a> {
    fn of(acquires: &'a [&'a Acquire], chosen: &[Chosen]) -> Self {
        let mut granted: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        for one in chosen {
            granted.entry(one.asking).or_default().push(one.job_no);
        }
        Self { acquires, granted: granted.into_iter().collect() }
    }

    /// From 1, as SQL counts.
    fn number(&self, asking: usize) -> i32 {
        let before = self.granted.partition_point(|(taker, _)| *taker < asking);
        i32::try_from(before + 1).unwrap_or(i32::MAX)
    }

    fn column<V>(&self, value: impl Fn(&Acquire) -> V) -> Vec<V> {
        column(&self.granted, |(taker, _)| value(self.acquires[*taker]))
    }
}

/// Host and type are the job's: while it waits, nobody changes them without the lock of its host.
const OPEN_LEASES: &str = concat!(
    "-- queue.open_leases
WITH taken AS (
    DELETE FROM waiting
     WHERE waiting.job_no = ANY ($1::bigint[])
 RETURNING waiting.job_no, waiting.due_at, waiting.requested_at, waiting.requested_by, waiting.last_run_id, ",
    paired!("$2::integer[]", "waiting.job_no" in "$1::bigint[]"),
    " AS turn, ",
    paired!("$3::integer[]", "waiting.job_no" in "$1::bigint[]"),
    " AS taker
), remembered AS (
    INSERT INTO lease_request (request_id, worker_id, job_nos, granted_at)
    SELECT item.request_id, item.worker_id, item.job_nos::bigint[], statement_timestamp()
      FROM unnest($4::uuid[], $5::text[], $7::text[]) AS item (request_id, worker_id, job_nos)
)
INSERT INTO lease (job_no, job_id, generation, host_id, rcs_type, worker_id, worker_version, request_id, due_at,
                   requested_at, requested_by, previous_run_id, after_reclaim, started_at, heartbeat_at, progress_at,
                   expires_at)
SELECT taken.job_no, job.job_id, job.generation, job.host_id, job.rcs_type, ($5::text[])[taken.taker],
       ($6::text[])[taken.taker], ($4::uuid[])[taken.taker], taken.due_at, taken.requested_at, taken.requested_by,
       taken.last_run_id, job.after_reclaim, statement_timestamp(), statement_timestamp(), statement_timestamp(),
       statement_timestamp() + make_interval(secs => $8)
  FROM taken
 CROSS JOIN LATERAL (                                   -- by its key, however few jobs there were lately
     SELECT job.job_id, job.generation, job.host_id, job.rcs_type, job.after_reclaim
       FROM job
      WHERE job.job_no = taken.job_no
     OFFSET 0) AS job
 ORDER BY taken.turn                                    -- tokens rise in the order of the turns
RETURNING lease.job_no, lease.job_id, lease.run_id, lease.fencing_token, lease.expires_at, lease.rcs_type,
          lease.after_reclaim, lease.requested_at, lease.started_at, lease.due_at"
);

/// An array as text, for a column of arrays: `unnest` would take it apart.
fn array_literal(numbers: &[i64]) -> String {
    let list: Vec<String> = numbers.iter().map(i64::to_string).collect();
    format!("{{{}}}", list.join(","))
}
