//! Requests for leases that come again: what each of them holds already.

use super::{
    LeaseName, Store, StoreError,
    acquire_leases::{Acquire, GrantedLease},
    column,
};
use codeimport_core::{FencingToken, RunId};
use codeimport_pg::{
    DbError, Row,
    row::{get, parsed},
};
use jiff::Timestamp;
use std::time::Duration;

/// A worker is told of its own leases only, whatever request it names.
const HELD_BY_REQUESTS: &str = "\
-- queue.held_by_requests
SELECT item.position, lease.job_id, lease.run_id, lease.fencing_token, lease.expires_at, lease.rcs_type,
       lease.after_reclaim, lease.requested_at, lease.started_at, lease.due_at
  FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS item (request_id, worker_id, position)
  JOIN lease_request ON lease_request.request_id = item.request_id
  LEFT JOIN lease ON lease.job_no = ANY (lease_request.job_nos)
                 AND lease.request_id = item.request_id AND lease.worker_id = item.worker_id
 ORDER BY item.position, lease.run_id";

impl Store {
    /// For each request what it was granted before and still holds; none if it was granted nothing yet.
    pub(super) async fn held_by_requests(
        &self,
        acquires: &[&Acquire],
    ) -> Result<Vec<Option<Vec<GrantedLease>>>, StoreError> {
        if acquires.is_empty() {
            return Ok(Vec::new());
        }
        let request_ids = column(acquires, |acquire| acquire.request_id);
        let worker_ids = column(acquires, |acquire| acquire.worker_id.clone());
        let rows = self.db.client().await?.query(HELD_BY_REQUESTS, &[&request_ids, &worker_ids]).await?;
        let mut held: Vec<Option<Vec<GrantedLease>>> = vec![None; acquires.len()];
        for row in &rows {
            let position: i64 = get(row, "position")?;
            let at = usize::try_from(position - 1).ok().and_then(|at| held.get_mut(at));
            let leases = at.ok_or_else(|| DbError::decode("position", &position))?.get_or_insert_default();
            if get::<Option<i64>>(row, "run_id")?.is_some() {
                leases.push(granted_lease(row)?);
            }
        }
        Ok(held)
    }
}

pub(super) fn granted_lease(row: &Row) -> Result<GrantedLease, DbError> {
    let (started_at, due_at): (Timestamp, Timestamp) = (get(row, "started_at")?, get(row, "due_at")?);
    Ok(GrantedLease {
        lease: LeaseName {
            job_id: parsed(row, "job_id")?,
            run_id: RunId(get(row, "run_id")?),
            fencing_token: FencingToken(get(row, "fencing_token")?),
        },
        expires_at: get(row, "expires_at")?,
        rcs_type: parsed(row, "rcs_type")?,
        after_reclaim: get(row, "after_reclaim")?,
        requested: get::<Option<Timestamp>>(row, "requested_at")?.is_some(),
        waited: Duration::try_from(started_at.duration_since(due_at)).unwrap_or_default(),
    })
}
