//! The soak: many workers, two replicas of the queue and PostgreSQL are treated as badly as we know how, for as long as
//! one likes; and a ledger that none of them can touch proves what came of it.
//!
//! ```text
//!   people --requests--------------------------------------------------+
//!                                                                      v
//!   worker processes --leases, heartbeats, finishes--> wires (cut) --> two replicas --> PostgreSQL (-m immediate)
//!          |                                                              |
//!          +------ what each saw ------> ledger <------ run events -------+
//! ```
//!
//! [`ledger`] believes nobody and needs no clock but the machine's; [`chaos`] does the damage; [`worker`] is what runs in
//! the processes that are killed and stopped. The ledger's own tests are histories in which somebody cheats.

mod account;
mod chaos;
mod crew;
mod follow;
mod ledger;
mod people;
mod replicas;
mod server;
mod wire;
pub mod worker;

pub use account::Account;
pub use ledger::{Judged, Ledger, Limits, Note, Outage, Told, Violation};

use crate::{eventually, put_request};
use anyhow::Context as _;
use chaos::Chaos;
use codeimport_proto::queue::{PutScheduleRequest, ScheduleState};
use crew::Crew;
use people::People;
use replicas::Replicas;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How hard and how long.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long damage is done. Start, quiet end and account come on top: about 20 s.
    pub chaos: Duration,
    /// Worker processes.
    pub workers: usize,
    /// Jobs, each due every second.
    pub jobs: u32,
    /// How long a lease lasts without a heartbeat.
    pub lease_ttl: Duration,
    /// Repeats the damage of an earlier run, as far as timing allows.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        let (chaos, lease_ttl) = (Duration::from_secs(600), Duration::from_secs(2));
        Self { chaos, workers: 4, jobs: 3_000, lease_ttl, seed: 1 }
    }
}

/// Longest wait for what must come by itself once the damage is over.
const QUIET: Duration = Duration::from_secs(60);

/// The ledger as all who write into it share it.
#[derive(Clone, Default)]
pub(crate) struct SharedLedger(Arc<Mutex<Ledger>>);

impl SharedLedger {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Now by the machine's clock, in microseconds since 1970: the same clock for the ledger, workers and PostgreSQL.
pub(crate) fn now_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// Runs a soak to its end and draws up the account.
///
/// # Errors
///
/// If something cannot be started. What goes wrong with leases is no error: it is in the account.
pub async fn run(options: Options) -> anyhow::Result<Account> {
    let ledger = SharedLedger::default();
    let mut replicas = Replicas::start(&options).await?;
    put_jobs(&replicas, options.jobs).await?;
    let _follower = follow::start(replicas.urls(), ledger.clone());
    let mut crew = Crew::hire(&options, replicas.urls(), ledger.clone()).await?;

    let people = People::gather(&options, &replicas.urls())?;

    let began = Instant::now();
    let mut chaos = Chaos::new(&options);
    chaos.rage(options.chaos, &mut replicas, &mut crew).await?;
    let quiet_since = now_us();
    wait_at_most(QUIET, async || ledger.lock().jobs_run_since(quiet_since) >= options.jobs as usize).await;
    crew.dismiss().await;
    wait_at_most(QUIET, async || ledger.lock().untold_runs() == 0).await;

    let limits =
        Limits { lease_ttl: options.lease_ttl, jobs: options.jobs, quiet_since, outages: replicas.outages().to_vec() };
    let judged = ledger.lock().judge(&limits);
    Ok(Account::new(judged, &chaos, &replicas, people.recorded(), began.elapsed()))
}

/// Gives up silently: the ledger says what is missing.
async fn wait_at_most(longest: Duration, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + longest;
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    while Instant::now() < deadline {
        tick.tick().await;
        if done().await {
            return;
        }
    }
}

/// The job of a number.
pub(crate) fn job_id(number: u32) -> String {
    format!("soak-{number}")
}

/// The number of a job.
pub(crate) fn job_number(job_id: &str) -> Option<u32> {
    job_id.strip_prefix("soak-")?.parse().ok()
}

async fn put_jobs(replicas: &Replicas, jobs: u32) -> anyhow::Result<()> {
    const AT_ONCE: u32 = 32;
    let client = replicas.client(0)?;
    let each = (0..AT_ONCE).map(|first| {
        let mut client = client.clone();
        async move {
            for number in (first..jobs).step_by(AT_ONCE as usize) {
                client.put(put_request(&job_id(number), 1, 1)).await?;
            }
            Ok::<_, tonic::Status>(())
        }
    });
    futures_util::future::try_join_all(each).await.context("the jobs can be scheduled").map(drop)
}

/// Waits until a replica stores something again; how long that took.
pub(crate) async fn back_after(replicas: &Replicas, replica: usize) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut client = replicas.client(replica)?;
    eventually(&format!("replica {replica} stores again"), async || client.put(probe()).await.ok()).await;
    Ok(began.elapsed())
}

/// A schedule that nobody runs, newer with each call: to store it, the queue needs all that it needs for leases.
fn probe() -> PutScheduleRequest {
    let mut request = put_request("probe", now_us(), 3_600);
    if let Some(schedule) = &mut request.schedule {
        schedule.state = ScheduleState::Suspended.into();
    }
    request
}
