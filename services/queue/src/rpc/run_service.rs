//! `RunService`: what ran, how it went, and what it said.

use super::{RunRpc, convert, watch};
use codeimport_core::{ImportId, RunId};
use codeimport_kit::{ApiError, Violations, page_token};
use codeimport_proto::queue::{
    GetRunRequest, GetRunResponse, ListRunsRequest, ListRunsResponse, WatchRunEventsRequest, WatchRunEventsResponse,
    WatchRunLogRequest, WatchRunLogResponse, WatchRunRequest, WatchRunResponse, run_service_server::RunService,
};
use futures_util::StreamExt as _;
use tonic::{Request, Response, Status};
use watch::Answers;

const DEFAULT_PAGE_SIZE: u32 = 50;
const MAX_PAGE_SIZE: u32 = 500;

#[tonic::async_trait]
impl RunService for RunRpc {
    type WatchRunStream = Answers<WatchRunResponse>;
    type WatchRunLogStream = Answers<WatchRunLogResponse>;
    type WatchRunEventsStream = Answers<WatchRunEventsResponse>;

    async fn get_run(&self, request: Request<GetRunRequest>) -> Result<Response<GetRunResponse>, Status> {
        let Self(queue) = self;
        let run_id = RunId(request.into_inner().run_id);
        let run = queue.store.get_run(run_id).await.map_err(|error| queue.refuse(error))?;
        Ok(Response::new(GetRunResponse { run: Some(convert::run_to_wire(&run)) }))
    }

    async fn list_runs(&self, request: Request<ListRunsRequest>) -> Result<Response<ListRunsResponse>, Status> {
        let Self(queue) = self;
        let page = Page::from_wire(&request.into_inner())?;
        let listed = queue.store.list_runs(page.job_id.as_ref(), page.before, page.size + 1).await;
        let mut runs = listed.map_err(|error| queue.refuse(error))?;
        // One more than asked for tells whether there is another page.
        let more = runs.len() > page.size as usize;
        runs.truncate(page.size as usize);
        let last = runs.last().filter(|_| more);
        let next_page_token = last.map(|run| page_token::encode(&page.filter, &run.run_id.to_string()));
        let runs = runs.iter().map(convert::run_to_wire).collect();
        Ok(Response::new(ListRunsResponse { runs, next_page_token: next_page_token.unwrap_or_default() }))
    }

    async fn watch_run(&self, request: Request<WatchRunRequest>) -> Result<Response<Self::WatchRunStream>, Status> {
        let Self(queue) = self;
        let run_id = RunId(request.into_inner().run_id);
        // Asked here, so that a missing run is the call's error and not the stream's.
        queue.store.get_run(run_id).await.map_err(|error| queue.refuse(error))?;
        let answers = watch::run(queue.clone(), run_id)
            .map(|run| run.map(|run| WatchRunResponse { run: Some(convert::run_to_wire(&run)) }));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn watch_run_log(
        &self,
        request: Request<WatchRunLogRequest>,
    ) -> Result<Response<Self::WatchRunLogStream>, Status> {
        let Self(queue) = self;
        let WatchRunLogRequest { run_id, after_line_number, follow } = request.into_inner();
        queue.store.get_run(RunId(run_id)).await.map_err(|error| queue.refuse(error))?;
        let answers = watch::run_log(queue.clone(), RunId(run_id), after_line_number, follow).map(|lines| {
            lines.map(|lines| WatchRunLogResponse { log_lines: lines.iter().map(convert::log_line_to_wire).collect() })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn watch_run_events(
        &self,
        request: Request<WatchRunEventsRequest>,
    ) -> Result<Response<Self::WatchRunEventsStream>, Status> {
        let Self(queue) = self;
        let after = request.into_inner().after_sequence;
        let answers = watch::run_events(queue.clone(), after).map(|events| {
            events.map(|events| WatchRunEventsResponse {
                events: events.iter().map(convert::run_event_to_wire).collect(),
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

/// Which runs to list.
struct Page {
    job_id: Option<ImportId>,
    before: Option<RunId>,
    size: u32,
    filter: String,
}

impl Page {
    fn from_wire(request: &ListRunsRequest) -> Result<Self, ApiError> {
        let mut v = Violations::new();
        let wanted = (!request.job_id.is_empty()).then(|| request.job_id.parse::<ImportId>());
        let job_id = v.check("job_id", wanted.transpose());
        let size = v.check("page_size", page_token::page_size(request.page_size, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE));
        let filter = format!("runs:{}", request.job_id);
        let position = v.check("page_token", page_token::decode(&filter, &request.page_token));
        let before = position.and_then(|position| {
            let run_id = position.map(|position| position.parse().map(RunId));
            v.check("page_token", run_id.transpose().map_err(|_| page_token::InvalidPageToken))
        });
        let values = job_id.zip(size).zip(before);
        v.finish_with(values.map(|((job_id, size), before)| Self { job_id, before, size, filter }))
    }
}
