//! Runs that are told to stop.

use crate::support::{Fixture, beat, finish};
use codeimport_core::{Outcome, RunId, Stage};
use codeimport_queue::{
    run::Progress,
    store::{Beat, Finish, LeaseName, StoreError, Verdict},
};

async fn age(fixture: &Fixture, column: &str, interval: &str) {
    fixture.sql(&format!("UPDATE lease SET {column} = now() - interval '{interval}'"), &[]).await;
}

async fn fetching(fixture: &Fixture, lease: &LeaseName, done_count: i64) -> Verdict {
    let progress = Some(Progress { stage: Some(Stage::Fetch), done_count, ..Progress::default() });
    fixture.store.heartbeat(&[Beat { progress, ..beat(lease) }]).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_run_beyond_its_deadline_is_told_and_counts_as_a_failure() {
    let (fixture, lease) = Fixture::with_running_job().await;
    assert!(fixture.store.stop_overruns().await.unwrap().is_empty());
    age(&fixture, "started_at", "25 hours").await;
    assert_eq!(fixture.store.stop_overruns().await.unwrap()[0].run_id, lease.run_id);
    let Verdict::Cancel(_, reason) = fixture.beat(&lease).await else { panic!("it is to stop") };
    assert_eq!(reason, "The run took longer than 86400 seconds.");
    assert!(fixture.store.stop_overruns().await.unwrap().is_empty(), "told once");
    let cancelled = Finish { message: "Stopped.".to_owned(), ..finish(&lease, Outcome::Cancelled) };
    fixture.try_finish(&cancelled).await.unwrap();
    assert_eq!(fixture.job("job-0").await.failure_count, 1);
    let message = fixture.store.get_run(lease.run_id).await.unwrap().end.unwrap().message;
    assert_eq!(message, "The run took longer than 86400 seconds. Stopped.");
}

#[tokio::test]
async fn a_worker_that_is_alive_but_gets_nowhere_is_noticed() {
    let (fixture, lease) = Fixture::with_running_job().await;
    fetching(&fixture, &lease, 5).await;
    age(&fixture, "progress_at", "2 hours").await;
    fetching(&fixture, &lease, 6).await;
    assert!(fixture.store.stop_overruns().await.unwrap().is_empty(), "it moved");
    age(&fixture, "progress_at", "2 hours").await;
    assert!(matches!(fetching(&fixture, &lease, 6).await, Verdict::Extended(_)), "the same again is no progress");
    assert_eq!(fixture.store.stop_overruns().await.unwrap().len(), 1);
    assert!(matches!(fixture.beat(&lease).await, Verdict::Cancel(..)));
}

#[tokio::test]
async fn a_run_that_does_not_heed_is_extended_no_more_and_taken_back() {
    let (fixture, lease) = Fixture::with_running_job().await;
    age(&fixture, "started_at", "25 hours").await;
    fixture.store.stop_overruns().await.unwrap();
    age(&fixture, "ends_by", "1 second").await;
    assert!(matches!(fixture.beat(&lease).await, Verdict::Cancel(..)));
    assert_eq!(fixture.store.reclaim().await.unwrap().len(), 1, "the beat did not save it");
}

#[tokio::test]
async fn a_person_can_stop_a_run_without_counting_it() {
    let (fixture, lease) = Fixture::with_running_job().await;
    assert!(fixture.store.cancel_run(lease.run_id, "cancelled by robin").await.unwrap());
    let Verdict::Cancel(_, reason) = fixture.beat(&lease).await else { panic!("it is to stop") };
    assert_eq!(reason, "cancelled by robin");
    assert!(fixture.finish(&lease, Outcome::Cancelled).await.is_some(), "the schedule goes on");
    assert_eq!(fixture.job("job-0").await.failure_count, 0);
    assert!(!fixture.store.cancel_run(lease.run_id, "again").await.unwrap(), "it is over");
    let unknown = fixture.store.cancel_run(RunId(999), "").await.unwrap_err();
    assert!(matches!(unknown, StoreError::RunNotFound(_)));
}
