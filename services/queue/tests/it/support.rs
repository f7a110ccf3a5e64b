//! A queue on a database of its own, and the few things that tests do with it.

use codeimport_core::{Outcome, RcsType, RunId, Stage};
use codeimport_pg::{Client, test_util::TestDb};
use codeimport_queue::{
    next_due::Limits,
    run::RunStats,
    schedule::{Job, JobState, PutSchedule, Schedule, ScheduleState},
    store::{Acquire, Beat, Finish, GrantedLease, LeaseName, LogLine, Release, Store, StoreError, Verdict},
};
use jiff::Timestamp;
use std::time::Duration;
use uuid::Uuid;

pub(crate) const TTL: Duration = Duration::from_secs(30);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const LIMITS: Limits =
    Limits { failure_limit: 5, reclaim_limit: 5, backoff_cap: Duration::from_secs(7 * 86_400) };

/// A queue's store, and its database for as long as the test runs.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) database: TestDb,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let database = TestDb::new(&[("queue", codeimport_queue::migrations())]).await;
        let store = Store::new(database.db("queue"), TTL, LIMITS);
        Self { store, database }
    }

    /// With this many jobs, all due; the first is due longest.
    pub(crate) async fn with_due_jobs(count: i32) -> Self {
        let fixture = Self::new().await;
        for number in 0..count {
            fixture.put(&put(&format!("job-{number}"), 1, ScheduleState::Active)).await;
            let age = f64::from(60 * (count - number));
            fixture
                .sql(
                    "UPDATE job SET due_at = now() - make_interval(secs => $2) WHERE job_id = $1",
                    &[&format!("job-{number}"), &age],
                )
                .await;
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

    pub(crate) async fn lease(&self, acquire: &Acquire) -> Vec<GrantedLease> {
        self.store.acquire_leases(acquire).await.unwrap()
    }

    pub(crate) async fn lease_one(&self) -> GrantedLease {
        self.lease(&acquire(1)).await.pop().expect("a job is due")
    }

    pub(crate) async fn finish(&self, lease: &LeaseName, outcome: Outcome) -> Option<Timestamp> {
        self.store.finish_run(&finish(lease, outcome)).await.unwrap()
    }

    pub(crate) async fn release(&self, lease: &LeaseName) -> Result<(), StoreError> {
        let release = Release { lease: lease.clone(), reason: "draining".to_owned(), log_lines: Vec::new() };
        self.store.release_lease(&release).await
    }

    pub(crate) async fn beat(&self, lease: &LeaseName) -> Verdict {
        self.store.heartbeat(&[beat(lease)]).await.unwrap()[0]
    }

    /// Lets a lease run out without waiting for it.
    pub(crate) async fn expire(&self, lease: &LeaseName) {
        let sql = "UPDATE job SET lease_expires_at = now() - interval '1 second' WHERE run_id = $1";
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
        self.sql("UPDATE job SET due_at = now() - interval '1 second' WHERE state = 'waiting' AND due_at > now()", &[])
            .await;
    }
}

pub(crate) fn put(job_id: &str, generation: i64, wanted: ScheduleState) -> PutSchedule {
    let schedule =
        Schedule { wanted, update_interval: 6 * HOUR, rcs_type: RcsType::Git, source_host: "example.org".to_owned() };
    PutSchedule { job_id: job_id.parse().unwrap(), generation, schedule, resume: false }
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
