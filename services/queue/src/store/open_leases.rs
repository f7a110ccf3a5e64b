//! What a lease round writes: the leases, and which request was granted them. One statement.

use super::{acquire_leases::Acquire, column, grants::steady_interval, paired::paired};
use crate::board::Chosen;
use codeimport_pg::Statement;
use std::collections::BTreeMap;

/// Moves jobs from waiting to leased, as far as they still wait where they were seen, and notes what each request was
/// granted, so that its repeat finds it. Fails as a whole if one of the requests has been granted something before.
pub(super) fn open_leases(acquires: &[&Acquire], chosen: &[Chosen], ttl_s: f64) -> Statement {
    let takers = Takers::of(acquires, chosen);
    let mut by_key: Vec<(&Chosen, i32)> = chosen.iter().zip(1..).collect();
    by_key.sort_unstable_by_key(|(one, _)| one.waiter.job_no);
    let (firsts, lasts) = takers.parts();
    Statement::new(OPEN_LEASES)
        .bind(column(&by_key, |(one, _)| one.waiter.job_no))
        .bind(column(&by_key, |(one, _)| one.waiter.place.line_id.0))
        .bind(column(&by_key, |(one, _)| one.waiter.place.due_at))
        .bind(column(&by_key, |(_, turn)| *turn))
        .bind(column(&by_key, |(one, _)| takers.number(one.asking)))
        .bind(takers.column(|acquire| acquire.request_id))
        .bind(takers.column(|acquire| acquire.worker_id.clone()))
        .bind(takers.column(|acquire| acquire.worker_version.clone()))
        .bind(takers.job_nos())
        .bind(firsts)
        .bind(lasts)
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
            granted.entry(one.asking).or_default().push(one.waiter.job_no);
        }
        Self { acquires, granted: granted.into_iter().collect() }
    }

    /// From 1, as SQL counts.
    fn number(&self, asking: usize) -> i32 {
        let before = self.granted.partition_point(|(taker, _)| *taker < asking);
        i32::try_from(before + 1).unwrap_or(i32::MAX)
    }

    /// What all of them get, one after the other.
    fn job_nos(&self) -> Vec<i64> {
        self.granted.iter().flat_map(|(_, job_nos)| job_nos).copied().collect()
    }

    /// Where in that each one's part begins and ends, from 1.
    fn parts(&self) -> (Vec<i32>, Vec<i32>) {
        let mut last = 0;
        let part = |(_, job_nos): &(usize, Vec<i64>)| {
            let first = last + 1;
            last += i32::try_from(job_nos.len()).unwrap_or(i32::MAX);
            (first, last)
        };
        self.granted.iter().map(part).unzip()
    }

    fn column<V>(&self, value: impl Fn(&Acquire) -> V) -> Vec<V> {
        column(&self.granted, |(taker, _)| value(self.acquires[*taker]))
    }
}

/// The lock of its row in `waiting` guards a job that waits: whoever changes one holds it, and replaces the row. One that
/// somebody has locked is left alone, whoever he is; the board looks for it again.
///
/// The answer tells of the job what the end of the run will depend on, as long as nobody changes it: see `grants`.
///
/// Public so that a test can ask for its plan.
pub const OPEN_LEASES: &str = concat!(
    "-- queue.open_leases
WITH taken AS MATERIALIZED (
    SELECT waiting.ctid AS at, waiting.job_no, waiting.due_at, waiting.requested_at, waiting.requested_by,
           waiting.last_run_id, width_bucket(waiting.job_no, $1::bigint[]) AS position
      FROM waiting
     WHERE waiting.job_no = ANY ($1::bigint[])
       AND waiting.line_id = ",
    paired!("$2::bigint[]", "waiting.job_no" in "$1::bigint[]"),
    " AND waiting.due_at = ",
    paired!("$3::timestamptz[]", "waiting.job_no" in "$1::bigint[]"),
    "
       FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM waiting WHERE waiting.ctid = ANY (ARRAY(SELECT taken.at FROM taken))
), remembered AS (
    INSERT INTO lease_request (request_id, worker_id, job_nos, granted_at)
    SELECT item.request_id, item.worker_id, ($9::bigint[])[item.first : item.last],
           statement_timestamp()
      FROM unnest($6::uuid[], $7::text[], $10::integer[], $11::integer[]) AS item (request_id, worker_id, first, last)
), opened AS MATERIALIZED (
    SELECT nextval('run_id') AS run_id, nextval('fencing_token') AS fencing_token, ordered.taker, ordered.job_no,
           ordered.due_at, ordered.requested_at, ordered.requested_by, ordered.last_run_id, ordered.job_id,
           ordered.generation, ordered.host_id, ordered.rcs_type, ordered.after_reclaim, ordered.line_id,
           ordered.steady_interval_ms
      FROM (SELECT ($4::integer[])[taken.position] AS turn, ($5::integer[])[taken.position] AS taker, taken.job_no,
                   taken.due_at, taken.requested_at, taken.requested_by, taken.last_run_id, job.job_id, job.generation,
                   job.host_id, job.rcs_type, job.after_reclaim, job.line_id, job.steady_interval_ms
              FROM taken
             CROSS JOIN LATERAL (                       -- by its key, however few jobs there were lately
                 SELECT job.job_id, job.generation, job.host_id, job.rcs_type, job.after_reclaim, job.line_id,
                        ",
    steady_interval!(),
    "
                   FROM job
                  WHERE job.job_no = taken.job_no
                 OFFSET 0) AS job
             ORDER BY turn) AS ordered                  -- tokens rise in the order of the turns
), leased AS (
    INSERT INTO lease (run_id, job_no, fencing_token, job_id, generation, host_id, rcs_type, worker_id, worker_version,
                       request_id, due_at, requested_at, requested_by, previous_run_id, after_reclaim, started_at,
                       heartbeat_at, progress_at, expires_at)
    SELECT opened.run_id, opened.job_no, opened.fencing_token, opened.job_id, opened.generation, opened.host_id,
           opened.rcs_type, ($7::text[])[opened.taker], ($8::text[])[opened.taker], ($6::uuid[])[opened.taker],
           opened.due_at, opened.requested_at, opened.requested_by, opened.last_run_id, opened.after_reclaim,
           statement_timestamp(), statement_timestamp(), statement_timestamp(),
           (SELECT statement_timestamp() + make_interval(secs => $12))
      FROM opened
)
SELECT opened.job_no, opened.job_id, opened.run_id, opened.fencing_token, opened.after_reclaim,
       statement_timestamp() AS started_at, opened.generation, opened.line_id, opened.steady_interval_ms
  FROM opened"
);
