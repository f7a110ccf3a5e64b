//! A job says why it is due when it is, and what it waits for now.

use crate::{
    rpc::{acquire_request, service},
    support::{Fixture, HOUR, at_host, finish, policy, put, resume},
};
use codeimport_core::{DueReason, Outcome, RcsType, WaitReason};
use codeimport_kit::reason_of;
use codeimport_proto::{
    common::ErrorReason,
    queue::{
        self as wire, ExplainScheduleRequest, GetStatsRequest, lease_service_server::LeaseService as _,
        schedule_service_server::ScheduleService as _, stats_service_server::StatsService as _,
    },
};
use codeimport_queue::{
    explain::Facts,
    host::HostLimits,
    schedule::ScheduleState,
    store::{Finish, Policy},
    workers::Workers,
};
use std::{collections::BTreeMap, time::Duration};
use tonic::Request;

impl Fixture {
    async fn facts(&self, job_id: &str) -> Facts {
        self.store.explain_schedule(&job_id.parse().unwrap()).await.unwrap()
    }

    /// What a job waits for, and the sentence that says so.
    async fn waits(&self, job_id: &str) -> (Option<WaitReason>, String) {
        let facts = self.facts(job_id).await;
        (facts.wait_reason(self.store.host_policy()), facts.sentence(self.store.host_policy()))
    }

    async fn due_reason(&self, job_id: &str) -> DueReason {
        self.facts(job_id).await.due_reason.expect("it waits")
    }

    /// A worker that can do Git takes jobs.
    async fn has_worker(&self) {
        let heard = Workers::default();
        heard.heard_asking("w", "1", &[RcsType::Git]);
        self.store.sight_workers(&heard.take_heard()).await.unwrap();
    }

    async fn with_worker_and_jobs(policy: Policy, jobs: &[&str]) -> Self {
        let fixture = Self::with_policy(policy).await;
        fixture.has_worker().await;
        for job_id in jobs {
            fixture.put(&at_host("a.org", put(job_id, 1, ScheduleState::Active))).await;
        }
        fixture
    }
}

#[tokio::test]
async fn the_reason_for_the_due_time_is_kept_with_the_job() {
    let fixture = Fixture::with_worker_and_jobs(policy(), &["a"]).await;
    assert_eq!(fixture.due_reason("a").await, DueReason::New);
    for (outcome, reason) in [
        (Outcome::Success, DueReason::Interval),
        (Outcome::Failure, DueReason::Backoff),
        (Outcome::Partial, DueReason::Partial),
        (Outcome::Unavailable, DueReason::HostTrouble),
    ] {
        fixture.let_time_pass().await;
        let lease = fixture.lease_one().await.lease;
        assert_eq!(fixture.waits("a").await.0, None, "it runs");
        fixture.finish(&lease, outcome).await;
        assert_eq!(fixture.due_reason("a").await, reason, "{outcome:?}");
    }
    fixture.request("a", "robin").await.unwrap();
    assert_eq!(fixture.due_reason("a").await, DueReason::Requested);
    assert!(fixture.waits("a").await.1.starts_with("robin asked for a run."));
    let lease = fixture.lease_one().await.lease;
    fixture.release(&lease).await.unwrap();
    assert_eq!(fixture.due_reason("a").await, DueReason::Released);
    let lease = fixture.lease_one().await.lease;
    fixture.reclaim(&lease).await;
    assert_eq!(fixture.due_reason("a").await, DueReason::Reclaimed);
    fixture.put(&at_host("a.org", resume("a", 2))).await;
    assert_eq!(fixture.due_reason("a").await, DueReason::Resumed);
    fixture.put(&at_host("a.org", put("a", 3, ScheduleState::Active))).await;
    assert_eq!(fixture.due_reason("a").await, DueReason::Resumed, "nothing has changed for it");
}

#[tokio::test]
async fn a_job_that_is_not_due_or_stopped_says_so() {
    let fixture = Fixture::with_worker_and_jobs(policy(), &["a"]).await;
    fixture.make_due("a", -3600.0).await;
    assert_eq!(fixture.waits("a").await.0, Some(WaitReason::NotDue));
    fixture.put(&put("a", 2, ScheduleState::Suspended)).await;
    assert_eq!(fixture.waits("a").await, (Some(WaitReason::Stopped), "It is suspended.".to_owned()));
}

