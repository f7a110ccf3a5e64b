//! The real queue, in this process, on the registry's database, and what tests do with it: look at jobs, lease and finish them.

use crate::harness::LEASE_KEY;
use codeimport_kit::{Ready, Shutdown, reason_of, tasks};
use codeimport_proto::{
    common::{ErrorReason, Outcome, RcsType},
    queue::{
        AcquireLeasesRequest, ExplainScheduleRequest, FinishRunRequest, GetScheduleRequest, Job, Lease,
        ReleaseLeaseRequest, RequestRunRequest, ScheduleState, lease_service_client::LeaseServiceClient,
        schedule_service_client::ScheduleServiceClient,
    },
};
use codeimport_queue::Config;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tonic::transport::Channel;

/// A worker who is about to end a run says so within this.
const PATIENCE: Duration = Duration::from_secs(30);

/// The queue of one test. Its jobs outlive its stops.
pub(crate) struct Queue {
    config: Config,
    schedules: ScheduleServiceClient<Channel>,
    leases: LeaseServiceClient<Channel>,
    running: Option<(Shutdown, JoinHandle<anyhow::Result<()>>)>,
}

impl Queue {
    pub(crate) async fn start(database_url: &str) -> Self {
        let mut config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database_url: Some(database_url.into()),
            lease_key: LEASE_KEY.into(),
            shutdown_grace: Duration::from_millis(50).into(),
            ..Config::default()
        };
        let (address, running) = serve(&config).await;
        config.listen = address;
        let channel = Channel::from_shared(format!("http://{address}")).expect("a URL").connect_lazy();
        let (schedules, leases) = (ScheduleServiceClient::new(channel.clone()), LeaseServiceClient::new(channel));
        Self { config, schedules, leases, running: Some(running) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.config.listen)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub(crate) async fn stop(&mut self) {
        let (shutdown, served) = self.running.take().expect("running");
        shutdown.begin();
        served.await.expect("no panic").expect("an orderly end");
    }

    /// Where it was.
    pub(crate) async fn restart(&mut self) {
        self.running = Some(serve(&self.config).await.1);
    }

    /// A job, if the queue has heard of it.
    pub(crate) async fn job(&self, job_id: &str) -> Option<Job> {
        let request = GetScheduleRequest { job_id: job_id.to_owned() };
        match self.schedules.clone().get_schedule(request).await {
            Ok(answer) => answer.into_inner().job,
            Err(status) => {
                assert_eq!(reason_of(&status), Some(ErrorReason::JobNotFound), "{status:?}");
                None
            }
        }
    }

    /// A job once it is what a test waits for.
    pub(crate) async fn until(&self, job_id: &str, what: &str, is_so: impl Fn(&Job) -> bool) -> Job {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let job = self.job(job_id).await;
            match job {
                Some(job) if is_so(&job) => return job,
                job => assert!(Instant::now() < deadline, "{job_id} is not {what} in time: {job:?}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A job once the queue has this generation of its schedule, or a later one.
    pub(crate) async fn job_since(&self, job_id: &str, generation: i64) -> Job {
        self.until(job_id, &format!("of generation {generation}"), |job| job.generation >= generation).await
    }

    /// The queue's own words about a job.
    pub(crate) async fn explanation(&self, job_id: &str) -> String {
        let request = ExplainScheduleRequest { job_id: job_id.to_owned() };
        let answer = self.schedules.clone().explain_schedule(request).await.expect("explained").into_inner();
        answer.explanation.expect("explanation").sentence
    }

    /// Leases a job that is due, or will be in a moment. Others that come first are given back.
    pub(crate) async fn lease(&self, job_id: &str) -> Lease {
        let (mut wanted, mut others) = (None, Vec::new());
        let deadline = Instant::now() + PATIENCE;
        while wanted.is_none() {
            assert!(Instant::now() < deadline, "{job_id} is not due");
            for lease in self.acquire(PATIENCE).await {
                if lease.job_id == job_id { wanted = Some(lease) } else { others.push(lease) }
            }
        }
        for other in others {
            let request = ReleaseLeaseRequest { lease_token: other.lease_token, ..Default::default() };
            self.leases.clone().release_lease(request).await.expect("released");
        }
        wanted.expect("found")
    }

    /// Leases whatever is due, and waits so long for something to be.
    pub(crate) async fn acquire(&self, wait: Duration) -> Vec<Lease> {
        let request = AcquireLeasesRequest {
            worker_id: "tester".to_owned(),
            worker_version: "0".to_owned(),
            max_leases: 8,
            rcs_types: vec![RcsType::Git.into()],
            wait_timeout: wait.try_into().ok(),
            request_id: uuid::Uuid::new_v4().to_string(),
        };
        self.leases.clone().acquire_leases(request).await.expect("answered").into_inner().leases
    }

    /// Makes a job due now.
    pub(crate) async fn request_run(&self, job_id: &str) {
        let request = RequestRunRequest { job_id: job_id.to_owned(), requested_by: "tester".to_owned() };
        self.schedules.clone().request_run(request).await.expect("requested");
    }

    pub(crate) async fn finish(&self, lease: &Lease, outcome: Outcome, message: &str) {
        let request = FinishRunRequest {
            lease_token: lease.lease_token.clone(),
            outcome: outcome.into(),
            message: message.to_owned(),
            ..Default::default()
        };
        self.leases.clone().finish_run(request).await.expect("finished");
    }

    /// A whole run of a job that is due. Returns its id.
    pub(crate) async fn run(&self, job_id: &str, outcome: Outcome) -> i64 {
        let lease = self.lease(job_id).await;
        self.finish(&lease, outcome, "").await;
        lease.run_id
    }
}

/// What the queue is told to do with a job.
pub(crate) fn wanted(job: &Job) -> ScheduleState {
    job.schedule.as_ref().expect("schedule").state()
}

async fn serve(config: &Config) -> (SocketAddr, (Shutdown, JoinHandle<anyhow::Result<()>>)) {
    let shutdown = Shutdown::new();
    let (ready, is_ready) = Ready::channel();
    let served = tasks::spawn("test.queue", codeimport_queue::run(config.clone(), shutdown.clone(), ready));
    (is_ready.await.expect("the queue is ready"), (shutdown, served))
}
