//! A queue that keeps its contract towards the registry, in memory: schedules by generation, events by sequence number.

use codeimport_kit::{
    ApiError, Ready, Shutdown,
    server::{Server, ServerConfig},
    tasks,
};
use codeimport_proto::common::ErrorReason;
use codeimport_proto::queue::{
    CancelRunRequest, CancelRunResponse, ExplainScheduleRequest, ExplainScheduleResponse, Explanation, GetRunRequest,
    GetRunResponse, GetScheduleRequest, GetScheduleResponse, Job, JobState, ListRunsRequest, ListRunsResponse,
    PutScheduleRequest, PutScheduleResponse, RequestRunRequest, RequestRunResponse, RunEvent, WatchRunEventsRequest,
    WatchRunEventsResponse, WatchRunLogRequest, WatchRunLogResponse, WatchRunRequest, WatchRunResponse,
    run_service_server::{RunService, RunServiceServer},
    schedule_service_server::{ScheduleService, ScheduleServiceServer},
};
use std::{net::SocketAddr, pin::Pin, time::Duration};
use tokio::{sync::watch, task::JoinHandle};
use tokio_stream::{Stream, StreamExt as _, wrappers::WatchStream};
use tonic::{Request, Response, Status};

/// When every job of this queue is due.
pub(crate) const DUE_AT_S: i64 = 2_000_000_000;

/// What it says of every job.
pub(crate) const EXPLAINED: &str = "It waits, says the test.";

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What the queue has heard, and what it has to tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// Every PutSchedule that arrived, in order.
    pub(crate) puts: Vec<PutScheduleRequest>,
    /// Job ids that are refused as wrong.
    pub(crate) refused: Vec<String>,
    /// Every RequestRun that arrived, in order.
    pub(crate) requests: Vec<RequestRunRequest>,
    /// Run events.
    pub(crate) events: Vec<RunEvent>,
}

impl State {
    /// The schedule in force: that of the highest generation, whatever the order of arrival.
    pub(crate) fn schedule(&self, job_id: &str) -> Option<&PutScheduleRequest> {
        self.puts.iter().filter(|put| put.job_id == job_id).max_by_key(|put| put.generation)
    }
}

/// The queue. Its state outlives its server, as a database would.
#[derive(Clone)]
pub(crate) struct FakeQueue {
    state: watch::Sender<State>,
}

/// A queue that accepts calls.
pub(crate) struct RunningQueue {
    pub(crate) address: SocketAddr,
    shutdown: Shutdown,
    served: JoinHandle<anyhow::Result<()>>,
}

impl RunningQueue {
    pub(crate) async fn stop(self) {
        self.shutdown.begin();
        self.served.await.expect("no panic").expect("an orderly end");
    }
}

impl FakeQueue {
    pub(crate) fn new() -> Self {
        Self { state: watch::Sender::new(State::default()) }
    }

    /// Starts to accept calls; port 0 for any.
    pub(crate) async fn serve(&self, port: u16) -> RunningQueue {
        let config = ServerConfig {
            shutdown_grace: Duration::from_millis(50).into(),
            ..ServerConfig::at(SocketAddr::from(([127, 0, 0, 1], port)))
        };
        let server = Server::new("fake queue", config)
            .add_service(ScheduleServiceServer::new(self.clone()))
            .add_service(RunServiceServer::new(self.clone()));
        let shutdown = Shutdown::new();
        let (ready, is_ready) = Ready::channel();
        let served = tasks::spawn("test.queue", server.serve(shutdown.clone(), ready));
        let address = is_ready.await.expect("the queue is ready");
        RunningQueue { address, shutdown, served }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(change);
    }

