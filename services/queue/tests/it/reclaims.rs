//! Jobs taken back from workers that went silent.

use crate::support::{Fixture, acquire, due_at, finish};
use codeimport_core::Outcome;
use codeimport_queue::{
    Wakeups, reclaim,
    schedule::{JobState, StopReason},
    store::{StoreError, Verdict},
};
use jiff::Timestamp;

#[tokio::test]
async fn reclaimed_lease_can_neither_heartbeat_nor_finish() {
    let (fixture, old) = Fixture::with_running_job().await;
    fixture.reclaim(&old).await;
    let new = fixture.lease_one().await;
    assert!(new.lease.fencing_token > old.fencing_token && new.after_reclaim);

    assert_eq!(fixture.beat(&old).await, Verdict::Lost);
    let finished = fixture.try_finish(&finish(&old, Outcome::Success)).await.unwrap_err();
    assert!(matches!(finished, StoreError::LeaseLost), "{finished:?}");
    let released = fixture.release(&old).await.unwrap_err();
    assert!(matches!(released, StoreError::LeaseLost), "{released:?}");

    assert_eq!(fixture.store.get_run(old.run_id).await.unwrap().end.unwrap().outcome, Outcome::Reclaimed);
    assert!(matches!(fixture.beat(&new.lease).await, Verdict::Extended(_)), "the new holder is untouched");
}

#[tokio::test]
async fn a_lease_that_lasts_is_left_alone() {
    let (fixture, lease) = Fixture::with_running_job().await;
    assert!(fixture.store.reclaim().await.unwrap().is_empty());
    assert!(matches!(fixture.beat(&lease).await, Verdict::Extended(_)));
}

#[tokio::test]
async fn a_heartbeat_just_in_time_saves_the_lease() {
    let (fixture, lease) = Fixture::with_running_job().await;
    fixture.expire(&lease).await;
    fixture.beat(&lease).await;
    assert!(fixture.store.reclaim().await.unwrap().is_empty());
}

#[tokio::test]
async fn finish_and_reclaim_at_the_same_time_have_one_winner() {
    for _ in 0..10 {
        let (fixture, lease) = Fixture::with_running_job().await;
        fixture.expire(&lease).await;
        let finish = finish(&lease, Outcome::Success);
        let (finished, reclaimed) = tokio::join!(fixture.try_finish(&finish), fixture.store.reclaim());
        let taken_back = !reclaimed.unwrap().is_empty();
        assert_ne!(finished.is_ok(), taken_back);
        let outcome = fixture.store.get_run(lease.run_id).await.unwrap().end.unwrap().outcome;
        assert_eq!(outcome, if taken_back { Outcome::Reclaimed } else { Outcome::Success });
    }
}

#[tokio::test]
async fn two_replicas_take_each_job_back_once() {
    let fixture = Fixture::with_due_jobs(120).await;
    let leases = fixture.lease(&acquire(100)).await;
    fixture.sql("UPDATE lease SET expires_at = now() - interval '1 second'", &[]).await;
    let wakeups = Wakeups::default();
    let (a, b) = tokio::join!(reclaim::run_once(&fixture.store, &wakeups), reclaim::run_once(&fixture.store, &wakeups));
    assert_eq!(a.unwrap().len() + b.unwrap().len(), leases.len());
}

#[tokio::test]
async fn the_first_reclaim_is_due_at_once_and_later_ones_wait() {
    let (fixture, first) = Fixture::with_running_job().await;
    fixture.reclaim(&first).await;
    let second = fixture.lease_one().await;
    fixture.reclaim(&second.lease).await;
    let job = fixture.job("job-0").await;
    assert_eq!(job.reclaim_count, 2);
    let delay = due_at(&job).duration_since(Timestamp::now()).as_secs();
    assert!((5..=10).contains(&delay), "{delay}");
}

#[tokio::test]
async fn a_job_that_keeps_killing_workers_is_stopped() {
    let fixture = Fixture::with_due_jobs(1).await;
    for _ in 0..5 {
        let lease = fixture.lease_one().await.lease;
        fixture.reclaim(&lease).await;
        fixture.let_time_pass().await;
    }
    let job = fixture.job("job-0").await;
    assert_eq!(job.state, JobState::Stopped { reason: Some(StopReason::CrashLoop) });
    assert_eq!(job.failure_count, 0, "a lost worker is no failure of the import");
}

#[tokio::test]
async fn a_finished_run_ends_the_row_of_reclaims() {
    let (fixture, first) = Fixture::with_running_job().await;
    fixture.reclaim(&first).await;
    let second = fixture.lease_one().await;
    fixture.finish(&second.lease, Outcome::Failure).await;
    let job = fixture.job("job-0").await;
    assert_eq!((job.reclaim_count, job.failure_count), (0, 1));
}

#[tokio::test]
async fn the_warning_of_a_live_former_holder_stays_until_a_run_did_its_work() {
    let (fixture, first) = Fixture::with_running_job().await;
    fixture.reclaim(&first).await;
    // Neither of these has surely moved the fence in the target.
    let second = fixture.lease_one().await;
    fixture.release(&second.lease).await.unwrap();
    let third = fixture.lease_one().await;
    fixture.finish(&third.lease, Outcome::Unavailable).await;
    fixture.let_time_pass().await;
    let fourth = fixture.lease_one().await;
    assert!(second.after_reclaim && third.after_reclaim && fourth.after_reclaim);
    fixture.finish(&fourth.lease, Outcome::Partial).await;
    assert!(!fixture.lease_one().await.after_reclaim);
}

#[tokio::test]
async fn a_reclaimed_request_stays_a_request() {
    let fixture = Fixture::with_due_jobs(1).await;
    fixture.request("job-0", "robin").await.unwrap();
    let first = fixture.lease_one().await;
    fixture.reclaim(&first.lease).await;
    assert!(fixture.lease_one().await.requested);
}
