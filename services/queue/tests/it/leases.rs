//! Who gets which job.

use crate::support::{Fixture, acquire, at_host, policy, put};
use codeimport_core::{Outcome, RcsType};
use codeimport_pg::DbError;
use codeimport_queue::{
    schedule::ScheduleState,
    store::{Acquire, GrantedLease},
};
use scoped_futures::ScopedFutureExt as _;
use std::{
    collections::HashSet,
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

fn names(leases: &[GrantedLease]) -> Vec<&str> {
    leases.iter().map(|lease| lease.lease.job_id.as_str()).collect()
}

#[tokio::test]
async fn two_workers_never_lease_the_same_job() {
    let fixture = Fixture::with_due_jobs(40).await;
    let requests: Vec<_> = (0..8).map(|_| acquire(6)).collect();
    let workers = requests.iter().map(|request| fixture.try_lease(request));
    let leases: Vec<_> = futures_util::future::join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    let mut rest = fixture.lease(&acquire(100)).await;
    rest.extend(leases);
    assert_eq!(names(&rest).into_iter().collect::<HashSet<_>>().len(), 40);
    assert_eq!(rest.len(), 40);
    let tokens: HashSet<_> = rest.iter().map(|lease| lease.lease.fencing_token).collect();
    assert_eq!(tokens.len(), 40);
}

/// What a round leases while somebody has locked this, of two due jobs at two hosts.
async fn leased_beside_a_lock(fixture: &Fixture, lock: &'static str) -> Vec<String> {
    for host in ["busy.org", "free.org"] {
        fixture.put(&at_host(host, put(&host.replace('.', "-"), 1, ScheduleState::Active))).await;
    }
    let (locked, locked_seen) = oneshot::channel();
    let (go_on, told_to_go_on) = oneshot::channel::<()>();
    let signals = Mutex::new(Some((locked, told_to_go_on)));
    let db = fixture.database.db("queue");
    let holder = db.run_tx("test.hold", |tx| {
        let (locked, told_to_go_on) = signals.lock().unwrap().take().unwrap();
        async move {
            tx.query(lock, &[]).await?;
            locked.send(()).unwrap();
            told_to_go_on.await.unwrap();
            Ok::<_, DbError>(())
        }
        .scope_boxed()
    });
    let leaser = async {
        locked_seen.await.unwrap();
        let leased = fixture.lease(&acquire(2)).await;
        go_on.send(()).unwrap();
        leased
    };
    let (held, leased) = tokio::join!(holder, leaser);
    held.unwrap();
    names(&leased).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_job_locked_by_somebody_is_skipped_not_waited_for_and_not_forgotten() {
    let fixture = Fixture::new().await;
    let lock = "SELECT FROM waiting WHERE job_no = (SELECT job_no FROM job WHERE job_id = 'busy-org') FOR UPDATE";
    assert_eq!(leased_beside_a_lock(&fixture, lock).await, ["free-org"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while fixture.lease(&acquire(1)).await.is_empty() {
        assert!(Instant::now() < deadline, "it is looked for again");
    }
}

#[tokio::test]
async fn a_host_with_limits_locked_by_somebody_is_skipped_and_not_waited_for() {
    let mut policy = policy();
    policy.hosts.limits.max_running = Some(5);
    let fixture = Fixture::with_policy(policy).await;
    let lock = "SELECT FROM source_host WHERE name = 'busy.org' FOR UPDATE";
    assert_eq!(leased_beside_a_lock(&fixture, lock).await, ["free-org"]);
}

#[tokio::test]
async fn the_longest_due_comes_first_and_no_more_than_asked_for() {
    let fixture = Fixture::with_due_jobs(5).await;
    let mut leases = fixture.lease(&acquire(3)).await;
    leases.sort_by_key(|lease| lease.lease.fencing_token);
    assert_eq!(names(&leases), ["job-0", "job-1", "job-2"]);
}

#[tokio::test]
async fn a_flood_of_requests_is_bounded_by_the_slots() {
    let fixture = Fixture::with_due_jobs(4).await;
    for job_id in ["job-1", "job-2", "job-3"] {
        fixture.request(job_id, "robin").await.unwrap();
    }
    assert_eq!(fixture.lease(&acquire(2)).await.len(), 2);
    let rest = fixture.lease(&acquire(5)).await;
    assert_eq!(rest.len(), 2, "one requested, one scheduled");
}

#[tokio::test]
async fn a_worker_gets_only_what_it_can_do() {
    let fixture = Fixture::with_due_jobs(1).await;
    let other = Acquire { rcs_types: vec![RcsType::Cvs, RcsType::Subversion], ..acquire(5) };
    assert!(fixture.lease(&other).await.is_empty());
    assert_eq!(fixture.lease(&acquire(5)).await.len(), 1);
}

#[tokio::test]
async fn a_job_that_is_not_due_is_not_leased() {
    let fixture = Fixture::with_due_jobs(1).await;
    fixture.make_due("job-0", -2.0).await;
    let leased = fixture.store.acquire_leases(&[acquire(1)]).await.unwrap();
    assert!(leased.granted[0].is_empty());
    let due_in = leased.next_turn_in.unwrap();
    assert!(due_in <= Duration::from_secs(2), "so that whoever waits looks in time: {due_in:?}");
    fixture.make_due("job-0", -3600.0).await;
    assert_eq!(fixture.store.acquire_leases(&[acquire(1)]).await.unwrap().next_turn_in, None);
}

#[tokio::test]
async fn repeated_request_id_returns_the_same_leases() {
    let fixture = Fixture::with_due_jobs(4).await;
    let request = acquire(2);
    let first = fixture.lease(&request).await;
    assert_eq!(sorted(fixture.lease(&request).await), sorted(first));
    let (a, b, c) = tokio::join!(fixture.lease(&request), fixture.lease(&request), fixture.lease(&request));
    assert_eq!((a.len(), b.len(), c.len()), (2, 2, 2));
}

#[tokio::test]
async fn a_request_repeated_while_it_is_under_way_is_granted_once() {
    let fixture = Fixture::with_due_jobs(4).await;
    let request = acquire(2);
    let (a, b, c) = tokio::join!(fixture.lease(&request), fixture.lease(&request), fixture.lease(&request));
    assert_eq!(sorted(a.clone()), sorted(b));
    assert_eq!(sorted(a), sorted(c));
    assert_eq!(fixture.lease(&acquire(5)).await.len(), 2, "the other two are still to be had");
}

#[tokio::test]
async fn a_repeated_request_returns_only_what_is_still_held() {
    let fixture = Fixture::with_due_jobs(3).await;
    let request = acquire(2);
    let first = fixture.lease(&request).await;
    fixture.finish(&first[0].lease, Outcome::Success).await;
    fixture.reclaim(&first[1].lease).await;
    assert!(fixture.lease(&request).await.is_empty());
}

#[tokio::test]
async fn another_worker_cannot_take_leases_over_by_the_request_id() {
    let fixture = Fixture::with_due_jobs(1).await;
    let request = acquire(1);
    fixture.lease(&request).await;
    let thief = Acquire { worker_id: "thief".to_owned(), ..request };
    assert!(fixture.lease(&thief).await.is_empty());
}

#[tokio::test]
async fn run_ids_and_fencing_tokens_rise() {
    let fixture = Fixture::with_due_jobs(1).await;
    let first = fixture.lease_one().await;
    fixture.finish(&first.lease, Outcome::Partial).await;
    let second = fixture.lease_one().await;
    assert!(second.lease.run_id > first.lease.run_id);
    assert!(second.lease.fencing_token > first.lease.fencing_token);
}

#[tokio::test]
async fn the_database_itself_refuses_a_second_holder() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let error = fixture
        .client()
        .await
        .execute(
            "INSERT INTO lease (job_no, job_id, generation, host_id, rcs_type, worker_id, worker_version, request_id,
                                due_at, after_reclaim, started_at, heartbeat_at, expires_at, progress_at)
             SELECT job_no, job_id, generation, host_id, rcs_type, 'other', '', request_id, due_at, false, now(), now(), now(), now()
               FROM lease WHERE run_id = $1",
            &[&lease.run_id.0],
        )
        .await
        .unwrap_err();
    assert_eq!(error.unique_violation(), Some("lease_one_per_job"));
}

#[tokio::test]
async fn a_suspended_job_is_not_leased() {
    let fixture = Fixture::with_due_jobs(1).await;
    fixture.put(&put("job-0", 2, ScheduleState::Suspended)).await;
    assert!(fixture.lease(&acquire(1)).await.is_empty());
}

fn sorted(mut leases: Vec<GrantedLease>) -> Vec<GrantedLease> {
    leases.sort_by_key(|lease| lease.lease.run_id);
    leases
}
