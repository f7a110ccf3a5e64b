//! All SQL of the queue: one file per business verb, each statement under the name of its function.
//!
//! The database's clock is the only one here: instants are made by SQL (`statement_timestamp()`, which is later than
//! any lock the transaction has waited for), read, and handed to the pure parts. Whatever a holder writes restates job,
//! run, fencing token and state in the statement that writes; no row means that the lease is lost.

mod acquire_leases;
mod decided;
mod end_run;
mod end_well;
mod explain;
mod finish_run;
mod get_schedule;
mod grants;
mod guarded_hosts;
mod hand_over;
mod heartbeat;
mod hosts;
mod lease_round;
mod lines;
mod locked_jobs;
mod lookout;
mod open_leases;
mod overruns;
mod paired;
mod prune;
mod put_schedule;
mod read_runs;
mod reclaim;
mod record_end;
mod repeats;
mod request_run;
mod request_waiting;
mod rows;
mod run_events;
mod run_log;
mod stats;
mod sweep;
mod type_limits;
mod waiting;
mod workers;

pub use acquire_leases::{Acquire, GrantedLease, Leased};
pub use finish_run::{End, Finish, HeldEnds, NextDue, Release};
pub use hand_over::{HAND_OVER, HandedOver};
pub use heartbeat::{Beat, Renewal, Verdict};
pub use hosts::{HostReport, LimitsSet, SetHostLimits};
pub use open_leases::OPEN_LEASES;
pub use overruns::{RunBounds, Stopped};
pub use prune::{PrunedRuns, Retention};
pub use reclaim::Reclaimed;
pub use request_run::{Requested, RunWish};
pub use run_events::RunEvent;
pub use run_log::{LogLine, MAX_LOG_LINES, storable_line};

pub use sweep::SWEEP;

use crate::{coalescer::NotCarriedOut, host::HostPolicy, next_due::Limits};
use codeimport_core::{FencingToken, ImportId, RcsType, RunId};
use codeimport_pg::{Db, DbError, Tx};
use grants::Grants;
use lookout::Lookout;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// What the configuration says of all that the queue decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// When jobs are given up.
    pub limits: Limits,
    /// How source hosts are spared.
    pub hosts: HostPolicy,
    /// How long runs may take.
    pub runs: RunBounds,
    /// Most runs at a time, for each type that has a limit.
    pub type_limits: BTreeMap<RcsType, u32>,
}

/// The queue's database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) db: Db,
    pub(crate) lease_ttl: Duration,
    policy: Arc<Policy>,
    lookout: Lookout,
    grants: Arc<Grants>,
    sweeping: Arc<Mutex<()>>,
}

/// What names a lease in the database: all three, always.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaseName {
    /// The job leased.
    pub job_id: ImportId,
    /// The run that the lease began.
    pub run_id: RunId,
    /// Its place among all leases.
    pub fencing_token: FencingToken,
}

/// A verb was not carried out. Cheap to clone: one failure may answer a whole batch.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The caller does not hold this lease (any more). Nothing was recorded.
    #[error("lease is lost")]
    LeaseLost,
    /// No job has this id.
    #[error("no job {0}")]
    JobNotFound(ImportId),
    /// The job does not run by itself.
    #[error("job {0} is stopped")]
    JobStopped(ImportId),
    /// No run has this id.
    #[error("no run {0}")]
    RunNotFound(RunId),
    /// The job went from one state into another again and again while it was to be locked.
    #[error("the job moved on")]
    Moved,
    /// No worker has this id.
    #[error("no worker {0}")]
    WorkerNotFound(String),
    /// The process is ending.
    #[error(transparent)]
    NotCarriedOut(#[from] NotCarriedOut),
    /// The database did not do it.
    #[error(transparent)]
    Db(Arc<DbError>),
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        Self::Db(Arc::new(error))
    }
}

impl StoreError {
    /// What was read before the locks is not true any more: the transaction begins again.
    fn moved(tx: &Tx<'_>) -> Self {
        tx.collide();
        Self::Moved
    }

    /// One of the workers' requests has been granted something before.
    pub(crate) fn is_repeat(&self) -> bool {
        matches!(self, Self::Db(error) if error.unique_violation() == Some("lease_request_pkey"))
    }
}

/// One column of a batch.
fn column<T, V>(items: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    items.iter().map(value).collect()
}

impl Store {
    /// The queue's store on a database that is migrated.
    #[must_use]
    pub fn new(db: Db, lease_ttl: Duration, policy: Policy) -> Self {
        let (lookout, grants, sweeping) = (Lookout::new(policy.hosts), Arc::default(), Arc::default());
        Self { db, lease_ttl, policy: Arc::new(policy), lookout, grants, sweeping }
    }

    fn hosts(&self) -> &HostPolicy {
        &self.policy.hosts
    }
}

/// Makes text fit to be stored: at most so many bytes, cut between characters, and without NUL, which PostgreSQL's
/// text cannot hold.
#[must_use]
pub fn storable_text(text: &str, max_bytes: usize) -> String {
    let clean = text.replace('\0', "\u{fffd}");
    let end = clean.floor_char_boundary(max_bytes);
    clean[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters_and_loses_its_nuls() {
        assert_eq!(storable_text("aé", 2), "a");
        assert_eq!(storable_text("a\0b", 100), "a\u{fffd}b");
        assert_eq!(storable_text("short", 100), "short");
    }
}
