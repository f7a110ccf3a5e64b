//! `WorkerService`: the workers and whether they shall take jobs, for operators; and how workers make themselves known.

use super::{Queue, WorkerRpc, convert};
use crate::workers::{Capability, Registration, WorkerReport};
use codeimport_kit::{ApiError, Violations, page_token};
use codeimport_proto::{
    convert::{rcs_type_from_wire, rcs_type_to_wire, timestamp_to_wire},
    queue::{
        self as wire, DrainWorkerRequest, DrainWorkerResponse, ListWorkersRequest, ListWorkersResponse,
        RegisterWorkerRequest, ResumeWorkerRequest, ResumeWorkerResponse, WorkerState,
        worker_service_server::WorkerService,
    },
};
use tonic::{Request, Response, Status};

const DEFAULT_PAGE_SIZE: u32 = 50;
const MAX_PAGE_SIZE: u32 = 500;
const PAGE_FILTER: &str = "workers";

/// Most jobs that a worker runs at once.
const MAX_SLOTS: u32 = 100;

#[tonic::async_trait]
impl WorkerService for WorkerRpc {
    async fn list_workers(
        &self,
        request: Request<ListWorkersRequest>,
    ) -> Result<Response<ListWorkersResponse>, Status> {
        let Self(queue) = self;
        let request = request.into_inner();
        let mut v = Violations::new();
        let size = v.check("page_size", page_token::page_size(request.page_size, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE));
        let after = v.check("page_token", page_token::decode(PAGE_FILTER, &request.page_token));
        let (after, size) = v.finish_with(after.zip(size))?;
        let listed = queue.store.list_workers(&after.unwrap_or_default(), size + 1).await;
        let mut workers = listed.map_err(|error| queue.refuse(error))?;
        // One more than asked for tells whether there is another page.
        let more = workers.len() > size as usize;
        workers.truncate(size as usize);
        let last = workers.last().filter(|_| more);
        let next_page_token =
            last.map(|last| page_token::encode(PAGE_FILTER, &last.worker.worker_id)).unwrap_or_default();
        Ok(Response::new(ListWorkersResponse {
            workers: workers.iter().map(worker_to_wire).collect(),
            next_page_token,
        }))
    }

    async fn drain_worker(
        &self,
        request: Request<DrainWorkerRequest>,
    ) -> Result<Response<DrainWorkerResponse>, Status> {
        let Self(queue) = self;
        let DrainWorkerRequest { worker_id, drained_by, reason } = request.into_inner();
        let wish = Wish::new(true, worker_id, ("drained_by", drained_by), reason)?;
        Ok(Response::new(DrainWorkerResponse { worker: Some(queue.set_drained(&wish).await?) }))
    }

    async fn resume_worker(
        &self,
        request: Request<ResumeWorkerRequest>,
    ) -> Result<Response<ResumeWorkerResponse>, Status> {
        let Self(queue) = self;
        let ResumeWorkerRequest { worker_id, resumed_by, reason } = request.into_inner();
        let wish = Wish::new(false, worker_id, ("resumed_by", resumed_by), reason)?;
        Ok(Response::new(ResumeWorkerResponse { worker: Some(queue.set_drained(&wish).await?) }))
    }
}

/// What an operator wants of a worker.
struct Wish {
    worker_id: String,
    drained: bool,
    by: String,
    reason: String,
}

impl Wish {
    fn new(drained: bool, worker_id: String, by: (&str, String), reason: String) -> Result<Self, ApiError> {
        let mut v = Violations::new();
        let worker_id = convert::worker_id(&mut v, worker_id);
        let by = convert::actor(&mut v, by.0, by.1);
        let reason = convert::reason(&mut v, reason);
        let values = worker_id.zip(by).zip(reason);
        v.finish_with(values.map(|((worker_id, by), reason)| Self { worker_id, drained, by, reason }))
    }
}

impl Queue {
    async fn set_drained(&self, wish: &Wish) -> Result<wire::Worker, ApiError> {
        let Wish { worker_id, drained, by, reason } = wish;
        let set = self.store.set_drained(worker_id, *drained, by, reason).await;
        let report = set.map_err(|error| self.refuse(error))?;
        self.workers.set_drained(worker_id, *drained);
        tracing::info!(worker.id = worker_id, worker.drained = drained, actor = by, reason, "worker's state set");
        Ok(worker_to_wire(&report))
    }
}

/// What a worker says it is.
pub(super) fn registration(request: RegisterWorkerRequest) -> Result<Registration, ApiError> {
    let mut v = Violations::new();
    let worker_id = convert::worker_id(&mut v, request.worker_id);
    let version = convert::version(&mut v, "version", request.version);
    let slot_count = u32::try_from(request.slot_count).ok().filter(|count| (1..=MAX_SLOTS).contains(count));
    let slot_count = v.check("slot_count", slot_count.ok_or("must be 1 to 100"));
    if request.capabilities.is_empty() {
        v.add("capabilities", "is empty: name at least one");
    }
    let sent = request.capabilities.into_iter().enumerate();
    let capabilities: Option<Vec<_>> = sent.map(|(at, one)| capability(&mut v, at, one)).collect();
    let values = worker_id.zip(version).zip(slot_count.zip(capabilities));
    v.finish_with(values.map(|((worker_id, version), (slot_count, capabilities))| Registration {
        worker_id,
        version,
        slot_count,
        capabilities,
    }))
}

fn capability(v: &mut Violations, at: usize, sent: wire::Capability) -> Option<Capability> {
    let rcs_type = v.require(format_args!("capabilities[{at}].rcs_type"), rcs_type_from_wire(sent.rcs_type));
    let tools = convert::version(v, &format!("capabilities[{at}].tools"), sent.tools);
    Some(Capability { rcs_type: rcs_type?, tools: tools? })
}

fn worker_to_wire(report: &WorkerReport) -> wire::Worker {
    let state = match (report.gone, report.drained) {
        (true, _) => WorkerState::Offline,
        (false, true) => WorkerState::Draining,
        (false, false) => WorkerState::Online,
    };
    let set = report.state_set.as_ref();
    let capability = |one: &Capability| wire::Capability {
        rcs_type: rcs_type_to_wire(one.rcs_type).into(),
        tools: one.tools.clone(),
    };
    wire::Worker {
        worker_id: report.worker.worker_id.clone(),
        version: report.worker.version.clone(),
        slot_count: convert::count_to_wire(report.worker.slot_count),
        capabilities: report.worker.capabilities.iter().map(capability).collect(),
        state: state.into(),
        state_set_time: set.map(|set| timestamp_to_wire(set.at)),
        state_set_by: set.map(|set| set.by.clone()).unwrap_or_default(),
        state_reason: set.map(|set| set.reason.clone()).unwrap_or_default(),
        register_time: report.registered_at.map(timestamp_to_wire),
        seen_time: Some(timestamp_to_wire(report.seen_at)),
        running_count: convert::count_to_wire(report.running_count),
    }
}
