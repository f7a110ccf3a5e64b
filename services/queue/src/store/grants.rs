//! What this process knows of the leases that it has granted: enough to end a run that went well in one statement,
//! without reading anything before.
//!
//! A hint: the statement restates the generation of the schedule, and finds nothing if anybody has changed the job, asked
//! for one more run, or told this one to stop. Then, and for leases of other replicas or from before a restart, the end
//! reads first.

use super::acquire_leases::GrantedLease;
use crate::{
    board::{LineId, TurnKey},
    host::HostId,
};
use codeimport_core::{ImportId, RunId};
use codeimport_pg::{
    DbError, Row,
    row::{get, millis_opt},
};
use foldhash::HashMap;
use jiff::Timestamp;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The interval of a job that is well, which says that it is: all that counts against one is in its row.
macro_rules! steady_interval {
    () => {
        "CASE WHEN job.min_interval_ms IS NULL AND job.failure_count = 0 AND job.reclaim_count = 0
                   AND NOT job.after_reclaim THEN job.update_interval_ms END AS steady_interval_ms"
    };
}
pub(super) use steady_interval;

/// So many of the newest leases are remembered in any case. One that is forgotten before its end is only slower to end.
const MOST: usize = 100_000;

/// See the head of this file. In two generations: what another replica ends is forgotten with the older one.
#[derive(Debug, Default)]
pub(super) struct Grants(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    newer: HashMap<i64, Grant>,
    older: HashMap<i64, Grant>,
}

/// A lease granted by this process, of a job that is well: nothing counts against it, and its interval is fixed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Grant {
    pub(super) job_no: i64,
    pub(super) job_id: ImportId,
    pub(super) generation: i64,
    pub(super) update_interval: Duration,
    /// Where the job waits by schedule.
    pub(super) line_id: LineId,
    pub(super) key: TurnKey,
    /// The place that it had.
    pub(super) due_at: Timestamp,
    pub(super) started_at: Timestamp,
}

impl Grant {
    /// None if the job is not well.
    pub(super) fn read(
        row: &Row,
        granted: &GrantedLease,
        host_id: HostId,
        due_at: Timestamp,
    ) -> Result<Option<Self>, DbError> {
        let Some(update_interval) = millis_opt(row, "steady_interval_ms")? else { return Ok(None) };
        Ok(Some(Self {
            job_no: get(row, "job_no")?,
            job_id: granted.lease.job_id.clone(),
            generation: get(row, "generation")?,
            update_interval,
            line_id: LineId(get(row, "line_id")?),
            key: TurnKey { host_id, rcs_type: granted.rcs_type, requested: false },
            due_at,
            started_at: get(row, "started_at")?,
        }))
    }
}

impl Grants {
    pub(super) fn keep(&self, grants: impl Iterator<Item = (RunId, Grant)>) {
        let mut kept = self.generations();
        if kept.newer.len() >= MOST {
            kept.older = std::mem::take(&mut kept.newer);
        }
        kept.newer.extend(grants.map(|(run_id, grant)| (run_id.0, grant)));
    }

    /// For each run what is known of it, which is forgotten: a run ends once.
    pub(super) fn take(&self, run_ids: impl Iterator<Item = RunId>) -> Vec<Option<Grant>> {
        let mut kept = self.generations();
        run_ids.map(|run_id| kept.newer.remove(&run_id.0).or_else(|| kept.older.remove(&run_id.0))).collect()
    }

    /// What a panic has left half done is a hint all the same.
    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
