//! Hosts and owners take turns, and hosts in trouble are left alone.

use crate::support::{Fixture, HOUR, acquire, at_host, finish, policy, put};
use codeimport_core::{Outcome, RcsType};
use codeimport_queue::{
    host::HostLimits,
    schedule::ScheduleState,
    store::{Finish, GrantedLease, Policy, SetHostLimits},
};
use std::{collections::BTreeMap, time::Duration};

/// Jobs `name-0` and so on, all due, at one host.
async fn put_many(fixture: &Fixture, host: &str, name: &str, count: u32) {
    for number in 0..count {
        fixture.put(&at_host(host, put(&format!("{name}-{number}"), 1, ScheduleState::Active))).await;
    }
}

fn limited(max_running: u32) -> Policy {
    let mut policy = policy();
    policy.hosts.limits.max_running = Some(max_running);
    policy
}

fn of(leases: &[GrantedLease], name: &str) -> usize {
    leases.iter().filter(|lease| lease.lease.job_id.as_str().starts_with(name)).count()
}

#[tokio::test]
async fn a_host_never_runs_more_than_its_limit() {
    let fixture = Fixture::with_policy(limited(2)).await;
    put_many(&fixture, "small.org", "a", 5).await;
    let leases = fixture.lease(&acquire(10)).await;
    assert_eq!(leases.len(), 2);
    assert!(fixture.lease(&acquire(10)).await.is_empty());
    fixture.finish(&leases[0].lease, Outcome::Success).await;
    assert_eq!(fixture.lease(&acquire(10)).await.len(), 1);
    fixture.reclaim(&leases[1].lease).await;
    assert_eq!(fixture.lease(&acquire(10)).await.len(), 1, "a reclaim makes room, too");
}

#[tokio::test]
async fn one_host_with_a_million_due_jobs_delays_another_by_two_rounds_at_most() {
    let fixture = Fixture::new().await;
    put_many(&fixture, "flood.org", "flood", 1).await;
    fixture.crowd("flood-0", 100_000).await;
    for _ in 0..3 {
        assert_eq!(fixture.lease(&acquire(10)).await.len(), 10);
    }
    put_many(&fixture, "calm.org", "calm", 1).await;
    let mut rounds = fixture.lease(&acquire(1)).await;
    rounds.extend(fixture.lease(&acquire(1)).await);
    assert_eq!(of(&rounds, "calm"), 1);
}

#[tokio::test]
async fn owners_take_turns_at_a_host() {
    let fixture = Fixture::new().await;
    put_many(&fixture, "big.org", "busy", 1).await;
    fixture.crowd("busy-0", 500).await;
    let mut other = at_host("big.org", put("other", 1, ScheduleState::Active));
    other.schedule.owner = "robin".to_owned();
    fixture.put(&other).await;
    assert_eq!(of(&fixture.lease(&acquire(2)).await, "other"), 1);
}

#[tokio::test]
async fn what_people_ask_for_goes_before_a_flood_and_does_not_starve_it() {
    let fixture = Fixture::new().await;
    put_many(&fixture, "flood.org", "flood", 1).await;
    fixture.crowd("flood-0", 500).await;
    put_many(&fixture, "asked.org", "asked", 20).await;
    for number in 0..20 {
        fixture.request(&format!("asked-{number}"), "robin").await.unwrap();
    }
    assert_eq!(of(&fixture.lease(&acquire(1)).await, "asked"), 1);
    let mut leases = Vec::new();
    for _ in 0..20 {
        leases.extend(fixture.lease(&acquire(1)).await);
    }
    assert_eq!((of(&leases, "asked"), of(&leases, "flood")), (16, 4));
}

#[tokio::test]
async fn a_tripped_host_lets_one_probe_through() {
    let fixture = Fixture::new().await;
    put_many(&fixture, "ill.org", "ill", 8).await;
    for lease in fixture.lease(&acquire(3)).await {
        fixture.finish(&lease.lease, Outcome::Unavailable).await;
    }
    assert!(fixture.lease(&acquire(9)).await.is_empty(), "left alone");
    fixture.let_time_pass().await;
    let probe = fixture.lease(&acquire(9)).await;
    assert_eq!(probe.len(), 1);
    assert!(fixture.lease(&acquire(9)).await.is_empty(), "one is out");
    fixture.finish(&probe[0].lease, Outcome::NoChange).await;
    assert_eq!(fixture.lease(&acquire(9)).await.len(), 7, "and all others once it is well");
    assert_eq!(fixture.job("ill-0").await.failure_count, 0);
}

#[tokio::test]
async fn a_probe_that_dies_makes_room_for_another() {
    let fixture = Fixture::new().await;
    put_many(&fixture, "ill.org", "ill", 5).await;
    for lease in fixture.lease(&acquire(3)).await {
        fixture.finish(&lease.lease, Outcome::Unavailable).await;
    }
    fixture.let_time_pass().await;
    let probe = fixture.lease_one().await;
    fixture.reclaim(&probe.lease).await;
    assert_eq!(fixture.lease(&acquire(9)).await.len(), 1);
}