    /// Waits until the queue has heard what a test waits for.
    pub(crate) async fn until<T>(&self, what: &str, found: impl Fn(&State) -> Option<T>) -> T {
        let mut states = self.state.subscribe();
        let wait = async {
            loop {
                if let Some(value) = found(&states.borrow_and_update()) {
                    return value;
                }
                states.changed().await.expect("the sender lives");
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("in time: {what}"))
    }

    /// The schedule in force for a job once it has at least this generation.
    pub(crate) async fn schedule_since(&self, job_id: &str, generation: i64) -> PutScheduleRequest {
        let newer = |state: &State| state.schedule(job_id).filter(|put| put.generation >= generation).cloned();
        self.until(&format!("generation {generation} of {job_id}"), newer).await
    }
}

#[tonic::async_trait]
impl ScheduleService for FakeQueue {
    async fn put_schedule(
        &self,
        request: Request<PutScheduleRequest>,
    ) -> Result<Response<PutScheduleResponse>, Status> {
        let put = request.into_inner();
        if self.state.borrow().refused.contains(&put.job_id) {
            return Err(Status::invalid_argument("refused by the test"));
        }
        let newest = self.state.borrow().schedule(&put.job_id).map_or(0, |put| put.generation);
        let applied = put.generation > newest;
        self.change(|state| state.puts.push(put));
        Ok(Response::new(PutScheduleResponse { applied, job: None }))
    }

    async fn get_schedule(
        &self,
        request: Request<GetScheduleRequest>,
    ) -> Result<Response<GetScheduleResponse>, Status> {
        let job_id = request.into_inner().job_id;
        if self.state.borrow().schedule(&job_id).is_none() {
            return Err(ApiError::new(ErrorReason::JobNotFound, "no such job").into());
        }
        let due_time = Some(prost_types::Timestamp { seconds: DUE_AT_S, nanos: 0 });
        let job = Job { job_id, state: JobState::Waiting.into(), due_time, ..Default::default() };
        Ok(Response::new(GetScheduleResponse { job: Some(job) }))
    }

    async fn explain_schedule(
        &self,
        request: Request<ExplainScheduleRequest>,
    ) -> Result<Response<ExplainScheduleResponse>, Status> {
        let get = GetScheduleRequest { job_id: request.into_inner().job_id };
        let job = self.get_schedule(Request::new(get)).await?.into_inner().job;
        let explanation = Explanation { sentence: EXPLAINED.to_owned(), ..Default::default() };
        Ok(Response::new(ExplainScheduleResponse { job, explanation: Some(explanation) }))
    }

    async fn cancel_run(&self, _: Request<CancelRunRequest>) -> Result<Response<CancelRunResponse>, Status> {
        Err(Status::unimplemented("the registry never asks"))
    }

    async fn request_run(&self, request: Request<RequestRunRequest>) -> Result<Response<RequestRunResponse>, Status> {
        self.change(|state| state.requests.push(request.into_inner()));
        Ok(Response::new(RequestRunResponse::default()))
    }
}

#[tonic::async_trait]
impl RunService for FakeQueue {
    type WatchRunStream = Answers<WatchRunResponse>;
    type WatchRunLogStream = Answers<WatchRunLogResponse>;
    type WatchRunEventsStream = Answers<WatchRunEventsResponse>;

    async fn watch_run_events(
        &self,
        request: Request<WatchRunEventsRequest>,
    ) -> Result<Response<Self::WatchRunEventsStream>, Status> {
        // All of them again with each change: at least once, as promised and no better.
        let after = request.into_inner().after_sequence;
        let answers = WatchStream::new(self.state.subscribe()).map(move |state| {
            let events = state.events.into_iter().filter(|event| event.sequence > after).collect();
            Ok(WatchRunEventsResponse { events })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn get_run(&self, _: Request<GetRunRequest>) -> Result<Response<GetRunResponse>, Status> {
        Err(Status::unimplemented("the registry never asks"))
    }

    async fn list_runs(&self, _: Request<ListRunsRequest>) -> Result<Response<ListRunsResponse>, Status> {
        Err(Status::unimplemented("the registry never asks"))
    }

    async fn watch_run(&self, _: Request<WatchRunRequest>) -> Result<Response<Self::WatchRunStream>, Status> {
        Err(Status::unimplemented("the registry never asks"))
    }

    async fn watch_run_log(&self, _: Request<WatchRunLogRequest>) -> Result<Response<Self::WatchRunLogStream>, Status> {
        Err(Status::unimplemented("the registry never asks"))
    }
}
