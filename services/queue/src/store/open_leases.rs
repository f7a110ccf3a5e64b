//! What a lease round writes: the leases, and which request was granted them.

use super::{acquire_leases::Acquire, lease_round::Chosen, locked_hosts::column};
use codeimport_pg::Statement;
use std::collections::BTreeMap;

/// Moves jobs from waiting to leased, in one statement. All that is known of a lease comes in its own row: a join of rows
/// with each other would have to be found out by comparing all with all.
pub(super) fn open_leases(acquires: &[&Acquire], chosen: &[Chosen], ttl_s: f64) -> Statement {
    Statement::new(
        "-- queue.open_leases
         WITH taken AS (
             DELETE FROM waiting
              USING unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::uuid[]) WITH ORDINALITY
                    AS item (job_no, host_id, rcs_type, worker_id, worker_version, request_id, position)
              WHERE waiting.job_no = ANY ($1) AND waiting.job_no = item.job_no
          RETURNING waiting.job_no, waiting.due_at, waiting.requested_at, waiting.requested_by, waiting.last_run_id,
                    item.host_id, item.rcs_type, item.worker_id, item.worker_version, item.request_id, item.position
         )
         INSERT INTO lease (job_no, job_id, generation, host_id, rcs_type, worker_id, worker_version, request_id, due_at,
                            requested_at, requested_by, previous_run_id, after_reclaim, started_at, heartbeat_at,
                            progress_at, expires_at)
         SELECT taken.job_no, job.job_id, job.generation, taken.host_id, taken.rcs_type, taken.worker_id,
                taken.worker_version, taken.request_id, taken.due_at, taken.requested_at, taken.requested_by,
                taken.last_run_id, job.after_reclaim, statement_timestamp(), statement_timestamp(),
                statement_timestamp(), statement_timestamp() + make_interval(secs => $7)
           FROM taken
           JOIN job ON job.job_no = taken.job_no
          ORDER BY taken.position                       -- tokens rise in the order of the turns
      RETURNING lease.job_no, lease.job_id, lease.run_id, lease.fencing_token, lease.expires_at, lease.rcs_type,
                lease.after_reclaim, lease.requested_at,
                extract(epoch FROM lease.started_at - lease.due_at)::float8 AS waited_s",
    )
    .bind(column(chosen, |one| one.job_no))
    .bind(column(chosen, |one| one.key.host_id.0))
    .bind(column(chosen, |one| one.key.rcs_type.name()))
    .bind(column(chosen, |one| acquires[one.asking].worker_id.clone()))
    .bind(column(chosen, |one| acquires[one.asking].worker_version.clone()))
    .bind(column(chosen, |one| acquires[one.asking].request_id))
    .bind(ttl_s)
}

/// Notes what each request was granted, so that its repeat finds it.
pub(super) fn remember_requests(acquires: &[&Acquire], chosen: &[Chosen]) -> Statement {
    let mut granted: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
    for one in chosen {
        granted.entry(one.asking).or_default().push(one.job_no);
    }
    let requests: Vec<(&Acquire, String)> =
        granted.iter().map(|(asking, job_nos)| (acquires[*asking], array_literal(job_nos))).collect();
    Statement::new(
        "-- queue.remember_requests
         INSERT INTO lease_request (request_id, worker_id, job_nos, granted_at)
         SELECT item.request_id, item.worker_id, item.job_nos::bigint[], statement_timestamp()
           FROM unnest($1::uuid[], $2::text[], $3::text[]) AS item (request_id, worker_id, job_nos)",
    )
    .bind(column(&requests, |(acquire, _)| acquire.request_id))
    .bind(column(&requests, |(acquire, _)| acquire.worker_id.clone()))
    .bind(column(&requests, |(_, job_nos)| job_nos.clone()))
}

/// An array as text, for a column of arrays: `unnest` would take it apart.
fn array_literal(numbers: &[i64]) -> String {
    let list: Vec<String> = numbers.iter().map(i64::to_string).collect();
    format!("{{{}}}", list.join(","))
}
