//! `codeimport worker …`, `host …`, `queue …` and `import explain`: what operators ask of the queue.

use crate::{
    api::{Api, user},
    args::{Global, Host, HostLimit, Queue, Worker, WorkerState},
    exit::{Done, Failure},
    output::Output,
    view::{ExplanationView, HostView, StatsView, WorkerView},
};
use codeimport_proto::queue::{
    self, DrainWorkerRequest, ExplainScheduleRequest, GetStatsRequest, HostLimits, ListHostsRequest,
    ListWorkersRequest, ResetHostBreakerRequest, ResumeWorkerRequest, SetHostLimitsRequest,
};
use std::process::ExitCode;

/// Most items of a page.
const PAGE_SIZE: i32 = 500;

/// Runs one subcommand of `worker`.
pub(crate) async fn worker(global: &Global, command: Worker) -> Done {
    let output = Output { json: global.json };
    let mut api = Api::connect(global).await?;
    match command {
        Worker::List => list_workers(&mut api, output).await,
        Worker::Drain(state) => drain(&mut api, output, state).await,
        Worker::Resume(state) => resume(&mut api, output, state).await,
    }
}

/// Runs one subcommand of `host`.
pub(crate) async fn host(global: &Global, command: Host) -> Done {
    let output = Output { json: global.json };
    let mut api = Api::connect(global).await?;
    match command {
        Host::List => list_hosts(&mut api, output).await,
        Host::Limit(limit) => self::limit(&mut api, output, limit).await,
        Host::Reset(host) => reset(&mut api, output, host.name).await,
    }
}

/// Runs one subcommand of `queue`.
pub(crate) async fn queue(global: &Global, command: Queue) -> Done {
    let Queue::Stats = command;
    let output = Output { json: global.json };
    let mut api = Api::connect(global).await?;
    let answer = api.stats.get_stats(GetStatsRequest::default()).await;
    let answer = answer.map_err(|s| Failure::status("cannot ask the queue", &s))?;
    output.stats(&StatsView::new(answer.into_inner()));
    Ok(ExitCode::SUCCESS)
}

/// Tells why an import runs when it does, and what it waits for.
pub(crate) async fn explain(api: &mut Api, output: Output, import_id: String) -> Done {
    let answer = api.schedules.explain_schedule(ExplainScheduleRequest { job_id: import_id.clone() }).await;
    let answer = answer.map_err(|s| Failure::status("cannot explain the schedule", &s))?;
    output.explanation(&ExplanationView::new(import_id, answer.into_inner()));
    Ok(ExitCode::SUCCESS)
}

async fn list_workers(api: &mut Api, output: Output) -> Done {
    let mut page_token = String::new();
    loop {
        let request = ListWorkersRequest { page_size: PAGE_SIZE, page_token };
        let page = api.workers.list_workers(request).await.map_err(|s| Failure::status("cannot list workers", &s))?;
        let page = page.into_inner();
        page.workers.into_iter().for_each(|worker| output.worker(&WorkerView::new(worker)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

async fn drain(api: &mut Api, output: Output, state: WorkerState) -> Done {
    let WorkerState { worker_id, reason } = state;
    let request = DrainWorkerRequest { worker_id, drained_by: user().unwrap_or_default(), reason };
    let answer = api.workers.drain_worker(request).await;
    print_worker(output, answer.map_err(|s| Failure::status("cannot drain the worker", &s))?.into_inner().worker)
}

async fn resume(api: &mut Api, output: Output, state: WorkerState) -> Done {
    let WorkerState { worker_id, reason } = state;
    let request = ResumeWorkerRequest { worker_id, resumed_by: user().unwrap_or_default(), reason };
    let answer = api.workers.resume_worker(request).await;
    print_worker(output, answer.map_err(|s| Failure::status("cannot resume the worker", &s))?.into_inner().worker)
}

fn print_worker(output: Output, worker: Option<queue::Worker>) -> Done {
    output.worker(&WorkerView::new(worker.unwrap_or_default()));
    Ok(ExitCode::SUCCESS)
}

async fn list_hosts(api: &mut Api, output: Output) -> Done {
    let mut page_token = String::new();
    loop {
        let request = ListHostsRequest { page_size: PAGE_SIZE, page_token };
        let page = api.hosts.list_hosts(request).await.map_err(|s| Failure::status("cannot list hosts", &s))?;
        let page = page.into_inner();
        page.hosts.into_iter().for_each(|host| output.host(&HostView::new(host)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

async fn limit(api: &mut Api, output: Output, limit: HostLimit) -> Done {
    let limits = HostLimits { max_running: limit.running, starts_per_minute: limit.per_minute };
    let request = SetHostLimitsRequest {
        name: limit.host.name,
        limits: Some(limits),
        set_by: user().unwrap_or_default(),
        reason: limit.reason,
    };
    let answer = api.hosts.set_host_limits(request).await;
    print_host(output, answer.map_err(|s| Failure::status("cannot limit the host", &s))?.into_inner().host)
}

async fn reset(api: &mut Api, output: Output, name: String) -> Done {
    let answer = api.hosts.reset_host_breaker(ResetHostBreakerRequest { name }).await;
    print_host(output, answer.map_err(|s| Failure::status("cannot reset the host", &s))?.into_inner().host)
}

fn print_host(output: Output, host: Option<queue::Host>) -> Done {
    output.host(&HostView::new(host.unwrap_or_default()));
    Ok(ExitCode::SUCCESS)
}
