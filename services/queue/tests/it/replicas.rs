//! Several queues on one database share nothing else: each has a board of its own, and what they do together is right.

use crate::support::{Fixture, HOUR, acquire, at_host, finish, policy, put};
use codeimport_core::Outcome;
use codeimport_queue::{
    schedule::ScheduleState,
    store::{End, Finish, GrantedLease, StoreError},
};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

async fn put_at_one_host(fixture: &Fixture, count: usize) {
    for number in 0..count {
        fixture.put(&at_host("one.org", put(&format!("job-{number}"), 1, ScheduleState::Active))).await;
    }
}

/// What both get who ask at the same time.
async fn leased_by_both(one: &Fixture, other: &Fixture, each: u32) -> Vec<GrantedLease> {
    let (asked, other_asked) = (acquire(each), acquire(each));
    let (mut leased, others) = tokio::join!(one.lease(&asked), other.lease(&other_asked));
    leased.extend(others);
    leased
}

#[tokio::test]
async fn two_replicas_never_lease_the_same_job_and_leave_none() {
    let one = Fixture::with_due_jobs(60).await;
    let other = one.replica(policy());
    let (mut leased, deadline) = (Vec::new(), Instant::now() + Duration::from_secs(20));
    while leased.len() < 60 {
        assert!(Instant::now() < deadline, "{} leased", leased.len());
        leased.extend(leased_by_both(&one, &other, 7).await);
    }
    let names: HashSet<_> = leased.iter().map(|lease| &lease.lease.job_id).collect();
    assert_eq!((leased.len(), names.len()), (60, 60));
}

#[tokio::test]
async fn two_replicas_together_stay_within_a_hosts_limit() {
    let mut limited = policy();
    limited.hosts.limits.max_running = Some(5);
    let one = Fixture::with_policy(limited.clone()).await;
    let other = one.replica(limited);
    put_at_one_host(&one, 40).await;
    let mut running = Vec::new();
    for _ in 0..12 {
        running.extend(leased_by_both(&one, &other, 3).await);
        assert!(running.len() <= 5);
        if let Some(lease) = running.pop() {
            other.finish(&lease.lease, Outcome::NoChange).await;
        }
    }
}

#[tokio::test]
async fn what_one_replica_writes_the_other_leases_a_moment_later() {
    let one = Fixture::new().await;
    let other = one.replica(policy());
    assert!(other.lease(&acquire(9)).await.is_empty(), "it has looked, and knows of nothing");
    put_at_one_host(&one, 1).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while other.lease(&acquire(1)).await.is_empty() {
        assert!(Instant::now() < deadline, "it looks again");
    }
}

#[tokio::test]
async fn a_replica_ends_what_another_has_leased_once() {
    let one = Fixture::with_due_jobs(1).await;
    let other = one.replica(policy());
    let lease = one.lease_one().await.lease;
    let next_due = other.finish(&lease, Outcome::Success).await;
    assert_eq!(one.finish(&lease, Outcome::Success).await, next_due, "a repeat");
    let other_end = Finish { retry_after: Some(HOUR), ..finish(&lease, Outcome::Throttled) };
    let refused = one.store.end_held(&[End::Finish(other_end)]).await.answers.remove(0);
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
}

#[tokio::test]
async fn a_schedule_changed_at_another_replica_is_what_the_end_of_the_run_goes_by() {
    let one = Fixture::with_due_jobs(1).await;
    let other = one.replica(policy());
    let lease = one.lease_one().await.lease;
    other.put(&put("job-0", 2, ScheduleState::Suspended)).await;
    assert_eq!(one.finish(&lease, Outcome::Success).await, None, "it does not run again");
}

#[tokio::test]
async fn a_repeated_request_finds_at_another_replica_what_it_was_granted() {
    let one = Fixture::with_due_jobs(3).await;
    let other = one.replica(policy());
    let request = acquire(2);
    let leased = one.lease(&request).await;
    assert_eq!(other.lease(&request).await, leased, "though there is more to lease");
}
