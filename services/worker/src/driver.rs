//! Keeps the slots busy: as many leases as there are free slots, one run for each.
//!
//! Draining never loses a lease: a long poll that is cut off may have been granted some, so it is repeated by its request
//! id, and what comes is given back.

use crate::{Config, VERSION, clients::Clients, drained::Drained, job_run::Workshop, lease::Granted};
use codeimport_core::{FencingToken, RunId};
use codeimport_kit::{Backoff, Shutdown, tasks};
use codeimport_proto::{
    convert::{duration_from_wire, duration_to_wire, rcs_type_to_wire},
    queue::{AcquireLeasesRequest, AcquireLeasesResponse, Lease},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tonic::{Request, Status};
use uuid::Uuid;

/// How long a request for leases waits for a job.
const WAIT: Duration = Duration::from_secs(20);

/// What the answer may take beyond that.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// How long a worker that the queue has drained waits before it asks again.
const DRAINED_PAUSE: Duration = Duration::from_secs(5);

/// How long to wait for a queue that does not answer, before it is asked again.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long a draining worker tries to find out what it was granted last.
const RECOVERY_DEADLINE: Duration = Duration::from_secs(3);

/// How long runs that were told to stop may take to do it, before the process ends without them.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// Asks for work and starts runs.
pub(crate) struct Driver {
    clients: Clients,
    workshop: Arc<Workshop>,
    worker_id: String,
    slots: Arc<Semaphore>,
    slot_count: u32,
    drained: Drained,
    draining: Shutdown,
    shutdown_grace: Duration,
}

impl Driver {
    pub(crate) fn new(
        config: &Config,
        worker_id: String,
        clients: Clients,
        workshop: Arc<Workshop>,
        drained: Drained,
        draining: Shutdown,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(usize::try_from(config.slots).unwrap_or(1)));
        let shutdown_grace = config.shutdown_grace.get();
        Self { clients, workshop, worker_id, slots, slot_count: config.slots, drained, draining, shutdown_grace }
    }

    /// Works until `shutdown`, and ends when the last run has.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        self.take_jobs().await;
        tracing::info!("draining: no more jobs are taken");
        shutdown.drained().await;
        if self.all_ended(self.shutdown_grace).await {
            return;
        }
        tracing::info!("the grace is over: runs under way are given back");
        self.workshop.release_all();
        if !self.all_ended(STOP_DEADLINE).await {
            tracing::error!("runs do not stop: their leases are left to expire");
        }
    }

    /// Waits until every slot is free.
    async fn all_ended(&self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.slots.acquire_many(self.slot_count)).await.is_ok()
    }

    /// Leases and starts jobs until the worker drains.
    async fn take_jobs(&self) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut request_id = Uuid::new_v4();
        while let Some(mut free) = self.free_slots().await {
            let acquired = tokio::select! {
                acquired = self.acquire(request_id, free.len(), WAIT) => acquired,
                () = self.draining.drained() => return self.give_back(request_id, free.len()).await,
            };
            match acquired {
                Ok(leases) => {
                    request_id = Uuid::new_v4();
                    backoff.reset();
                    self.start(leases, &mut free).await;
                    drop(free);
                    self.stand_by().await;
                }
                // The same request id once more: the answer that got lost may have granted something.
                Err(status) => self.pause(&mut backoff, &status).await,
            }
        }
    }

    /// While the queue has drained this worker: waits until it is resumed, or for as long as it should not ask again.
    async fn stand_by(&self) {
        if !self.drained.is_set() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(DRAINED_PAUSE) => {}
            () = self.drained.resumed() => {}
            () = self.draining.drained() => {}
        }
    }

    /// Waits for a free slot, and takes all that are free. None once the worker drains.
    async fn free_slots(&self) -> Option<Vec<OwnedSemaphorePermit>> {
        let first = tokio::select! {
            biased;
            () = self.draining.drained() => return None,
            first = Arc::clone(&self.slots).acquire_owned() => first.ok()?,
        };
        let others = std::iter::from_fn(|| Arc::clone(&self.slots).try_acquire_owned().ok());
        Some(std::iter::once(first).chain(others).collect())
    }

    async fn acquire(&self, request_id: Uuid, count: usize, wait: Duration) -> Result<Vec<Lease>, Status> {
        let rcs_types = codeimport_convert::supported_types().iter().map(|t| rcs_type_to_wire(*t).into()).collect();
        let mut request = Request::new(AcquireLeasesRequest {
            worker_id: self.worker_id.clone(),
            worker_version: VERSION.to_owned(),
            max_leases: i32::try_from(count).unwrap_or(i32::MAX),
            rcs_types,
            wait_timeout: Some(duration_to_wire(wait)),
            request_id: request_id.to_string(),
        });
        request.set_timeout(wait + ANSWER_DEADLINE);
        let AcquireLeasesResponse { leases, drain } = self.clients.leases().acquire_leases(request).await?.into_inner();
        self.drained.set(drain);
        Ok(leases)
    }

    /// Starts a run for each lease; each keeps its slot until it has ended.
    async fn start(&self, leases: Vec<Lease>, free: &mut Vec<OwnedSemaphorePermit>) {
        let received_at = Instant::now();
        for granted in leases.into_iter().map(granted) {
            let Some(slot) = free.pop() else {
                // More than was asked for: somebody else has room.
                self.workshop.give_back(&granted).await;
                continue;
            };
            let workshop = Arc::clone(&self.workshop);
            tasks::spawn("worker.run", async move {
                workshop.carry_out(granted, received_at).await;
                drop(slot);
            });
        }
    }

    /// Finds out what the request that was cut off has granted, and gives it back.
    async fn give_back(&self, request_id: Uuid, count: usize) {
        let asked = tokio::time::timeout(RECOVERY_DEADLINE, self.acquire(request_id, count, Duration::ZERO)).await;
        for lease in asked.ok().and_then(Result::ok).unwrap_or_default() {
            self.workshop.give_back(&granted(lease)).await;
        }
    }

    async fn pause(&self, backoff: &mut Backoff, status: &Status) {
        let delay = backoff.next_delay();
        tracing::warn!(error.code = ?status.code(), error.message = status.message(), delay = ?delay, "no leases to be had");
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.draining.drained() => {}
        }
    }
}

/// A lease as this worker keeps it. Spans that are missing count as over: the first heartbeat brings better ones.
fn granted(lease: Lease) -> Granted {
    Granted {
        duration: lease.lease_duration.as_ref().and_then(duration_from_wire).unwrap_or_default(),
        heartbeat_interval: lease.heartbeat_interval.as_ref().and_then(duration_from_wire).unwrap_or_default(),
        run_id: RunId(lease.run_id),
        fencing_token: FencingToken(lease.fencing_token),
        job_id: lease.job_id,
        lease_token: lease.lease_token,
        after_reclaim: lease.after_reclaim,
    }
}
