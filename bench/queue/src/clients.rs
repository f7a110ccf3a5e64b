//! The calls that the rows make, on one connection each.

#![allow(clippy::needless_update, reason = "messages are completed, so that a field that is added breaks nothing")]

use codeimport_proto::{
    common::{Outcome, RcsType},
    convert::timestamp_from_wire,
    queue::{
        AcquireLeasesRequest, FinishRunRequest, FinishRunsRequest, HeartbeatItem, HeartbeatRequest, HeartbeatVerdict,
        Lease, PutScheduleRequest, RequestRunRequest, Schedule, ScheduleState,
        lease_service_client::LeaseServiceClient, schedule_service_client::ScheduleServiceClient,
    },
};
use jiff::Timestamp;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use uuid::Uuid;

/// One connection to the queue.
#[derive(Clone)]
pub(crate) struct Client {
    schedules: ScheduleServiceClient<Channel>,
    leases: LeaseServiceClient<Channel>,
}

impl Client {
    pub(crate) fn connect(url: &str) -> anyhow::Result<Self> {
        let channel = Endpoint::from_shared(url.to_owned())?.tcp_nodelay(true).connect_lazy();
        Ok(Self { schedules: ScheduleServiceClient::new(channel.clone()), leases: LeaseServiceClient::new(channel) })
    }

    /// An active Git job, due now.
    pub(crate) async fn put(&mut self, job_id: &str, host: &str, interval_seconds: i64) -> Result<(), Status> {
        let schedule = Schedule {
            state: ScheduleState::Active.into(),
            update_interval: Some(prost_types::Duration { seconds: interval_seconds, nanos: 0 }),
            rcs_type: RcsType::Git.into(),
            source_host: host.to_owned(),
            ..Default::default()
        };
        let (job_id, schedule) = (job_id.to_owned(), Some(schedule));
        let request = PutScheduleRequest { job_id, generation: 1, schedule, ..Default::default() };
        self.schedules.put_schedule(request).await.map(drop)
    }

    pub(crate) async fn request_run(&mut self, job_id: &str) -> Result<(), Status> {
        let request = RequestRunRequest { job_id: job_id.to_owned(), ..Default::default() };
        self.schedules.request_run(request).await.map(drop)
    }

    /// Up to so many leases; waits for the first one if `wait_seconds` is positive.
    pub(crate) async fn acquire(&mut self, worker: &str, max: i32, wait_seconds: i64) -> Result<Vec<Lease>, Status> {
        let request = AcquireLeasesRequest {
            worker_id: worker.to_owned(),
            worker_version: "bench".to_owned(),
            max_leases: max,
            rcs_types: vec![RcsType::Git.into()],
            wait_timeout: (wait_seconds > 0).then_some(prost_types::Duration { seconds: wait_seconds, nanos: 0 }),
            request_id: Uuid::new_v4().to_string(),
            ..Default::default()
        };
        Ok(self.leases.acquire_leases(request).await?.into_inner().leases)
    }

    /// Ends a run well; tells when the job is due again.
    pub(crate) async fn finish(&mut self, lease: &Lease) -> Result<Option<Timestamp>, Status> {
        let answer = self.leases.finish_run(good_end(lease)).await?.into_inner();
        Ok(answer.next_due_time.as_ref().and_then(timestamp_from_wire))
    }

    /// Ends many runs well, in one call; how many of them were still held.
    pub(crate) async fn finish_all(&mut self, leases: &[Lease]) -> Result<usize, Status> {
        let request = FinishRunsRequest { items: leases.iter().map(good_end).collect(), ..Default::default() };
        let results = self.leases.finish_runs(request).await?.into_inner().results;
        Ok(results.iter().filter(|result| result.finished).count())
    }

    /// One heartbeat for many leases; how many of them go on.
    pub(crate) async fn heartbeat(&mut self, worker: &str, leases: &[Lease]) -> Result<usize, Status> {
        let item = |lease: &Lease| HeartbeatItem { lease_token: lease.lease_token.clone(), ..Default::default() };
        let items = leases.iter().map(item).collect();
        let request = HeartbeatRequest { worker_id: worker.to_owned(), items, ..Default::default() };
        let results = self.leases.heartbeat(request).await?.into_inner().results;
        Ok(results.iter().filter(|result| result.verdict() == HeartbeatVerdict::Extended).count())
    }
}

fn good_end(lease: &Lease) -> FinishRunRequest {
    FinishRunRequest { lease_token: lease.lease_token.clone(), outcome: Outcome::NoChange.into(), ..Default::default() }
}
