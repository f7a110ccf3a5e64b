//! A queue on a database of its own, and the few things that tests do with it.

use codeimport_core::{Outcome, RcsType, RunId, Stage};
use codeimport_pg::{Client, test_util::TestDb};
use codeimport_queue::{
    breaker::BreakerPolicy,
    host::{HostLimits, HostPolicy},
    next_due::Limits,
    run::RunStats,
    schedule::{Job, JobState, PutSchedule, Schedule, ScheduleState},
    store::{
        Acquire, Beat, End, Finish, GrantedLease, LeaseName, LogLine, Policy, Release, Requested, RunBounds, RunWish,
        Store, StoreError, Verdict,
    },
};
use jiff::Timestamp;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use uuid::Uuid;

pub(crate) const TTL: Duration = Duration::from_secs(30);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const LIMITS: Limits =
    Limits { failure_limit: 5, reclaim_limit: 5, backoff_cap: Duration::from_secs(7 * 86_400) };

/// No limits but those that a test sets.
pub(crate) fn policy() -> Policy {
    let breaker =
        BreakerPolicy { trip_after: 3, first_pause: Duration::from_secs(60), longest_pause: HOUR, down_after: 30 };
    let runs = RunBounds { deadline: 24 * HOUR, stall: BTreeMap::from([(Stage::Fetch, HOUR)]), grace: TTL };
    let hosts = HostPolicy { limits: HostLimits::default(), breaker };
    Policy { limits: LIMITS, hosts, runs, type_limits: BTreeMap::new() }
}

/// A queue's store, and its database for as long as the test runs.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) database: Arc<TestDb>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with_policy(policy()).await
    }

    pub(crate) async fn with_policy(policy: Policy) -> Self {
        let database = Arc::new(TestDb::new(&[("queue", codeimport_queue::migrations())]).await);
        let store = Store::new(database.db("queue"), TTL, policy);
        Self { store, database }
    }

    /// Another queue on the same database.
    pub(crate) fn replica(&self, policy: Policy) -> Self {
        Self { store: Store::new(self.database.db("queue"), TTL, policy), database: Arc::clone(&self.database) }
    }

    /// With this many jobs, all due; the first is due longest.
    pub(crate) async fn with_due_jobs(count: i32) -> Self {
        let fixture = Self::new().await;
        for number in 0..count {
            fixture.put(&put(&format!("job-{number}"), 1, ScheduleState::Active)).await;
            fixture.make_due(&format!("job-{number}"), f64::from(60 * (count - number))).await;
        }
        fixture
    }

    /// With one job, leased.
    pub(crate) async fn with_running_job() -> (Self, LeaseName) {
        let fixture = Self::with_due_jobs(1).await;
        let lease = fixture.lease_one().await.lease;
        (fixture, lease)
    }

    pub(crate) async fn client(&self) -> Client {
        self.database.db("queue").client().await.unwrap()
    }

    /// Runs a statement that no production code would.
    pub(crate) async fn sql(&self, sql: &str, params: &[&(dyn codeimport_pg::ToSql + Sync)]) {
        self.client().await.execute(sql, params).await.unwrap();
    }

    pub(crate) async fn put(&self, put: &PutSchedule) -> (bool, Job) {
        self.store.put_schedule(put).await.unwrap()
    }

    pub(crate) async fn job(&self, job_id: &str) -> Job {
        self.store.get_schedule(&job_id.parse().unwrap()).await.unwrap()
    }

    /// Makes a waiting job due since so many seconds.
    pub(crate) async fn make_due(&self, job_id: &str, age_s: f64) {
        let sql = "UPDATE waiting
                      SET due_at = now() - make_interval(secs => $2), ready_at = now() - make_interval(secs => $2)
                    WHERE job_no = (SELECT job_no FROM job WHERE job_id = $1)";
        self.sql(sql, &[&job_id, &age_s]).await;
        self.store.forget_board();
    }

    /// Fills the line of a job with others: copies of it, all due.
    pub(crate) async fn crowd(&self, job_id: &str, count: i64) {
        self.sql(
            "WITH crowd AS (
                 INSERT INTO job (job_id, generation, wanted, update_interval_ms, rcs_type, host_id, owner, line_id)
                 SELECT job_id || '-' || n, 1, wanted, update_interval_ms, rcs_type, host_id, owner, line_id
                   FROM job, generate_series(1, $2::bigint) AS n
                  WHERE job_id = $1
              RETURNING job_no, line_id)
             INSERT INTO waiting (job_no, line_id, due_at, ready_at)
             SELECT job_no, line_id, since, since
               FROM (SELECT job_no, line_id, now() - interval '1 hour' + job_no * interval '1 millisecond' AS since
                       FROM crowd) AS crowd",
            &[&job_id, &count],
        )
        .await;
        self.store.forget_board();
        for table in ["job", "waiting", "line", "source_host"] {
            self.sql(&format!("ANALYZE {table}"), &[]).await;
        }
    }

    pub(crate) async fn lease(&self, acquire: &Acquire) -> Vec<GrantedLease> {
        self.try_lease(acquire).await.unwrap()
    }

    pub(crate) async fn try_lease(&self, acquire: &Acquire) -> Result<Vec<GrantedLease>, StoreError> {
        Ok(self.store.acquire_leases(std::slice::from_ref(acquire)).await?.granted.remove(0))
    }

    pub(crate) async fn request(&self, job_id: &str, by: &str) -> Result<Requested, StoreError> {
        let wish = RunWish { job_id: job_id.parse().unwrap(), by: by.to_owned() };
        self.store.request_runs(&[wish], &|| ()).await?.remove(0)
    }

    pub(crate) async fn try_finish(&self, finish: &Finish) -> Result<Option<Timestamp>, StoreError> {
        self.store.end_held(&[End::Finish(finish.clone())]).await.answers.remove(0)
    }

    pub(crate) async fn lease_one(&self) -> GrantedLease {
        self.lease(&acquire(1)).await.pop().expect("a job is due")
    }

    pub(crate) async fn finish(&self, lease: &LeaseName, outcome: Outcome) -> Option<Timestamp> {
        self.try_finish(&finish(lease, outcome)).await.unwrap()
    }

    pub(crate) async fn release(&self, lease: &LeaseName) -> Result<(), StoreError> {
        let release = Release { lease: lease.clone(), reason: "draining".to_owned(), log_lines: Vec::new() };
        self.store.end_held(&[End::Release(release)]).await.answers.remove(0).map(drop)
    }

    pub(crate) async fn beat(&self, lease: &LeaseName) -> Verdict {
        self.store.heartbeat(&[beat(lease)]).await.unwrap().remove(0)
    }

    /// Lets a lease run out without waiting for it.
    pub(crate) async fn expire(&self, lease: &LeaseName) {
        let sql = "UPDATE lease SET expires_at = now() - interval '1 second' WHERE run_id = $1";
        self.sql(sql, &[&lease.run_id.0]).await;
    }

    /// Lets a lease run out and be taken back.
    pub(crate) async fn reclaim(&self, lease: &LeaseName) {
        self.expire(lease).await;
        let reclaimed = self.store.reclaim().await.unwrap();
        assert_eq!(reclaimed.iter().map(|one| &one.lease).collect::<Vec<_>>(), [lease]);
    }

    /// Makes every waiting job due.
    pub(crate) async fn let_time_pass(&self) {
        let due = "UPDATE waiting SET due_at = now() - interval '1 second', ready_at = now() - interval '1 second'
                    WHERE due_at > now()";
        self.sql(due, &[]).await;
        self.sql("UPDATE source_host SET open_at = now() - interval '1 second' WHERE open_at > now()", &[]).await;
        self.store.forget_board();
    }
}

