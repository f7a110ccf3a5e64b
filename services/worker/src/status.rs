//! `WorkerService`: what an operator sees of this worker, and the one thing that can be asked of it.

use crate::{
    Config, VERSION,
    drained::Drained,
    roster::{ActiveRun, Roster},
};
use codeimport_kit::Shutdown;
use codeimport_proto::{
    convert::{duration_to_wire, rcs_type_to_wire, timestamp_to_wire},
    worker::{
        DrainWorkerRequest, DrainWorkerResponse, GetWorkerStatusRequest, GetWorkerStatusResponse, RunningRun,
        WorkerStatus, worker_service_server::WorkerService,
    },
};
use jiff::Timestamp;
use std::sync::Arc;
use tonic::{Request, Response};

/// The service.
pub(crate) struct Status {
    worker_id: String,
    slot_count: i32,
    started_at: Timestamp,
    roster: Arc<Roster>,
    drained: Drained,
    draining: Shutdown,
}

impl Status {
    pub(crate) fn new(
        config: &Config,
        worker_id: String,
        roster: Arc<Roster>,
        drained: Drained,
        draining: Shutdown,
    ) -> Self {
        let slot_count = i32::try_from(config.slots).unwrap_or(i32::MAX);
        Self { worker_id, slot_count, started_at: Timestamp::now(), roster, drained, draining }
    }

    fn to_wire(&self) -> WorkerStatus {
        WorkerStatus {
            worker_id: self.worker_id.clone(),
            version: VERSION.to_owned(),
            slot_count: self.slot_count,
            rcs_types: codeimport_convert::supported_types().iter().map(|t| rcs_type_to_wire(*t).into()).collect(),
            draining: self.draining.is_draining() || self.drained.is_set(),
            runs: self.roster.snapshot().iter().map(|run| running(run)).collect(),
            start_time: Some(timestamp_to_wire(self.started_at)),
        }
    }
}

fn running(run: &ActiveRun) -> RunningRun {
    RunningRun {
        job_id: run.lease.job_id().to_owned(),
        run_id: run.lease.run_id().0,
        progress: Some(run.progress_to_wire()),
        elapsed: Some(duration_to_wire(run.started_at.elapsed())),
    }
}

#[tonic::async_trait]
impl WorkerService for Status {
    async fn get_worker_status(
        &self,
        _request: Request<GetWorkerStatusRequest>,
    ) -> Result<Response<GetWorkerStatusResponse>, tonic::Status> {
        Ok(Response::new(GetWorkerStatusResponse { worker: Some(self.to_wire()) }))
    }

    async fn drain_worker(
        &self,
        request: Request<DrainWorkerRequest>,
    ) -> Result<Response<DrainWorkerResponse>, tonic::Status> {
        tracing::info!(drain.reason = request.get_ref().reason, "asked to drain");
        self.draining.begin();
        Ok(Response::new(DrainWorkerResponse { worker: Some(self.to_wire()) }))
    }
}
