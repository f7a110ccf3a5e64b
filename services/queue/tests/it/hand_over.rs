//! A request and a worker that waits are brought together in one statement, within the same limits as in any lease round.

use crate::{
    rpc::{acquire_request, service},
    support::{Fixture, acquire, at_host, policy, put, run_id},
};
use codeimport_core::{Outcome, RcsType};
use codeimport_proto::{
    common,
    queue::{
        FinishRunRequest, RequestRunRequest, lease_service_server::LeaseService as _,
        schedule_service_server::ScheduleService as _,
    },
};
use codeimport_queue::{
    schedule::{Job, JobState, ScheduleState},
    store::{Acquire, GrantedLease, HandedOver, Policy, RunWish, StoreError, Verdict},
};
use futures_util::future::join_all;
use std::time::Duration;
use tonic::Request;

fn wish(job_id: &str) -> RunWish {
    RunWish { job_id: job_id.parse().unwrap(), by: "robin".to_owned() }
}

fn one_a_host() -> Policy {
    let mut policy = policy();
    policy.hosts.limits.max_running = Some(1);
    policy
}

async fn put_active(fixture: &Fixture, host: &str, job_id: &str) {
    fixture.put(&at_host(host, put(job_id, 1, ScheduleState::Active))).await;
}

async fn hand_over(fixture: &Fixture, job_id: &str, taker: &Acquire) -> Option<HandedOver> {
    fixture.store.hand_over(&wish(job_id), taker).await.unwrap()
}

/// What the worker got, and the job as the person who asked is told.
async fn both_told(fixture: &Fixture, handed: Option<HandedOver>) -> (Option<GrantedLease>, Job) {
    let handed = handed.expect("the job waits without a request");
    let granted = handed.granted.clone();
    let requested = fixture.store.requested(handed, &|| ()).await.unwrap().unwrap();
    (granted, requested.job)
}

#[tokio::test]
async fn a_request_hands_the_job_to_a_worker_that_waits() {
    let fixture = Fixture::with_due_jobs(1).await;
    let earlier = fixture.lease_one().await.lease;
    fixture.finish(&earlier, Outcome::Success).await;
    let handed = hand_over(&fixture, "job-0", &acquire(1)).await;
    let (granted, job) = both_told(&fixture, handed).await;
    let granted = granted.expect("nothing limits the host");
    assert!(granted.requested && granted.lease.fencing_token > earlier.fencing_token);
    assert_eq!(run_id(&job), Some(granted.lease.run_id));
    assert_ne!(fixture.beat(&granted.lease).await, Verdict::Lost);
    fixture.finish(&granted.lease, Outcome::Success).await;
    let after = fixture.job("job-0").await;
    assert!(after.request.is_none() && matches!(after.state, JobState::Waiting { .. }), "answered: {after:?}");
    assert!(fixture.lease(&acquire(1)).await.is_empty(), "and not due again before its time");
}

#[tokio::test]
async fn the_worker_finds_by_its_request_what_was_handed_over_while_its_answer_was_lost() {
    let fixture = Fixture::new().await;
    put_active(&fixture, "example.org", "a").await;
    let taker = acquire(1);
    let granted = hand_over(&fixture, "a", &taker).await.unwrap().granted.unwrap();
    assert_eq!(fixture.lease(&taker).await, [granted]);
    put_active(&fixture, "example.org", "b").await;
    let refused = fixture.store.hand_over(&wish("b"), &taker).await.unwrap_err();
    assert!(matches!(refused, StoreError::Db(_)), "its request has been granted something before");
    assert!(fixture.job("b").await.request.is_none(), "nothing was recorded");
}

#[tokio::test]
async fn a_full_host_keeps_the_job_in_its_line_of_requested_ones() {
    let fixture = Fixture::with_policy(one_a_host()).await;
    put_active(&fixture, "small.org", "a").await;
    put_active(&fixture, "small.org", "b").await;
    put_active(&fixture, "other.org", "c").await;
    let first = hand_over(&fixture, "a", &acquire(1)).await.unwrap().granted.expect("the host has room for one");
    let handed = hand_over(&fixture, "b", &acquire(1)).await;
    let (granted, job) = both_told(&fixture, handed).await;
    assert_eq!(granted, None);
    assert_eq!(job.request.unwrap().by, "robin");
    assert!(hand_over(&fixture, "c", &acquire(1)).await.unwrap().granted.is_some(), "another host is not concerned");
    assert!(fixture.lease(&acquire(9)).await.is_empty());
    fixture.finish(&first.lease, Outcome::Success).await;
    assert_eq!(fixture.lease_one().await.lease.job_id.as_str(), "b", "as soon as there is room");
}

