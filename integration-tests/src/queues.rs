//! The queue alone: its replicas on one database, without registry and workers.

use crate::Process;
use crate::services::{Env, LEASE_KEY, channel, start_queue};
use codeimport_core::LeaseKey;
use codeimport_pg::{Db, PoolConfig, test_util::TestDb};
use codeimport_proto::common::{Outcome, RcsType};
use codeimport_proto::queue::{
    AcquireLeasesRequest, FinishRunRequest, HeartbeatItem, HeartbeatRequest, HeartbeatVerdict, Lease,
    PutScheduleRequest, Schedule, ScheduleState, lease_service_client::LeaseServiceClient,
    run_service_client::RunServiceClient, schedule_service_client::ScheduleServiceClient,
};
use std::time::Duration;
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Response, Status};
use uuid::Uuid;

/// What a story wants to be different from production.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// How many replicas.
    pub replicas: usize,
    /// How long a lease lasts.
    pub lease_ttl: Duration,
    /// Further settings, as environment variables.
    pub env: Env,
    /// Database to use instead of a fresh one.
    pub database_url: Option<String>,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self { replicas: 1, lease_ttl: Duration::from_secs(30), env: Vec::new(), database_url: None }
    }
}

/// The replicas and how to speak to them.
pub struct Queues {
    /// The replicas, in the order of their start.
    pub replicas: Vec<Process>,
    url: String,
    /// Held for their drop: database and folder go with the story.
    _database: Option<TestDb>,
    _dir: TempDir,
}

/// The clients of one replica.
#[derive(Clone)]
pub struct QueueClient {
    /// Schedules.
    pub schedules: ScheduleServiceClient<Channel>,
    /// Leases.
    pub leases: LeaseServiceClient<Channel>,
    /// Runs.
    pub runs: RunServiceClient<Channel>,
}

impl Queues {
    /// Starts them.
    ///
    /// # Panics
    ///
    /// If anything cannot be started.
    pub async fn start(options: QueueOptions) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let (database, url) = match options.database_url {
            Some(url) => (None, url),
            None => {
                let database = TestDb::new(&[]).await;
                let url = database.url().to_owned();
                (Some(database), url)
            }
        };
        let mut replicas = Vec::new();
        let lease_ttl = format!("{}ms", options.lease_ttl.as_millis());
        for index in 0..options.replicas {
            let name = format!("queue-{index}");
            replicas.push(start_queue(dir.path(), &name, &lease_ttl, &options.env, &url).await);
        }
        Self { replicas, url, _database: database, _dir: dir }
    }

    /// Clients of one replica.
    #[must_use]
    pub fn client(&self, replica: usize) -> QueueClient {
        QueueClient::new(channel(&self.replicas[replica]))
    }

    /// The database, as its owner.
    ///
    /// # Panics
    ///
    /// If its URL is wrong.
    #[must_use]
    pub fn database(&self) -> Db {
        Db::connect(&self.url, PoolConfig::for_service("queue")).expect("the replicas use this URL")
    }

    /// The key with which the replicas sign.
    ///
    /// # Panics
    ///
    /// Never: the secret is long enough.
    #[must_use]
    pub fn lease_key() -> LeaseKey {
        LeaseKey::new(LEASE_KEY.as_bytes()).expect("the secret is long enough")
    }
}

impl QueueClient {
    /// Clients that share a channel.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self {
            schedules: ScheduleServiceClient::new(channel.clone()),
            leases: LeaseServiceClient::new(channel.clone()),
            runs: RunServiceClient::new(channel),
        }
    }

    /// Makes a job due now.
    ///
    /// # Errors
    ///
    /// What the queue answers.
    pub async fn put(&mut self, request: PutScheduleRequest) -> Result<(), Status> {
        self.schedules.put_schedule(request).await.map(drop)
    }

    /// Leases up to so many jobs that are due.
    ///
    /// # Errors
    ///
    /// What the queue answers.
    pub async fn acquire(&mut self, request: AcquireLeasesRequest) -> Result<Vec<Lease>, Status> {
        Ok(self.leases.acquire_leases(request).await?.into_inner().leases)
    }

    /// One heartbeat of one lease.
    ///
    /// # Errors
    ///
    /// What the queue answers.
    pub async fn beat(&mut self, item: HeartbeatItem) -> Result<HeartbeatVerdict, Status> {
        let request = HeartbeatRequest { worker_id: "beater".to_owned(), items: vec![item], ..Default::default() };
        let answer = self.leases.heartbeat(request).await?.into_inner();
        Ok(answer.results.first().map_or(HeartbeatVerdict::Unspecified, |result| result.verdict()))
    }

    /// Ends a run.
    ///
    /// # Errors
    ///
    /// What the queue answers.
    pub async fn finish(&mut self, lease: &Lease, outcome: Outcome) -> Result<(), Status> {
        let request =
            FinishRunRequest { lease_token: lease.lease_token.clone(), outcome: outcome.into(), ..Default::default() };
        self.leases.finish_run(request).await.map(Response::into_inner).map(drop)
    }
}

/// The schedule of an active job, due now, on a host of its own.
#[must_use]
pub fn put_request(job_id: &str, generation: i64, update_interval_seconds: i64) -> PutScheduleRequest {
    let schedule = Schedule {
        state: ScheduleState::Active.into(),
        update_interval: Some(prost_types::Duration { seconds: update_interval_seconds, nanos: 0 }),
        rcs_type: RcsType::Git.into(),
        source_host: format!("{job_id}.example"),
        ..Default::default()
    };
    PutScheduleRequest { job_id: job_id.to_owned(), generation, schedule: Some(schedule), ..Default::default() }
}

/// A new request of a worker with so many free slots.
#[must_use]
pub fn acquire_request(worker_id: &str, max_leases: i32, wait_seconds: i64) -> AcquireLeasesRequest {
    AcquireLeasesRequest {
        worker_id: worker_id.to_owned(),
        worker_version: "0".to_owned(),
        max_leases,
        rcs_types: vec![RcsType::Git.into()],
        wait_timeout: (wait_seconds > 0).then_some(prost_types::Duration { seconds: wait_seconds, nanos: 0 }),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    }
}
