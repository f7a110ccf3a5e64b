//! The contract's own promises: checks, tokens, long poll, paging.

use crate::support::{Fixture, acquire, put};
use codeimport_core::Outcome;
use codeimport_kit::{Shutdown, config::Secret, reason_of};
use codeimport_proto::{
    common::{self, ErrorReason, RcsType},
    queue::{
        AcquireLeasesRequest, FinishRunRequest, GetScheduleRequest, HeartbeatItem, HeartbeatRequest, HeartbeatVerdict,
        Lease, ListRunsRequest, LogLine, PutScheduleRequest, ReleaseLeaseRequest, RequestRunRequest, Schedule,
        ScheduleState, lease_service_server::LeaseService as _, run_service_server::RunService as _,
        schedule_service_server::ScheduleService as _,
    },
};
use codeimport_queue::{Config, LeaseRpc, Queue, RunRpc, ScheduleRpc, StatsRpc, WorkerRpc, schedule};
use std::time::{Duration, Instant};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// The services on one database.
pub(crate) struct Service {
    pub(crate) schedules: ScheduleRpc,
    pub(crate) leases: LeaseRpc,
    pub(crate) runs: RunRpc,
    pub(crate) workers: WorkerRpc,
    pub(crate) stats: StatsRpc,
    pub(crate) shutdown: Shutdown,
}

pub(crate) fn service(fixture: &Fixture) -> Service {
    let config = Config { lease_key: Secret::from("0123456789abcdef0123456789abcdef"), ..Config::default() };
    let shutdown = Shutdown::new();
    let queue = Queue::new(fixture.store.clone(), &config, shutdown.clone()).unwrap();
    Service {
        schedules: ScheduleRpc(queue.clone()),
        leases: LeaseRpc(queue.clone()),
        runs: RunRpc(queue.clone()),
        workers: WorkerRpc(queue.clone()),
        stats: StatsRpc(queue),
        shutdown,
    }
}

pub(crate) fn acquire_request(wait: Duration) -> AcquireLeasesRequest {
    AcquireLeasesRequest {
        worker_id: "worker-0".to_owned(),
        max_leases: 1,
        rcs_types: vec![RcsType::Git.into()],
        wait_timeout: Some(wait.try_into().unwrap()),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    }
}

fn put_request(job_id: &str) -> PutScheduleRequest {
    let schedule = Schedule {
        state: ScheduleState::Active.into(),
        update_interval: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
        rcs_type: RcsType::Git.into(),
        source_host: "example.org".to_owned(),
        ..Default::default()
    };
    PutScheduleRequest { job_id: job_id.to_owned(), generation: 1, schedule: Some(schedule), resume: false }
}

async fn lease(service: &Service, wait: Duration) -> Vec<Lease> {
    service.leases.acquire_leases(Request::new(acquire_request(wait))).await.unwrap().into_inner().leases
}

fn violated(status: &Status) -> Vec<String> {
    assert_eq!(reason_of(status), Some(ErrorReason::FieldViolation), "{status:?}");
    let details = status.get_details_bad_request().unwrap();
    details.field_violations.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn all_field_violations_come_at_once() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    let put = PutScheduleRequest { schedule: Some(Schedule::default()), ..Default::default() };
    let refused = service.schedules.put_schedule(Request::new(put)).await.unwrap_err();
    let fields = ["job_id", "generation", "schedule.state", "schedule.rcs_type", "schedule.update_interval"];
    assert_eq!(violated(&refused), fields);

    let acquire = AcquireLeasesRequest { rcs_types: vec![0], max_leases: 101, ..Default::default() };
    let refused = service.leases.acquire_leases(Request::new(acquire)).await.unwrap_err();
    assert_eq!(violated(&refused), ["worker_id", "max_leases", "rcs_types[0]", "request_id"]);

    let bad_line = LogLine::default();
    let progress = common::Progress { done_count: -1, ..Default::default() };
    let item = HeartbeatItem { progress: Some(progress), log_lines: vec![bad_line], ..Default::default() };
    let refused = service
        .leases
        .heartbeat(Request::new(HeartbeatRequest { worker_id: String::new(), items: vec![item] }))
        .await
        .unwrap_err();
    assert_eq!(violated(&refused), ["worker_id", "items[0].progress", "items[0].log_lines[0]"]);
}

#[tokio::test]
async fn only_workers_outcomes_can_be_reported() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    for outcome in [common::Outcome::Unspecified, common::Outcome::Reclaimed, common::Outcome::Released] {
        let request = FinishRunRequest { outcome: outcome.into(), ..Default::default() };
        let refused = service.leases.finish_run(Request::new(request)).await.unwrap_err();
        assert_eq!(violated(&refused), ["outcome"], "{outcome:?}");
    }
}

