//! What the registry and people may say of a job.

use crate::support::{Fixture, acquire, due_at, put, resume, run_id};
use codeimport_core::Outcome;
use codeimport_queue::{
    schedule::{JobState, ScheduleState, StopReason},
    store::{RunWish, StoreError, Verdict},
};
use jiff::Timestamp;
use std::sync::atomic::{AtomicU32, Ordering};

#[tokio::test]
async fn older_generation_changes_nothing() {
    let fixture = Fixture::new().await;
    let (_, newest) = fixture.put(&put("a", 7, ScheduleState::Suspended)).await;
    for late in [put("a", 6, ScheduleState::Active), put("a", 7, ScheduleState::Active), resume("a", 3)] {
        assert_eq!(fixture.put(&late).await, (false, newest.clone()));
    }
}

#[tokio::test]
async fn a_tombstone_refuses_the_messages_it_outlived() {
    let fixture = Fixture::new().await;
    // The deletion overtakes the creation.
    fixture.put(&put("a", 9, ScheduleState::Deleted)).await;
    let (applied, _) = fixture.put(&put("a", 3, ScheduleState::Active)).await;
    assert!(!applied);
    assert!(fixture.lease(&acquire(1)).await.is_empty());
}

#[tokio::test]
async fn schedules_that_arrive_together_end_with_the_newest() {
    let fixture = Fixture::new().await;
    let (store, puts) = (&fixture.store, [1, 4, 2, 5, 3].map(|generation| put("a", generation, ScheduleState::Active)));
    let (a, b, c, d, e) = tokio::join!(
        store.put_schedule(&puts[0]),
        store.put_schedule(&puts[1]),
        store.put_schedule(&puts[2]),
        store.put_schedule(&puts[3]),
        store.put_schedule(&puts[4]),
    );
    for result in [a, b, c, d, e] {
        result.unwrap();
    }
    assert_eq!(fixture.job("a").await.generation, 5);
}

#[tokio::test]
async fn suspended_while_running_gets_no_successor() {
    let (fixture, lease) = Fixture::with_running_job().await;
    fixture.put(&put("job-0", 2, ScheduleState::Suspended)).await;
    assert!(matches!(fixture.beat(&lease).await, Verdict::Extended(_)), "the run may finish");
    assert_eq!(fixture.finish(&lease, Outcome::Success).await, None);
    assert_eq!(fixture.job("job-0").await.state, JobState::Stopped { reason: None });
}

#[tokio::test]
async fn reapproved_while_running_is_one_job() {
    let (fixture, lease) = Fixture::with_running_job().await;
    fixture.put(&put("job-0", 2, ScheduleState::Suspended)).await;
    fixture.put(&put("job-0", 3, ScheduleState::Active)).await;
    assert_eq!(run_id(&fixture.job("job-0").await), Some(lease.run_id), "still the same run");
    assert!(fixture.lease(&acquire(5)).await.is_empty());
    let next = fixture.finish(&lease, Outcome::Success).await;
    assert_eq!(next, Some(due_at(&fixture.job("job-0").await)));
}

#[tokio::test]
async fn deleted_while_running_is_cancelled_with_the_next_heartbeat() {
    let (fixture, lease) = Fixture::with_running_job().await;
    fixture.put(&put("job-0", 2, ScheduleState::Deleted)).await;
    assert!(matches!(fixture.beat(&lease).await, Verdict::Cancel(..)));
    assert_eq!(fixture.finish(&lease, Outcome::Cancelled).await, None);
    assert_eq!(fixture.job("job-0").await.state, JobState::Stopped { reason: None });
}

#[tokio::test]
async fn a_job_that_the_queue_stopped_runs_again_only_by_resume() {
    let (fixture, lease) = Fixture::with_running_job().await;
    assert_eq!(fixture.finish(&lease, Outcome::Invalid).await, None);
    let stopped = JobState::Stopped { reason: Some(StopReason::PermanentFailure) };
    assert_eq!(fixture.job("job-0").await.state, stopped);
    assert_eq!(fixture.put(&put("job-0", 2, ScheduleState::Active)).await.1.state, stopped);
    let (_, resumed) = fixture.put(&resume("job-0", 3)).await;
    assert_eq!(resumed.failure_count, 0);
    assert_eq!(fixture.lease(&acquire(1)).await.len(), 1);
}

