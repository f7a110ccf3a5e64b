//! `HostService`: how source hosts are spared, for operators.

use super::{HostRpc, Queue, convert};
use crate::{
    breaker::Position,
    host::HostLimits,
    store::{HostReport, SetHostLimits},
};
use codeimport_kit::{ApiError, Violations, page_token};
use codeimport_proto::{
    convert::timestamp_to_wire,
    queue::{
        self as wire, BreakerState, ListHostsRequest, ListHostsResponse, ResetHostBreakerRequest,
        ResetHostBreakerResponse, SetHostLimitsRequest, SetHostLimitsResponse, host_service_server::HostService,
    },
};
use tonic::{Request, Response, Status};

const DEFAULT_PAGE_SIZE: u32 = 50;
const MAX_PAGE_SIZE: u32 = 500;
const PAGE_FILTER: &str = "hosts";

#[tonic::async_trait]
impl HostService for HostRpc {
    async fn list_hosts(&self, request: Request<ListHostsRequest>) -> Result<Response<ListHostsResponse>, Status> {
        let Self(queue) = self;
        let (after, size) = page(&request.into_inner())?;
        let listed = queue.store.list_hosts(&after, size + 1).await;
        let mut hosts = listed.map_err(|error| queue.refuse(error))?;
        // One more than asked for tells whether there is another page.
        let more = hosts.len() > size as usize;
        hosts.truncate(size as usize);
        let last = hosts.last().filter(|_| more);
        let next_page_token = last.map(|last| page_token::encode(PAGE_FILTER, &last.host.name)).unwrap_or_default();
        let hosts = hosts.iter().map(|host| queue.host_to_wire(host)).collect();
        Ok(Response::new(ListHostsResponse { hosts, next_page_token }))
    }

    async fn set_host_limits(
        &self,
        request: Request<SetHostLimitsRequest>,
    ) -> Result<Response<SetHostLimitsResponse>, Status> {
        let Self(queue) = self;
        let set = set_limits(request.into_inner())?;
        let host = queue.store.set_host_limits(&set).await.map_err(|error| queue.refuse(error))?;
        queue.wakeups.wake_for_job();
        tracing::info!(host.name = set.name, actor = set.by, reason = set.reason, "host limits set");
        Ok(Response::new(SetHostLimitsResponse { host: Some(queue.host_to_wire(&host)) }))
    }

    async fn reset_host_breaker(
        &self,
        request: Request<ResetHostBreakerRequest>,
    ) -> Result<Response<ResetHostBreakerResponse>, Status> {
        let Self(queue) = self;
        let mut v = Violations::new();
        let name = convert::host_name(&mut v, request.into_inner().name);
        let name = v.finish_with(name)?;
        let host = queue.store.reset_host_breaker(&name).await.map_err(|error| queue.refuse(error))?;
        queue.wakeups.wake_for_job();
        tracing::info!(host.name = name, "host breaker reset");
        Ok(Response::new(ResetHostBreakerResponse { host: Some(queue.host_to_wire(&host)) }))
    }
}

/// After which name to list, and how many.
fn page(request: &ListHostsRequest) -> Result<(String, u32), ApiError> {
    let mut v = Violations::new();
    let size = v.check("page_size", page_token::page_size(request.page_size, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE));
    let after = v.check("page_token", page_token::decode(PAGE_FILTER, &request.page_token));
    v.finish_with(after.zip(size).map(|(after, size)| (after.unwrap_or_default(), size)))
}

fn set_limits(request: SetHostLimitsRequest) -> Result<SetHostLimits, ApiError> {
    let mut v = Violations::new();
    let name = convert::host_name(&mut v, request.name);
    let sent = request.limits.unwrap_or_default();
    let max_running = v.check("limits.max_running", limit(sent.max_running, 0));
    let starts_per_minute = v.check("limits.starts_per_minute", limit(sent.starts_per_minute, 1));
    let by = convert::actor(&mut v, "set_by", request.set_by);
    let reason = convert::reason(&mut v, request.reason);
    let limits = max_running
        .zip(starts_per_minute)
        .map(|(max_running, starts_per_minute)| HostLimits { max_running, starts_per_minute });
    let values = name.zip(limits).zip(by.zip(reason));
    v.finish_with(values.map(|((name, limits), (by, reason))| SetHostLimits { name, limits, by, reason }))
}

fn limit(sent: Option<i32>, least: u32) -> Result<Option<u32>, String> {
    let Some(sent) = sent else { return Ok(None) };
    let limit = u32::try_from(sent).ok().filter(|limit| *limit >= least);
    limit.map(Some).ok_or_else(|| format!("must be at least {least}"))
}

impl Queue {
    fn host_to_wire(&self, report: &HostReport) -> wire::Host {
        let set = report.limits_set.as_ref();
        let breaker = match report.host.breaker.position {
            Position::Closed => BreakerState::Closed,
            Position::Open => BreakerState::Open,
            Position::HalfOpen => BreakerState::HalfOpen,
        };
        wire::Host {
            name: report.host.name.clone(),
            running_count: convert::count_to_wire(report.host.running_count),
            own_limits: Some(limits_to_wire(report.host.own_limits)),
            limits: Some(limits_to_wire(report.limits)),
            breaker: breaker.into(),
            trouble_count: convert::count_to_wire(report.host.breaker.trouble_count),
            open_time: report.host.open_at.map(timestamp_to_wire),
            limits_set_time: set.map(|set| timestamp_to_wire(set.at)),
            limits_set_by: set.map(|set| set.by.clone()).unwrap_or_default(),
            limits_reason: set.map(|set| set.reason.clone()).unwrap_or_default(),
            down: report.host.is_down(self.store.host_policy()),
        }
    }
}

fn limits_to_wire(limits: HostLimits) -> wire::HostLimits {
    wire::HostLimits {
        max_running: limits.max_running.map(convert::count_to_wire),
        starts_per_minute: limits.starts_per_minute.map(convert::count_to_wire),
    }
}