#[tokio::test]
async fn retry_after_is_honoured_for_the_whole_host_and_for_no_other() {
    let fixture = Fixture::new().await;
    put_many(&fixture, "tired.org", "tired", 3).await;
    let lease = fixture.lease_one().await.lease;
    let throttled = Finish { retry_after: Some(HOUR / 2), ..finish(&lease, Outcome::Throttled) };
    fixture.try_finish(&throttled).await.unwrap();
    put_many(&fixture, "fresh.org", "fresh", 1).await;
    let leases = fixture.lease(&acquire(9)).await;
    assert_eq!((leases.len(), of(&leases, "fresh")), (1, 1));
    let pause = fixture.store.acquire_leases(&[acquire(1)]).await.unwrap().next_turn_in.unwrap();
    assert!((HOUR / 2 - Duration::from_secs(60)..=HOUR / 2).contains(&pause), "{pause:?}");
}

#[tokio::test]
async fn starts_at_a_host_are_spaced() {
    let mut policy = policy();
    policy.hosts.limits.starts_per_minute = Some(2);
    let fixture = Fixture::with_policy(policy).await;
    put_many(&fixture, "slow.org", "slow", 4).await;
    assert_eq!(fixture.lease(&acquire(9)).await.len(), 1);
    assert!(fixture.lease(&acquire(9)).await.is_empty());
    fixture.let_time_pass().await;
    assert_eq!(fixture.lease(&acquire(9)).await.len(), 1);
}

#[tokio::test]
async fn a_type_at_its_limit_waits_and_others_go_on() {
    let policy = Policy { type_limits: BTreeMap::from([(RcsType::Git, 1)]), ..policy() };
    let fixture = Fixture::with_policy(policy).await;
    put_many(&fixture, "git.org", "git", 3).await;
    let mut svn = at_host("svn.org", put("svn", 1, ScheduleState::Active));
    svn.schedule.rcs_type = RcsType::Subversion;
    fixture.put(&svn).await;
    let both = codeimport_queue::store::Acquire { rcs_types: vec![RcsType::Git, RcsType::Subversion], ..acquire(9) };
    let leases = fixture.lease(&both).await;
    assert_eq!((of(&leases, "git"), of(&leases, "svn")), (1, 1));
    assert!(fixture.lease(&acquire(9)).await.is_empty());
    let git = leases.iter().find(|lease| lease.rcs_type == RcsType::Git).unwrap();
    fixture.finish(&git.lease, Outcome::Success).await;
    assert_eq!(fixture.lease(&acquire(9)).await.len(), 1);
}

#[tokio::test]
async fn a_job_that_moves_to_another_host_waits_there() {
    let fixture = Fixture::with_policy(limited(1)).await;
    put_many(&fixture, "old.org", "a", 2).await;
    let running = fixture.lease_one().await;
    let waits = if running.lease.job_id.as_str() == "a-0" { "a-1" } else { "a-0" };
    assert!(fixture.lease(&acquire(9)).await.is_empty());
    fixture.put(&at_host("new.org", put(waits, 2, ScheduleState::Active))).await;
    assert_eq!(of(&fixture.lease(&acquire(9)).await, waits), 1);
    // The run under way counts for the host that it was leased for.
    fixture.put(&at_host("new.org", put(running.lease.job_id.as_str(), 2, ScheduleState::Active))).await;
    fixture.finish(&running.lease, Outcome::Partial).await;
    assert!(fixture.lease(&acquire(9)).await.is_empty(), "its new host is full");
}

#[tokio::test]
async fn operators_limits_count_at_once_in_both_directions() {
    let fixture = Fixture::with_policy(limited(1)).await;
    put_many(&fixture, "wide.org", "wide", 5).await;
    let set = |max_running| SetHostLimits {
        name: "wide.org".to_owned(),
        limits: HostLimits { max_running: Some(max_running), starts_per_minute: None },
        by: "robin".to_owned(),
        reason: "agreed with them".to_owned(),
    };
    assert_eq!(fixture.lease(&acquire(9)).await.len(), 1);
    let report = fixture.store.set_host_limits(&set(3)).await.unwrap();
    assert_eq!((report.limits.max_running, report.limits_set.unwrap().by), (Some(3), "robin".to_owned()));
    assert_eq!(fixture.lease(&acquire(9)).await.len(), 2);
    fixture.store.set_host_limits(&set(0)).await.unwrap();
    assert!(fixture.lease(&acquire(9)).await.is_empty());
    assert_eq!(fixture.store.list_hosts("", 10).await.unwrap()[0].host.running_count, 3);
}

#[tokio::test]
async fn a_breaker_that_was_reset_lets_all_start() {
    let fixture = Fixture::new().await;
    put_many(&fixture, "ill.org", "ill", 6).await;
    for lease in fixture.lease(&acquire(3)).await {
        fixture.finish(&lease.lease, Outcome::Unavailable).await;
    }
    assert!(fixture.lease(&acquire(9)).await.is_empty());
    fixture.store.reset_host_breaker("ill.org").await.unwrap();
    assert_eq!(fixture.lease(&acquire(9)).await.len(), 3);
}
