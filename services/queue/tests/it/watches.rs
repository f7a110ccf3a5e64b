//! Streams: what is sent, in which order, and when they end.

use crate::{
    rpc::{Service, service},
    support::{Fixture, acquire, beat, line},
};
use codeimport_core::Outcome;
use codeimport_proto::queue::{
    RunState, WatchRunEventsRequest, WatchRunLogRequest, WatchRunRequest, run_service_server::RunService as _,
};
use codeimport_queue::store::Beat;
use futures_util::StreamExt as _;
use tonic::Request;

async fn watch_run(service: &Service, run_id: i64) -> impl futures_util::Stream<Item = RunState> + use<> {
    let stream = service.runs.watch_run(Request::new(WatchRunRequest { run_id })).await.unwrap().into_inner();
    stream.map(|answer| answer.unwrap().run.unwrap().state())
}

#[tokio::test]
async fn a_watched_run_is_told_until_it_is_finished() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let service = service(&fixture);
    let mut states = Box::pin(watch_run(&service, lease.run_id.0).await);
    assert_eq!(states.next().await, Some(RunState::Running));
    fixture.finish(&lease, Outcome::Success).await;
    assert_eq!(states.next().await, Some(RunState::Finished));
    assert_eq!(states.next().await, None);
}

#[tokio::test]
async fn a_followed_log_brings_every_line_and_ends_with_the_run() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let service = service(&fixture);
    let request = WatchRunLogRequest { run_id: lease.run_id.0, after_line_number: 1, follow: true };
    let mut log = service.runs.watch_run_log(Request::new(request)).await.unwrap().into_inner();
    let told = Beat { log_lines: vec![line(1, "one"), line(2, "two")], ..beat(&lease) };
    fixture.store.heartbeat(&[told]).await.unwrap();
    let first = log.next().await.unwrap().unwrap();
    assert_eq!(first.log_lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["two"]);
    let last_words = codeimport_queue::store::Finish {
        log_lines: vec![line(3, "three")],
        ..crate::support::finish(&lease, Outcome::Success)
    };
    fixture.try_finish(&last_words).await.unwrap();
    assert_eq!(log.next().await.unwrap().unwrap().log_lines[0].text, "three");
    assert!(log.next().await.is_none());
}

#[tokio::test]
async fn a_log_that_is_not_followed_ends_at_its_last_line() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let service = service(&fixture);
    let request = WatchRunLogRequest { run_id: lease.run_id.0, after_line_number: 0, follow: false };
    let mut log = service.runs.watch_run_log(Request::new(request)).await.unwrap().into_inner();
    assert!(log.next().await.is_none());
}

#[tokio::test]
async fn events_stream_on_and_end_with_the_drain() {
    let fixture = Fixture::with_due_jobs(2).await;
    let leases = fixture.lease(&acquire(2)).await;
    let service = service(&fixture);
    let request = WatchRunEventsRequest { after_sequence: 0 };
    let mut events = service.runs.watch_run_events(Request::new(request)).await.unwrap().into_inner();
    for (at, lease) in leases.iter().enumerate() {
        fixture.finish(&lease.lease, Outcome::Success).await;
        let answer = events.next().await.unwrap().unwrap();
        let sequences: Vec<_> = answer.events.iter().map(|event| event.sequence).collect();
        assert_eq!(sequences, [i64::try_from(at).unwrap() + 1]);
    }
    service.shutdown.begin();
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_run_that_does_not_exist_cannot_be_watched() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    let refused = service.runs.watch_run(Request::new(WatchRunRequest { run_id: 5 })).await.map(drop).unwrap_err();
    let reason = codeimport_kit::reason_of(&refused);
    assert_eq!(reason, Some(codeimport_proto::common::ErrorReason::RunNotFound));
}
