//! All SQL of the queue: one file per business verb, each statement under the name of its function.
//!
//! The database's clock is the only one here: instants are made by SQL (`statement_timestamp()`, which is later than
//! any lock the transaction has waited for), read, and handed to the pure parts. Whatever a holder writes restates job,
//! run, fencing token and state in the statement that writes; no row means that the lease is lost.

mod acquire_leases;
mod end_run;
mod explain;
mod finish_run;
mod get_schedule;
mod heartbeat;
mod hosts;
mod lease_round;
mod locked_hosts;
mod locked_jobs;
mod open_leases;
mod open_lines;
mod overruns;
mod paired;
mod prune;
mod put_schedule;
mod read_runs;
mod reclaim;
mod record_end;
mod request_run;
mod ripe_hosts;
mod rounds;
mod rows;
mod run_events;
mod run_log;
mod stats;
mod type_limits;
mod waiting;
mod workers;
mod write_hosts;

pub use acquire_leases::{Acquire, GrantedLease, Leased};
pub use finish_run::{End, Finish, HeldEnds, NextDue, Release};
pub use heartbeat::{Beat, Renewal, Verdict};
pub use hosts::{HostReport, LimitsSet, SetHostLimits};
pub use open_lines::{FIRST_LINES, FIRST_WAITING};
pub use overruns::{RunBounds, Stopped};
pub use prune::{PrunedRuns, Retention};
pub use reclaim::Reclaimed;
pub use request_run::{Requested, RunWish};
pub use ripe_hosts::LOCK_RIPE_HOSTS;
pub use run_events::RunEvent;
pub use run_log::{LogLine, MAX_LOG_LINES, storable_line};

use crate::{coalescer::NotCarriedOut, host::HostPolicy, next_due::Limits};
use codeimport_core::{FencingToken, ImportId, RcsType, RunId};
use codeimport_pg::{Db, DbError, Tx};
use rounds::Rounds;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{Mutex, MutexGuard};

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
    rounds: Arc<Rounds>,
    hosts_turn: Arc<Mutex<()>>,
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
    /// The job's schedule moved to another host again and again while it was to be locked.
    #[error("the job moved between hosts")]
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
    /// What was read before the hosts were locked is not true any more: the transaction begins again.
    fn moved(tx: &Tx<'_>) -> Self {
        tx.collide();
        Self::Moved
    }
}

impl Store {
    /// The queue's store on a database that is migrated.
    #[must_use]
    pub fn new(db: Db, lease_ttl: Duration, policy: Policy) -> Self {
        Self { db, lease_ttl, policy: Arc::new(policy), rounds: Arc::default(), hosts_turn: Arc::default() }
    }

    /// Taken before hosts are locked, and held until the commit. A lease round skips hosts that somebody has locked:
    /// within a process it rather waits for the end of runs. Who locks leases, too, has done so before.
    async fn hosts_turn(&self) -> MutexGuard<'_, ()> {
        self.hosts_turn.lock().await
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