#[tokio::test]
async fn two_queues_together_stay_within_the_limit_of_a_host() {
    let fixture = Fixture::with_policy(one_a_host()).await;
    let other = fixture.replica(one_a_host());
    let names: Vec<String> = (0..8).map(|number| format!("job-{number}")).collect();
    for name in &names {
        put_active(&fixture, "small.org", name).await;
    }
    let handed = names.iter().enumerate().map(async |(at, name)| {
        let queue = if at % 2 == 0 { &fixture } else { &other };
        hand_over(queue, name, &acquire(1)).await.expect("nobody else wants this job").granted
    });
    let granted = join_all(handed).await.into_iter().flatten().count();
    assert_eq!(granted, 1, "a host that may run one");
    let waiting = "SELECT count(*) FROM waiting WHERE requested_at IS NOT NULL";
    let waiting: i64 = fixture.client().await.query_one(waiting, &[]).await.unwrap().get(0);
    assert_eq!(usize::try_from(waiting).unwrap() + granted, names.len(), "no request is lost");
}

#[tokio::test]
async fn nothing_of_a_host_in_trouble_is_handed_over() {
    let fixture = Fixture::new().await;
    put_active(&fixture, "example.org", "a").await;
    for trouble in [
        "UPDATE source_host SET breaker = 'open'",
        "UPDATE source_host SET breaker = 'closed', open_at = now() + interval '1 hour'",
        "UPDATE source_host SET open_at = NULL, starts_per_minute = 1",
        "UPDATE source_host SET starts_per_minute = NULL, max_running = 9",
    ] {
        fixture.sql(trouble, &[]).await;
        let handed = hand_over(&fixture, "a", &acquire(1)).await.unwrap();
        assert_eq!(handed.granted, None, "{trouble}");
        fixture.sql("UPDATE waiting SET requested_at = NULL, requested_by = NULL", &[]).await;
    }
    fixture.sql("UPDATE source_host SET max_running = NULL", &[]).await;
    assert!(hand_over(&fixture, "a", &acquire(1)).await.unwrap().granted.is_some());
}

#[tokio::test]
async fn types_with_a_limit_and_those_that_the_worker_cannot_do_are_left_to_the_lease_rounds() {
    let mut limited = policy();
    limited.type_limits.insert(RcsType::Git, 5);
    let fixture = Fixture::with_policy(limited).await;
    put_active(&fixture, "example.org", "a").await;
    assert_eq!(hand_over(&fixture, "a", &acquire(1)).await.unwrap().granted, None);
    assert_eq!(fixture.lease_one().await.lease.job_id.as_str(), "a");
    let fixture = Fixture::new().await;
    put_active(&fixture, "example.org", "a").await;
    let other = Acquire { rcs_types: vec![RcsType::Cvs], ..acquire(1) };
    assert_eq!(hand_over(&fixture, "a", &other).await.unwrap().granted, None);
}

#[tokio::test]
async fn what_runs_was_requested_before_or_does_not_run_by_itself_goes_another_way() {
    let fixture = Fixture::with_due_jobs(1).await;
    put_active(&fixture, "example.org", "requested").await;
    fixture.request("requested", "marian").await.unwrap();
    fixture.put(&put("stopped", 1, ScheduleState::Suspended)).await;
    let running = fixture.lease(&acquire(9)).await;
    assert_eq!(running.len(), 2);
    fixture.release(&running.iter().find(|one| one.requested).unwrap().lease).await.unwrap();
    for job_id in ["job-0", "requested", "stopped", "unheard-of"] {
        assert!(hand_over(&fixture, job_id, &acquire(1)).await.is_none(), "{job_id}");
    }
}

#[tokio::test]
async fn a_worker_that_waits_has_a_requested_job_and_one_that_got_nothing_goes_on_waiting() {
    let fixture = Fixture::with_policy(one_a_host()).await;
    let service = service(&fixture);
    let wait = || service.leases.acquire_leases(Request::new(acquire_request(Duration::from_secs(60))));
    let request = |job_id: &str| {
        let request = RequestRunRequest { job_id: job_id.to_owned(), requested_by: "robin".to_owned() };
        service.schedules.request_run(Request::new(request))
    };
    for job_id in ["a", "b"] {
        put_active(&fixture, "small.org", job_id).await;
        let lease = fixture.lease_one().await.lease;
        fixture.finish(&lease, Outcome::NoChange).await;
    }
    let (leased, requested) = tokio::join!(wait(), request("a"));
    let leased = leased.unwrap().into_inner().leases.remove(0);
    assert!(leased.job_id == "a" && leased.requested && requested.unwrap().into_inner().after_run_id < leased.run_id);
    let ended = async {
        request("b").await.unwrap();
        let outcome = common::Outcome::NoChange.into();
        let finish = FinishRunRequest { lease_token: leased.lease_token, outcome, ..Default::default() };
        service.leases.finish_run(Request::new(finish)).await.unwrap();
    };
    let (leased, ()) = tokio::join!(wait(), ended);
    assert_eq!(leased.unwrap().into_inner().leases.remove(0).job_id, "b", "when the host had room again");
}
