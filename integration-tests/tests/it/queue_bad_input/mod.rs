//! Whatever is sent to the queue: the answer names what is wrong, and a healthy lease beside it goes on.

mod reports;

use codeimport_integration_tests::{QueueClient, QueueOptions, Queues, acquire_request, put_request};
use codeimport_proto::common::ErrorReason;
use codeimport_proto::queue::{
    AcquireLeasesRequest, GetRunRequest, GetScheduleRequest, HeartbeatItem, HeartbeatVerdict, Lease, ListRunsRequest,
    PutScheduleRequest, RequestRunRequest, Schedule, WatchRunLogRequest, WatchRunRequest,
};
use prost_types::Duration;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

/// A queue with one job, leased by somebody who does everything right.
struct Beside {
    client: QueueClient,
    lease: Lease,
    _queues: Queues,
}

impl Beside {
    async fn start() -> Self {
        let queues = Queues::start(QueueOptions::default()).await;
        let mut client = queues.client(0);
        client.put(put_request("healthy", 1, 3600)).await.expect("the schedule is valid");
        let leases = client.acquire(acquire_request("good", 1, 10)).await.expect("a job is due");
        let lease = leases.into_iter().next().expect("a job is due");
        Self { client, lease, _queues: queues }
    }

    /// Claims that the healthy lease has noticed nothing.
    async fn assert_healthy(&mut self, after: &str) {
        let item = HeartbeatItem { lease_token: self.lease.lease_token.clone(), ..Default::default() };
        let verdict = self.client.beat(item).await.expect(after);
        assert_eq!(verdict, HeartbeatVerdict::Extended, "after {after}");
    }
}

fn reason_of(status: &Status) -> ErrorReason {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("every error has ErrorInfo: {status:?}"));
    ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason)).expect("the reason is one of ours")
}

/// Claims that a call was refused for one field.
fn assert_names<T>(answer: Result<Response<T>, Status>, field: &str, what: &str) {
    let Err(status) = answer else { panic!("{what} was accepted") };
    assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status:?}");
    assert_eq!(reason_of(&status), ErrorReason::FieldViolation, "{what}");
    let violations = status.get_details_bad_request().expect("field violations are listed").field_violations;
    let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, [field], "{what}");
}

fn assert_reason<T>(answer: Result<Response<T>, Status>, reason: ErrorReason, what: &str) {
    let Err(status) = answer else { panic!("{what} was accepted") };
    assert_eq!(reason_of(&status), reason, "{what}: {status:?}");
}

fn span(seconds: i64, nanos: i32) -> Option<Duration> {
    Some(Duration { seconds, nanos })
}

#[tokio::test]
async fn absurd_requests_for_leases_name_their_field() {
    let mut story = Beside::start().await;
    let good = acquire_request("bad", 1, 0);
    type Spoil = fn(&mut AcquireLeasesRequest);
    let cases: [(&str, &str, Spoil); 13] = [
        ("no slots", "max_leases", |r| r.max_leases = 0),
        ("negative slots", "max_leases", |r| r.max_leases = -1),
        ("too many slots", "max_leases", |r| r.max_leases = 101),
        ("absurd slots", "max_leases", |r| r.max_leases = i32::MAX),
        ("no name", "worker_id", |r| r.worker_id.clear()),
        ("a long name", "worker_id", |r| r.worker_id = "x".repeat(201)),
        ("a NUL in the name", "worker_id", |r| r.worker_id = "a\0b".to_owned()),
        ("an escape in the version", "worker_version", |r| r.worker_version = "\u{1b}[2J".to_owned()),
        ("no types", "rcs_types", |r| r.rcs_types.clear()),
        ("an unknown type", "rcs_types[1]", |r| r.rcs_types.push(99)),
        ("a negative wait", "wait_timeout", |r| r.wait_timeout = span(-1, 0)),
        ("a wait that is none", "wait_timeout", |r| r.wait_timeout = span(1, i32::MIN)),
        ("no request id", "request_id", |r| r.request_id = "again".to_owned()),
    ];
    for (what, field, spoil) in cases {
        let mut request = good.clone();
        spoil(&mut request);
        assert_names(story.client.leases.acquire_leases(request).await, field, what);
        story.assert_healthy(what).await;
    }
}