#[tokio::test]
async fn a_lease_goes_through_its_life_by_its_token_alone() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    service.schedules.put_schedule(Request::new(put_request("a"))).await.unwrap();
    let lease = lease(&service, Duration::ZERO).await.pop().unwrap();
    let item = HeartbeatItem { lease_token: lease.lease_token, ..Default::default() };
    let beat = HeartbeatRequest { worker_id: "worker-0".to_owned(), items: vec![item] };
    let renewed = service.leases.heartbeat(Request::new(beat)).await.unwrap().into_inner().results.remove(0);
    assert_eq!(renewed.verdict(), HeartbeatVerdict::Extended);
    let outcome = common::Outcome::NoChange.into();
    let finish = FinishRunRequest { lease_token: renewed.lease_token, outcome, ..Default::default() };
    let finished = service.leases.finish_run(Request::new(finish)).await.unwrap().into_inner();
    assert!(finished.next_due_time.is_some());
}

#[tokio::test]
async fn a_token_that_the_queue_did_not_sign_is_refused() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    let lease_token = b"made up".to_vec();
    let finish = FinishRunRequest {
        lease_token: lease_token.clone(),
        outcome: common::Outcome::Success.into(),
        ..Default::default()
    };
    let refused = service.leases.finish_run(Request::new(finish)).await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::LeaseTokenInvalid));
    let release = ReleaseLeaseRequest { lease_token: lease_token.clone(), ..Default::default() };
    let refused = service.leases.release_lease(Request::new(release)).await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::LeaseTokenInvalid));
    let item = HeartbeatItem { lease_token, ..Default::default() };
    let beat = HeartbeatRequest { worker_id: "w".to_owned(), items: vec![item] };
    let answer = service.leases.heartbeat(Request::new(beat)).await.unwrap().into_inner();
    assert_eq!(answer.results[0].verdict(), HeartbeatVerdict::Lost, "one bad item does not spoil the others");
}

#[tokio::test]
async fn the_long_poll_ends_as_soon_as_a_job_is_due() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    let started = Instant::now();
    let (leases, _) = tokio::join!(lease(&service, Duration::from_secs(30)), async {
        service.schedules.put_schedule(Request::new(put_request("a"))).await.unwrap();
    });
    assert_eq!(leases.len(), 1);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn the_long_poll_notices_what_another_replica_made_due() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    let put = put("a", 1, schedule::ScheduleState::Active);
    let (leases, _) = tokio::join!(lease(&service, Duration::from_secs(30)), fixture.put(&put));
    assert_eq!(leases.len(), 1);
}

#[tokio::test]
async fn the_long_poll_ends_empty_handed_with_the_drain() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    let (leases, ()) = tokio::join!(lease(&service, Duration::from_secs(30)), async { service.shutdown.begin() });
    assert!(leases.is_empty());
    let refused = service.leases.acquire_leases(Request::new(acquire_request(Duration::ZERO))).await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::Draining));
}

#[tokio::test]
async fn errors_name_what_they_are_about() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    let get = GetScheduleRequest { job_id: "nothing".to_owned() };
    let refused = service.schedules.get_schedule(Request::new(get)).await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::JobNotFound));
    assert_eq!(refused.get_details_error_info().unwrap().metadata["job_id"], "nothing");
    fixture.put(&put("a", 1, schedule::ScheduleState::Suspended)).await;
    let request = RequestRunRequest { job_id: "a".to_owned(), requested_by: String::new() };
    let refused = service.schedules.request_run(Request::new(request)).await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::JobStopped));
}

#[tokio::test]
async fn runs_are_listed_page_by_page_newest_first() {
    let fixture = Fixture::with_due_jobs(5).await;
    for lease in fixture.lease(&acquire(5)).await {
        fixture.finish(&lease.lease, Outcome::Success).await;
    }
    let service = service(&fixture);
    let (mut pages, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListRunsRequest { page_size: 2, page_token, ..Default::default() };
        let page = service.runs.list_runs(Request::new(request)).await.unwrap().into_inner();
        pages.push(page.runs.iter().map(|run| run.run_id).collect::<Vec<_>>());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let all: Vec<_> = pages.concat();
    assert!(all.is_sorted_by(|a, b| a > b), "{all:?}");
}

#[tokio::test]
async fn a_page_token_of_another_list_is_refused() {
    let fixture = Fixture::with_due_jobs(2).await;
    for lease in fixture.lease(&acquire(2)).await {
        fixture.finish(&lease.lease, Outcome::Success).await;
    }
    let service = service(&fixture);
    let request = ListRunsRequest { page_size: 1, ..Default::default() };
    let page_token = service.runs.list_runs(Request::new(request)).await.unwrap().into_inner().next_page_token;
    let request = ListRunsRequest { job_id: "job-0".to_owned(), page_size: -1, page_token };
    let refused = service.runs.list_runs(Request::new(request)).await.unwrap_err();
    assert_eq!(violated(&refused), ["page_size", "page_token"]);
}