pub(crate) fn put(job_id: &str, generation: i64, wanted: ScheduleState) -> PutSchedule {
    let schedule = Schedule {
        wanted,
        update_interval: 6 * HOUR,
        bounds: None,
        rcs_type: RcsType::Git,
        source_host: "example.org".to_owned(),
        owner: String::new(),
    };
    PutSchedule { job_id: job_id.parse().unwrap(), generation, schedule, resume: false }
}

/// Of a source at this host.
pub(crate) fn at_host(host: &str, put: PutSchedule) -> PutSchedule {
    PutSchedule { schedule: Schedule { source_host: host.to_owned(), ..put.schedule }, ..put }
}

pub(crate) fn resume(job_id: &str, generation: i64) -> PutSchedule {
    PutSchedule { resume: true, ..put(job_id, generation, ScheduleState::Active) }
}

/// A request for leases under a new id.
pub(crate) fn acquire(max_leases: u32) -> Acquire {
    Acquire {
        worker_id: "worker-0".to_owned(),
        worker_version: "test".to_owned(),
        max_leases,
        rcs_types: vec![RcsType::Git],
        request_id: Uuid::new_v4(),
        looked_up: false,
    }
}

pub(crate) fn finish(lease: &LeaseName, outcome: Outcome) -> Finish {
    Finish {
        lease: lease.clone(),
        outcome,
        stage: Some(Stage::Scan),
        message: String::new(),
        stats: RunStats { refs_changed_count: 1, new_revision_count: 2, received_bytes: 3 },
        log_lines: Vec::new(),
        retry_after: None,
    }
}

pub(crate) fn beat(lease: &LeaseName) -> Beat {
    Beat { lease: lease.clone(), progress: None, log_lines: Vec::new() }
}

pub(crate) fn line(line_number: i64, text: &str) -> LogLine {
    LogLine { line_number, logged_at: Timestamp::UNIX_EPOCH, stage: Some(Stage::Fetch), text: text.to_owned() }
}

pub(crate) fn due_at(job: &Job) -> Timestamp {
    match job.state {
        JobState::Waiting { due_at } => due_at,
        ref other => panic!("{} is not waiting: {other:?}", job.job_id),
    }
}

pub(crate) fn run_id(job: &Job) -> Option<RunId> {
    match &job.state {
        JobState::Running(lease) => Some(lease.run_id),
        JobState::Waiting { .. } | JobState::Stopped { .. } => None,
    }
}
