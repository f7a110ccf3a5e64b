//! The queue's side of the contract: convert, one verb of the store, convert.
//!
//! Checks of what callers send are in `convert`; a method below sees only values that make sense.

mod batches;
mod convert;
mod explain;
mod guests;
mod hand_over;
mod host_service;
mod lease_service;
mod long_poll;
mod run_service;
mod schedule_service;
mod stats_service;
mod sweeper;
mod waiting_room;
mod watch;
mod worker_service;

use crate::{
    Config, Outages, Wakeups, error,
    lag::Lags,
    store::{LeaseName, Store, StoreError},
    workers::Workers,
};
use batches::Batches;
use codeimport_core::{LeaseClaims, LeaseKey};
use codeimport_kit::{ApiError, Shutdown};
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// `ScheduleService`.
pub struct ScheduleRpc(pub Queue);
/// `LeaseService`.
pub struct LeaseRpc(pub Queue);
/// `HostService`.
pub struct HostRpc(pub Queue);
/// `RunService`.
pub struct RunRpc(pub Queue);
/// `WorkerService`.
pub struct WorkerRpc(pub Queue);
/// `StatsService`.
pub struct StatsRpc(pub Queue);

/// What the services share. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    pub(crate) store: Store,
    batches: Batches,
    pub(crate) wakeups: Wakeups,
    pub(crate) outages: Outages,
    pub(crate) workers: Workers,
    lags: Lags,
    pub(crate) shutdown: Shutdown,
    key: LeaseKey,
    heartbeat_interval: Duration,
    long_poll_cap: Duration,
}

impl Queue {
    /// The queue on a store. Within a runtime: it starts tasks.
    ///
    /// # Errors
    ///
    /// If the lease key is too short, or the system has no thread left.
    pub fn new(store: Store, config: &Config, shutdown: Shutdown) -> anyhow::Result<Self> {
        let wakeups = Wakeups::default();
        Ok(Self {
            batches: Batches::new(&store, &wakeups, shutdown.clone())?,
            store,
            wakeups,
            outages: Outages::default(),
            workers: Workers::default(),
            lags: Lags::new(Instant::now()),
            shutdown,
            key: config.signing_key()?,
            heartbeat_interval: config.heartbeat_interval.get(),
            long_poll_cap: config.long_poll_cap.get(),
        })
    }

    /// Turns the store's error into the caller's, and remembers that the database was away.
    pub(crate) fn refuse(&self, error: StoreError) -> ApiError {
        if matches!(&error, StoreError::Db(db) if db.is_unavailable()) {
            self.outages.note();
        }
        error::api_error(error)
    }

    /// The token for a lease that lasts until then.
    fn sign(&self, lease: &LeaseName, expires_at: Timestamp) -> Vec<u8> {
        self.key.sign(&LeaseClaims {
            job_id: lease.job_id.clone(),
            run_id: lease.run_id,
            fencing_token: lease.fencing_token,
            expires_at,
        })
    }

    /// The lease that a token names. That it has expired by its own word says nothing here: the database decides.
    fn lease_of(&self, token: &[u8]) -> Result<LeaseName, ApiError> {
        let claims = self.key.verify(token).map_err(|_| error::lease_token_invalid())?;
        Ok(LeaseName { job_id: claims.job_id, run_id: claims.run_id, fencing_token: claims.fencing_token })
    }
}