#[tokio::test]
async fn a_wait_for_ever_is_cut_to_what_the_server_allows() {
    let mut story = Beside::start().await;
    story.client.put(put_request("due", 1, 3600)).await.expect("the schedule is valid");
    let request = AcquireLeasesRequest { wait_timeout: span(i64::MAX, 0), ..acquire_request("patient", 1, 0) };
    let leases = story.client.acquire(request).await.expect("patience is no error");
    assert_eq!(leases.len(), 1);
}

#[tokio::test]
async fn absurd_schedules_name_their_field() {
    let mut story = Beside::start().await;
    type Spoil = fn(&mut PutScheduleRequest, &mut Schedule);
    let cases: [(&str, &str, Spoil); 16] = [
        ("no id", "job_id", |r, _| r.job_id.clear()),
        ("a long id", "job_id", |r, _| r.job_id = "x".repeat(64)),
        ("an id with a NUL", "job_id", |r, _| r.job_id = "a\0b".to_owned()),
        ("an id that is a path", "job_id", |r, _| r.job_id = "../../etc".to_owned()),
        ("generation zero", "generation", |r, _| r.generation = 0),
        ("a negative generation", "generation", |r, _| r.generation = i64::MIN),
        ("no state", "schedule.state", |_, s| s.state = 0),
        ("an unknown state", "schedule.state", |_, s| s.state = 77),
        ("an unknown type", "schedule.rcs_type", |_, s| s.rcs_type = -5),
        ("no interval", "schedule.update_interval", |_, s| s.update_interval = None),
        ("no time at all", "schedule.update_interval", |_, s| s.update_interval = span(0, 0)),
        ("back in time", "schedule.update_interval", |_, s| s.update_interval = span(-3600, 0)),
        ("centuries", "schedule.update_interval", |_, s| s.update_interval = span(i64::MAX, 999_999_999)),
        ("an interval that is none", "schedule.update_interval", |_, s| s.update_interval = span(60, i32::MAX)),
        ("a long host", "schedule.source_host", |_, s| s.source_host = "h".repeat(256)),
        ("a host with a line end", "schedule.source_host", |_, s| s.source_host = "a\r\nb".to_owned()),
    ];
    for (what, field, spoil) in cases {
        let mut request = put_request("other", 1, 60);
        let mut schedule = request.schedule.take().expect("just made");
        spoil(&mut request, &mut schedule);
        request.schedule = Some(schedule);
        assert_names(story.client.schedules.put_schedule(request).await, field, what);
        story.assert_healthy(what).await;
    }
    let empty = PutScheduleRequest { schedule: None, ..put_request("other", 1, 60) };
    assert_names(story.client.schedules.put_schedule(empty).await, "schedule", "no schedule");
}

#[tokio::test]
async fn unknown_ids_are_not_found() {
    let mut story = Beside::start().await;
    let QueueClient { schedules, runs, .. } = &mut story.client;
    let job_id = "nobody".to_owned();
    let unknown = GetScheduleRequest { job_id: job_id.clone() };
    assert_reason(schedules.get_schedule(unknown).await, ErrorReason::JobNotFound, "a schedule");
    let request = RequestRunRequest { job_id: job_id.clone(), ..Default::default() };
    assert_reason(schedules.request_run(request.clone()).await, ErrorReason::JobNotFound, "a request");
    let by = RequestRunRequest { requested_by: "x".repeat(201), ..request };
    assert_names(schedules.request_run(by).await, "requested_by", "a long name");
    for run_id in [0, -1, i64::MAX, i64::MIN] {
        assert_reason(runs.get_run(GetRunRequest { run_id }).await, ErrorReason::RunNotFound, "a run");
        assert_reason(runs.watch_run(WatchRunRequest { run_id }).await, ErrorReason::RunNotFound, "a watched run");
        let log = WatchRunLogRequest { run_id, ..Default::default() };
        assert_reason(runs.watch_run_log(log).await, ErrorReason::RunNotFound, "a log");
    }
    let foreign = ListRunsRequest { page_token: "forged".to_owned(), ..Default::default() };
    assert_names(runs.list_runs(foreign).await, "page_token", "a forged page token");
    let negative = ListRunsRequest { page_size: -1, ..Default::default() };
    assert_names(runs.list_runs(negative).await, "page_size", "a negative page");
    let none = ListRunsRequest { job_id, ..Default::default() };
    assert!(runs.list_runs(none).await.expect("a job without runs").into_inner().runs.is_empty());
    story.assert_healthy("all unknown ids").await;
}