#[tokio::test]
async fn a_job_that_no_worker_can_do_says_so() {
    let fixture = Fixture::new().await;
    fixture.put(&put("a", 1, ScheduleState::Active)).await;
    assert_eq!(fixture.waits("a").await.0, Some(WaitReason::NoWorker));
    fixture.has_worker().await;
    assert_eq!(fixture.waits("a").await.0, Some(WaitReason::Turn));
    fixture.store.set_drained("w", true, "robin", "").await.unwrap();
    assert_eq!(fixture.waits("a").await.0, Some(WaitReason::NoWorker), "a drained one takes no jobs");
}

#[tokio::test]
async fn a_job_at_a_full_host_or_of_a_full_type_says_so() {
    let mut limited = policy();
    limited.hosts.limits = HostLimits { max_running: Some(1), starts_per_minute: None };
    limited.type_limits = BTreeMap::from([(RcsType::Git, 1)]);
    let fixture = Fixture::with_worker_and_jobs(limited, &["a", "b"]).await;
    let running = fixture.lease_one().await.lease.job_id.to_string();
    let other = if running == "a" { "b" } else { "a" };
    assert_eq!(fixture.waits(other).await.0, Some(WaitReason::HostLimit));
    fixture.put(&at_host("b.org", put("c", 1, ScheduleState::Active))).await;
    assert_eq!(fixture.waits("c").await.0, Some(WaitReason::RcsLimit));
}

#[tokio::test]
async fn a_job_of_a_host_in_trouble_says_until_when_and_in_the_end_that_it_may_be_gone() {
    let fixture = Fixture::with_worker_and_jobs(policy(), &["a", "b"]).await;
    let lease = fixture.lease_one().await.lease;
    let throttled = Finish { retry_after: Some(HOUR / 2), ..finish(&lease, Outcome::Throttled) };
    fixture.try_finish(&throttled).await.unwrap();
    let other = if lease.job_id.as_str() == "a" { "b" } else { "a" };
    let (reason, sentence) = fixture.waits(other).await;
    assert_eq!(reason, Some(WaitReason::HostBreaker));
    assert!(sentence.contains("it is left alone until") && !sentence.contains("gone for good"), "{sentence}");
    fixture.sql("UPDATE source_host SET opened_count = 30", &[]).await;
    assert!(fixture.waits(other).await.1.contains("30 tries in a row did not find a.org well"));
    let hosts = fixture.store.list_hosts("", 10).await.unwrap();
    assert!(hosts[0].host.is_down(fixture.store.host_policy()));
    fixture.sql("UPDATE source_host SET breaker = 'closed'", &[]).await;
    assert_eq!(fixture.waits(other).await.0, Some(WaitReason::HostPause));
}

#[tokio::test]
async fn a_due_job_knows_its_position_in_its_line() {
    let fixture = Fixture::with_due_jobs(4).await;
    fixture.has_worker().await;
    assert_eq!(fixture.facts("job-0").await.line_position, 0);
    assert!(fixture.waits("job-3").await.1.ends_with("behind 3 jobs of its line."));
}

#[tokio::test]
async fn explanation_and_stats_tell_the_same_over_the_wire() {
    let fixture = Fixture::with_due_jobs(3).await;
    fixture.make_due("job-2", -3600.0).await;
    let service = service(&fixture);
    let explain = |job_id: &str| Request::new(ExplainScheduleRequest { job_id: job_id.to_owned() });
    let answer = service.schedules.explain_schedule(explain("job-1")).await.unwrap().into_inner();
    let explanation = answer.explanation.unwrap();
    assert_eq!(explanation.wait_reason(), wire::WaitReason::NoWorker);
    assert_eq!((explanation.line_position, explanation.worker_count), (1, 0));
    let refused = service.schedules.explain_schedule(explain("nothing")).await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::JobNotFound));

    service.leases.acquire_leases(Request::new(acquire_request(Duration::ZERO))).await.unwrap();
    let stats = service.stats.get_stats(Request::new(GetStatsRequest::default())).await.unwrap().into_inner();
    assert_eq!((stats.waiting_count, stats.due_count, stats.leased_count), (2, 1, 1));
    let counts: Vec<_> = stats.waiting.iter().map(|one| (one.reason(), one.count)).collect();
    assert_eq!(counts, [(wire::WaitReason::NotDue, 1), (wire::WaitReason::NoWorker, 1)]);
    assert_eq!((stats.hosts[0].name.as_str(), stats.hosts[0].due_count), ("example.org", 1));
    assert!(stats.oldest_due_age.unwrap().seconds >= 120);
    let lag = stats.lag_p99.unwrap().seconds;
    assert!((180..=216).contains(&lag), "the one that was leased had been due for three minutes: {lag}");
}