#[tokio::test]
async fn requested_job_runs_before_older_scheduled_one() {
    let fixture = Fixture::with_due_jobs(3).await;
    fixture.request("job-2", "robin").await.unwrap();
    let first = fixture.lease_one().await;
    assert_eq!((first.lease.job_id.as_str(), first.requested), ("job-2", true));
    let second = fixture.lease_one().await;
    assert_eq!((second.lease.job_id.as_str(), second.requested), ("job-0", false));
}

#[tokio::test]
async fn request_on_overdue_job_keeps_its_place() {
    let fixture = Fixture::with_due_jobs(1).await;
    let before = due_at(&fixture.job("job-0").await);
    let requested = fixture.request("job-0", "robin").await.unwrap();
    assert_eq!(due_at(&requested.job), before);
    assert_eq!(requested.after_run_id, None);
}

#[tokio::test]
async fn request_makes_a_job_due_that_was_not() {
    let (fixture, lease) = Fixture::with_running_job().await;
    fixture.finish(&lease, Outcome::Success).await;
    assert!(fixture.lease(&acquire(1)).await.is_empty(), "not due for hours");
    let requested = fixture.request(lease.job_id.as_str(), "robin").await.unwrap();
    assert_eq!(requested.after_run_id, Some(lease.run_id));
    assert!(fixture.lease_one().await.lease.run_id > lease.run_id);
}

#[tokio::test]
async fn requests_while_running_lead_to_one_more_run() {
    let (fixture, lease) = Fixture::with_running_job().await;
    for person in ["robin", "kim"] {
        let requested = fixture.request(lease.job_id.as_str(), person).await.unwrap();
        assert_eq!(requested.after_run_id, Some(lease.run_id));
        assert_eq!(requested.job.request.unwrap().by, "robin", "asking twice is asking once");
    }
    fixture.finish(&lease, Outcome::NoChange).await;
    let second = fixture.lease_one().await;
    assert!(second.requested);
    fixture.finish(&second.lease, Outcome::NoChange).await;
    assert!(due_at(&fixture.job("job-0").await) > Timestamp::now());
}

#[tokio::test]
async fn a_stopped_job_cannot_be_requested_and_a_deleted_one_is_gone() {
    let fixture = Fixture::new().await;
    fixture.put(&put("stopped", 1, ScheduleState::Suspended)).await;
    fixture.put(&put("deleted", 2, ScheduleState::Deleted)).await;
    let refused = async |job_id: &str| fixture.request(job_id, "robin").await.unwrap_err();
    assert!(matches!(refused("stopped").await, StoreError::JobStopped(_)));
    assert!(matches!(refused("deleted").await, StoreError::JobNotFound(_)));
    assert!(matches!(refused("unheard-of").await, StoreError::JobNotFound(_)));
}

#[tokio::test]
async fn whoever_waits_hears_of_a_request_before_it_is_answered() {
    let fixture = Fixture::with_due_jobs(2).await;
    fixture.request("job-0", "robin").await.unwrap();
    let lease = fixture.lease_one().await.lease;
    fixture.finish(&lease, Outcome::NoChange).await;
    let told = AtomicU32::new(0);
    let tell = || {
        told.fetch_add(1, Ordering::Relaxed);
    };
    let wish = |job_id: &str, by: &str| RunWish { job_id: job_id.parse().unwrap(), by: by.to_owned() };
    let wishes = [wish("job-0", "robin"), wish("nobody-knows-it", "robin"), wish("job-0", "marian")];
    let answers = fixture.store.request_runs(&wishes, &tell).await.unwrap();
    let by = |at: usize| answers[at].as_ref().map(|requested| requested.job.request.clone().unwrap().by);
    assert_eq!((by(0).unwrap(), by(2).unwrap()), ("robin".to_owned(), "robin".to_owned()), "asked twice is asked once");
    assert!(matches!(answers[1], Err(StoreError::JobNotFound(_))));
    assert!(told.load(Ordering::Relaxed) > 0);
    assert_eq!(fixture.lease_one().await.lease.job_id.as_str(), "job-0", "before what has been due for longer");
}
