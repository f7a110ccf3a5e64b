//! How runs end by their holder's word, and what follows.

use crate::support::{Fixture, HOUR, acquire, due_at, finish, line, resume};
use codeimport_core::{FencingToken, Outcome};
use codeimport_queue::{
    schedule::{JobState, StopReason},
    store::{Finish, LeaseName, StoreError},
};
use jiff::Timestamp;

#[tokio::test]
async fn a_finished_run_tells_all_and_its_job_waits_one_interval() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let next = fixture.finish(&lease, Outcome::Success).await.unwrap();
    let run = fixture.store.get_run(lease.run_id).await.unwrap();
    let end = run.end.unwrap();
    assert_eq!((end.outcome, end.stats.unwrap().new_revision_count), (Outcome::Success, 2));
    assert_eq!(due_at(&fixture.job("job-0").await), next);
    let interval = next.duration_since(run.started_at).unsigned_abs();
    assert!((HOUR.mul_f64(5.4)..=HOUR.mul_f64(6.6)).contains(&interval), "{interval:?}");
}

#[tokio::test]
async fn finish_is_idempotent() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let first = fixture.finish(&lease, Outcome::Success).await;
    assert_eq!(fixture.finish(&lease, Outcome::Success).await, first);
    assert_eq!(fixture.store.read_run_events(0).await.unwrap().len(), 1, "one event however often it is said");
}

#[tokio::test]
async fn a_finish_repeated_while_it_is_under_way_counts_once() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let (a, b, c) = tokio::join!(
        fixture.finish(&lease, Outcome::Failure),
        fixture.finish(&lease, Outcome::Failure),
        fixture.finish(&lease, Outcome::Failure)
    );
    assert!(a == b && b == c);
    assert_eq!(fixture.job("job-0").await.failure_count, 1);
}

#[tokio::test]
async fn another_outcome_after_the_first_is_a_lost_lease() {
    let (fixture, lease) = Fixture::with_running_job().await;
    fixture.finish(&lease, Outcome::Success).await;
    let error = fixture.try_finish(&finish(&lease, Outcome::Failure)).await.unwrap_err();
    assert!(matches!(error, StoreError::LeaseLost), "{error:?}");
    assert_eq!(fixture.store.get_run(lease.run_id).await.unwrap().end.unwrap().outcome, Outcome::Success);
}

#[tokio::test]
async fn only_the_exact_token_finishes() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let with_token = |number| LeaseName { fencing_token: FencingToken(number), ..lease.clone() };
    for wrong in [
        with_token(lease.fencing_token.0 - 1), // decided beforehand,
        with_token(lease.fencing_token.0 - 1), // and read first
        with_token(lease.fencing_token.0 + 1),
        LeaseName { run_id: codeimport_core::RunId(lease.run_id.0 + 1), ..lease.clone() },
        LeaseName { job_id: "job-1".parse().unwrap(), ..lease.clone() },
    ] {
        let error = fixture.try_finish(&finish(&wrong, Outcome::Success)).await.unwrap_err();
        assert!(matches!(error, StoreError::LeaseLost), "{error:?}");
    }
    assert!(matches!(fixture.job("job-0").await.state, JobState::Running(_)));
}

#[tokio::test]
async fn an_expired_lease_that_nobody_took_back_can_finish() {
    let (fixture, lease) = Fixture::with_running_job().await;
    fixture.expire(&lease).await;
    assert!(fixture.finish(&lease, Outcome::Success).await.is_some());
}

#[tokio::test]
async fn the_last_log_lines_come_with_the_finish_or_not_at_all() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let last_words = Finish { log_lines: vec![line(1, "done")], ..finish(&lease, Outcome::Success) };
    fixture.try_finish(&last_words).await.unwrap();
    let late = Finish { log_lines: vec![line(2, "late")], ..last_words };
    fixture.try_finish(&late).await.unwrap();
    assert_eq!(fixture.store.read_log(lease.run_id, 0).await.unwrap(), [line(1, "done")]);
}

#[tokio::test]
async fn failures_in_a_row_stop_the_job_and_say_so() {
    let fixture = Fixture::with_due_jobs(1).await;
    let mut last = None;
    for count in 1..=5 {
        let lease = fixture.lease_one().await.lease;
        last = fixture.finish(&lease, Outcome::RemoteBroken).await;
        assert_eq!(fixture.job("job-0").await.failure_count, count);
        fixture.let_time_pass().await;
    }
    assert_eq!(last, None);
    assert_eq!(fixture.job("job-0").await.state, JobState::Stopped { reason: Some(StopReason::FailureLimit) });
}

#[tokio::test]
async fn a_good_run_resets_the_count() {
    let fixture = Fixture::with_due_jobs(1).await;
    for outcome in [Outcome::Failure, Outcome::Failure, Outcome::NoChange] {
        let lease = fixture.lease_one().await.lease;
        fixture.finish(&lease, outcome).await;
        fixture.let_time_pass().await;
    }
    assert_eq!(fixture.job("job-0").await.failure_count, 0);
}

#[tokio::test]
async fn released_job_is_due_at_once_without_penalty() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let place = Timestamp::now();
    fixture.release(&lease).await.unwrap();
    fixture.release(&lease).await.unwrap();
    let job = fixture.job("job-0").await;
    assert!(due_at(&job) < place, "in its old place");
    assert_eq!((job.failure_count, job.reclaim_count, job.after_reclaim), (0, 0, false));
    assert_eq!(fixture.lease(&acquire(1)).await.len(), 1);
}

#[tokio::test]
async fn a_released_request_stays_a_request() {
    let fixture = Fixture::with_due_jobs(2).await;
    fixture.request("job-1", "robin").await.unwrap();
    let requested = fixture.lease_one().await;
    fixture.release(&requested.lease).await.unwrap();
    let again = fixture.lease_one().await;
    assert_eq!((again.lease.job_id.as_str(), again.requested), ("job-1", true));
}

#[tokio::test]
async fn resume_while_running_leads_to_one_more_run() {
    let (fixture, lease) = Fixture::with_running_job().await;
    fixture.put(&resume("job-0", 2)).await;
    fixture.finish(&lease, Outcome::Success).await;
    assert_eq!(fixture.lease(&acquire(1)).await.len(), 1);
}
