//! The whole service over loopback, with its own loops, and its database going away under it.

use codeimport_kit::{
    Ready, Shutdown,
    config::{ConfigDuration, Secret},
    reason_of,
};
use codeimport_pg::{Embedded, test_util::TestDb};
use codeimport_proto::{
    common::{self, ErrorReason, RcsType},
    queue::{
        AcquireLeasesRequest, FinishRunRequest, GetScheduleRequest, HeartbeatItem, HeartbeatRequest, HeartbeatVerdict,
        JobState, Lease, PutScheduleRequest, Schedule, ScheduleState, lease_service_client::LeaseServiceClient,
        schedule_service_client::ScheduleServiceClient,
    },
};
use codeimport_queue::Config;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use uuid::Uuid;

struct Running {
    leases: LeaseServiceClient<Channel>,
    schedules: ScheduleServiceClient<Channel>,
    shutdown: Shutdown,
    ended: JoinHandle<anyhow::Result<()>>,
}

async fn start(database_url: &str, lease_ttl: Duration) -> Running {
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        database_url: Some(Secret::from(database_url)),
        lease_key: Secret::from("0123456789abcdef0123456789abcdef"),
        lease_ttl: lease_ttl.into(),
        heartbeat_interval: (lease_ttl / 3).into(),
        reclaim_interval: ConfigDuration::from_millis(50),
        ..Config::default()
    };
    let shutdown = Shutdown::new();
    let (ready, listening) = Ready::channel();
    let ended = codeimport_kit::tasks::spawn("queue", codeimport_queue::run(config, shutdown.clone(), ready));
    let channel = Channel::from_shared(format!("http://{}", listening.await.unwrap())).unwrap().connect_lazy();
    let (leases, schedules) = (LeaseServiceClient::new(channel.clone()), ScheduleServiceClient::new(channel));
    Running { leases, schedules, shutdown, ended }
}

impl Running {
    async fn put(&mut self, job_id: &str) {
        let schedule = Schedule {
            state: ScheduleState::Active.into(),
            update_interval: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
            rcs_type: RcsType::Git.into(),
            source_host: String::new(),
            ..Default::default()
        };
        let job_id = job_id.to_owned();
        let put = PutScheduleRequest { job_id, generation: 1, schedule: Some(schedule), resume: false };
        self.schedules.put_schedule(put).await.unwrap();
    }

    async fn lease(&mut self) -> Lease {
        let request = AcquireLeasesRequest {
            worker_id: "worker".to_owned(),
            max_leases: 1,
            rcs_types: vec![RcsType::Git.into()],
            wait_timeout: Some(prost_types::Duration { seconds: 20, nanos: 0 }),
            request_id: Uuid::new_v4().to_string(),
            ..Default::default()
        };
        self.leases.acquire_leases(request).await.unwrap().into_inner().leases.pop().expect("a job is due")
    }

    async fn beat(&mut self, lease_token: &[u8]) -> Result<HeartbeatVerdict, tonic::Status> {
        let item = HeartbeatItem { lease_token: lease_token.to_vec(), ..Default::default() };
        let request = HeartbeatRequest { worker_id: "worker".to_owned(), items: vec![item] };
        Ok(self.leases.heartbeat(request).await?.into_inner().results[0].verdict())
    }

    async fn state(&mut self, job_id: &str) -> JobState {
        let request = GetScheduleRequest { job_id: job_id.to_owned() };
        self.schedules.get_schedule(request).await.unwrap().into_inner().job.unwrap().state()
    }

    async fn stop(self) {
        self.shutdown.begin();
        self.ended.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_worker_loses_its_job_to_the_next_one_by_the_queues_own_loop() {
    let database = TestDb::new(&[]).await;
    let mut queue = start(database.url(), Duration::from_secs(1)).await;
    queue.put("a").await;
    let silent = queue.lease().await;
    // The long poll waits for the reclaim loop, which nobody calls.
    let second = queue.lease().await;
    assert!(second.run_id > silent.run_id && second.after_reclaim);
    assert_eq!(queue.beat(&silent.lease_token).await.unwrap(), HeartbeatVerdict::Lost);
    let outcome = common::Outcome::Success.into();
    let finish = FinishRunRequest { lease_token: silent.lease_token, outcome, ..Default::default() };
    let refused = queue.leases.finish_run(finish).await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::LeaseLost));
    queue.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_queue_costs_no_lease() {
    let database = TestDb::new(&[]).await;
    let ttl = Duration::from_secs(2);
    let mut queue = start(database.url(), ttl).await;
    queue.put("a").await;
    let lease = queue.lease().await;
    queue.stop().await;
    // The lease runs out while nobody could hear its holder.
    let client = database.db("queue").client().await.unwrap();
    client.execute("UPDATE lease SET expires_at = now() - interval '1 minute'", &[]).await.unwrap();
    let mut queue = start(database.url(), ttl).await;
    assert_eq!(queue.state("a").await, JobState::Running);
    assert_eq!(queue.beat(&lease.lease_token).await.unwrap(), HeartbeatVerdict::Extended);
    queue.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_database_costs_no_lease_and_is_told_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let server = Embedded::start(dir.path()).await.unwrap();
    let mut queue = start(&server.service_url("queue"), Duration::from_secs(30)).await;
    queue.put("a").await;
    let lease = queue.lease().await;
    server.stop().await.unwrap();

    let away = queue.beat(&lease.lease_token).await.unwrap_err();
    assert_eq!(reason_of(&away), Some(ErrorReason::DatabaseUnavailable), "{away:?}");

    let server = Embedded::start(dir.path()).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let verdict = loop {
        match queue.beat(&lease.lease_token).await {
            Ok(verdict) => break verdict,
            Err(error) => assert!(Instant::now() < deadline, "{error:?}"),
        }
    };
    assert_eq!(verdict, HeartbeatVerdict::Extended);
    queue.stop().await;
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_the_work_and_nothing_else() {
    let database = TestDb::new(&[]).await;
    let (mut one, mut two) =
        tokio::join!(start(database.url(), Duration::from_secs(30)), start(database.url(), Duration::from_secs(30)));
    one.put("a").await;
    let lease = two.lease().await;
    assert_eq!(one.beat(&lease.lease_token).await.unwrap(), HeartbeatVerdict::Extended);
    one.stop().await;
    assert_eq!(two.beat(&lease.lease_token).await.unwrap(), HeartbeatVerdict::Extended);
    two.stop().await;
}
