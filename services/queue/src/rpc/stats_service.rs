//! `StatsService`: how much there is to do and what holds it up.

use super::{Queue, StatsRpc};
use crate::{
    explain::WaitReason,
    stats::{Figures, Load},
    store::StoreError,
};
use codeimport_core::RcsType;
use codeimport_kit::{Violations, page_token};
use codeimport_proto::{
    convert::{duration_to_wire, rcs_type_to_wire, wait_reason_to_wire},
    queue::{GetStatsRequest, GetStatsResponse, HostStats, RcsStats, WaitCount, stats_service_server::StatsService},
};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

const DEFAULT_HOSTS: u32 = 10;
const MAX_HOSTS: u32 = 500;

#[tonic::async_trait]
impl StatsService for StatsRpc {
    async fn get_stats(&self, request: Request<GetStatsRequest>) -> Result<Response<GetStatsResponse>, Status> {
        let Self(queue) = self;
        let mut v = Violations::new();
        let wanted = page_token::page_size(request.into_inner().host_count, DEFAULT_HOSTS, MAX_HOSTS);
        let host_count = v.check("host_count", wanted);
        let host_count = v.finish_with(host_count)?;
        let stats = queue.stats(host_count as usize).await.map_err(|error| queue.refuse(error))?;
        Ok(Response::new(stats))
    }
}

impl Queue {
    async fn stats(&self, host_count: usize) -> Result<GetStatsResponse, StoreError> {
        let load = self.store.load().await?;
        let (waiting_count, total) = (self.store.waiting_count().await?, load.total());
        let lag = self.lags.quantiles(Instant::now());
        Ok(GetStatsResponse {
            waiting_count: waiting_count.into(),
            due_count: total.due_count.into(),
            leased_count: total.leased_count.into(),
            oldest_due_age: Some(duration_to_wire(total.oldest_due_age)),
            lag_p50: lag.map(|lag| duration_to_wire(lag.p50)),
            lag_p99: lag.map(|lag| duration_to_wire(lag.p99)),
            waiting: self.wait_counts(&load, waiting_count.saturating_sub(total.due_count)),
            hosts: load.top_hosts(host_count).into_iter().map(host_stats).collect(),
            rcs_types: load.by_type().into_iter().map(rcs_stats).collect(),
        })
    }

    fn wait_counts(&self, load: &Load, not_due: u32) -> Vec<WaitCount> {
        let due = load.by_reason(self.store.host_policy());
        let all = [(WaitReason::NotDue, not_due)].into_iter().chain(due);
        let wait_count = |(reason, count): (WaitReason, u32)| WaitCount {
            reason: wait_reason_to_wire(reason).into(),
            count: count.into(),
        };
        all.filter(|(_, count)| *count > 0).map(wait_count).collect()
    }
}

fn host_stats((name, figures): (&str, Figures)) -> HostStats {
    HostStats {
        name: name.to_owned(),
        due_count: figures.due_count.into(),
        leased_count: figures.leased_count.into(),
        oldest_due_age: Some(duration_to_wire(figures.oldest_due_age)),
    }
}

fn rcs_stats((rcs_type, figures): (RcsType, Figures)) -> RcsStats {
    RcsStats {
        rcs_type: rcs_type_to_wire(rcs_type).into(),
        due_count: figures.due_count.into(),
        leased_count: figures.leased_count.into(),
        worker_count: figures.worker_count.into(),
    }
}
