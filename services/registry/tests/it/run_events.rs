//! What the registry makes of finished runs.

use crate::{harness::Registry, queue::wanted};
use codeimport_proto::{
    common::Outcome,
    queue::{Run, RunEvent, ScheduleState, StopReason},
    registry::{DeleteImportRequest, ImportEventType, RetryImportRequest, ReviewImportRequest, ReviewStatus},
};
use codeimport_registry::{run_effect::RunEffect, store::Store};
use std::time::{Duration, Instant};

pub(crate) fn event(sequence: i64, job_id: &str, outcome: Outcome, generation: i64) -> RunEvent {
    let run = Run {
        run_id: 100 + sequence,
        job_id: job_id.to_owned(),
        outcome: outcome.into(),
        message: format!("event {sequence}"),
        finish_time: Some(prost_types::Timestamp { seconds: 1_790_000_000 + sequence, nanos: 0 }),
        ..Default::default()
    };
    RunEvent { sequence, run: Some(run), generation, ..Default::default() }
}

pub(crate) fn stop(sequence: i64, job_id: &str, generation: i64) -> RunEvent {
    RunEvent {
        stop_reason: StopReason::PermanentFailure.into(),
        consecutive_failure_count: 1,
        ..event(sequence, job_id, Outcome::Invalid, generation)
    }
}

pub(crate) async fn apply(registry: &Registry, events: &[RunEvent]) {
    let batch: Vec<_> = events.iter().map(|event| (event.sequence, RunEffect::from_wire(event))).collect();
    registry.store.apply_run_events(&batch).await.expect("applied");
}

/// Waits until the consumer has heard of a run's end.
pub(crate) async fn heard_of(store: &Store, import_id: &str, run_id: i64) {
    let id = import_id.parse().expect("id");
    let deadline = Instant::now() + Duration::from_secs(30);
    while store.import(&id).await.expect("exists").history.last_run_id < run_id {
        assert!(Instant::now() < deadline, "nothing was heard of run {run_id}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn run_finished_events(registry: &mut Registry, import_id: &str) -> usize {
    let events = registry.events(import_id).await;
    events.iter().filter(|event| event.r#type() == ImportEventType::RunFinished).count()
}

#[tokio::test]
async fn run_event_applied_twice_has_one_effect() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let generation = registry.generation("a").await;
    let events = [event(1, "a", Outcome::Success, generation), event(2, "a", Outcome::NoChange, generation)];
    apply(&registry, &events).await;
    let once = registry.get("a").await;
    assert_eq!((once.last_run_id, once.last_outcome()), (102, Outcome::NoChange));
    assert_eq!(once.last_success_time.expect("success").seconds, 1_790_000_002);
    apply(&registry, &events).await;
    apply(&registry, &events[..1]).await;
    assert_eq!(registry.get("a").await, once);
    assert_eq!(run_finished_events(&mut registry, "a").await, 2);
    assert_eq!(registry.store.run_event_cursor().await.expect("cursor"), 2);
}

#[tokio::test]
async fn replicas_that_follow_together_apply_each_event_once() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let generation = registry.generation("a").await;
    let batch: Vec<_> = (1..=20)
        .map(|n| event(n, "a", Outcome::Success, generation))
        .map(|event| (event.sequence, RunEffect::from_wire(&event)))
        .collect();
    let replicas = (0..4).map(|_| {
        let (store, batch) = (registry.store.clone(), batch.clone());
        codeimport_kit::tasks::spawn("test.replica", async move { store.apply_run_events(&batch).await })
    });
    for replica in replicas.collect::<Vec<_>>() {
        replica.await.expect("no panic").expect("applied");
    }
    assert_eq!(run_finished_events(&mut registry, "a").await, 20);
}

#[tokio::test]
async fn a_stop_by_the_queue_makes_an_import_failing_from_end_to_end() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let generation = registry.generation("a").await;
    // Through the consumer this time, whose end is to be seen at the queue.
    let lease = registry.queue.lease("a").await;
    registry.queue.finish(&lease, Outcome::Invalid, "no such repository").await;
    assert_eq!(wanted(&registry.queue.job_since("a", generation + 1).await), ScheduleState::Suspended);
    let import = registry.get("a").await;
    assert_eq!(import.review_status(), ReviewStatus::Failing);
    assert!(import.review_reason.contains("no such repository"), "{}", import.review_reason);
    assert_eq!(import.consecutive_failure_count, 1);
    let last = registry.events("a").await.pop().expect("an event");
    assert_eq!((last.r#type(), last.actor.as_str()), (ImportEventType::Reviewed, "system"));

    registry
        .imports
        .retry_import(RetryImportRequest { import_id: "a".to_owned(), ..Default::default() })
        .await
        .expect("retried");
    registry.queue.lease("a").await;
    assert_eq!(registry.get("a").await.consecutive_failure_count, 0);
}

#[tokio::test]
async fn stale_stop_after_a_retry_is_ignored() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let before = registry.generation("a").await;
    registry
        .imports
        .retry_import(RetryImportRequest { import_id: "a".to_owned(), ..Default::default() })
        .await
        .expect("retried");
    apply(&registry, &[stop(1, "a", before)]).await;
    let import = registry.get("a").await;
    assert_eq!((import.review_status(), import.consecutive_failure_count), (ReviewStatus::Reviewed, 0));
    assert_eq!(import.last_outcome(), Outcome::Invalid, "that it ran is still told");
    let now = registry.generation("a").await;
    apply(&registry, &[stop(2, "a", now)]).await;
    assert_eq!(registry.get("a").await.review_status(), ReviewStatus::Failing);
}

#[tokio::test]
async fn an_import_that_was_stopped_while_suspended_is_resumed_by_its_approval() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let lease = registry.queue.lease("a").await;
    registry.queue.finish(&lease, Outcome::NoChange, "").await;
    heard_of(&registry.store, "a", lease.run_id).await;
    let generation = registry.generation("a").await;
    let review = |status: ReviewStatus| ReviewImportRequest {
        import_id: "a".to_owned(),
        review_status: status.into(),
        ..Default::default()
    };
    registry.imports.review_import(review(ReviewStatus::Suspended)).await.expect("reviewed");
    // A run that ended before the queue heard of that: had it heard, the job would have no reason of the queue's own.
    apply(&registry, &[stop(2, "a", generation)]).await;
    assert_eq!(registry.get("a").await.review_status(), ReviewStatus::Suspended, "a person's word stands");
    registry.imports.review_import(review(ReviewStatus::Reviewed)).await.expect("reviewed");
    // At once, and not when the interval since its last run is over.
    registry.queue.lease("a").await;
}

#[tokio::test]
async fn events_of_imports_that_are_gone_have_no_effect_on_their_successors() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let generation = registry.generation("a").await;
    let delete = DeleteImportRequest { import_id: "a".to_owned(), ..Default::default() };
    registry.imports.delete_import(delete).await.expect("deleted");
    apply(&registry, &[event(1, "a", Outcome::Cancelled, generation)]).await;
    registry.create("a").await;
    apply(&registry, &[stop(2, "a", generation)]).await;
    let import = registry.get("a").await;
    assert_eq!((import.last_run_id, import.review_status()), (0, ReviewStatus::Reviewed));
    assert_eq!(registry.store.run_event_cursor().await.expect("cursor"), 2, "they do not block those behind them");
}
