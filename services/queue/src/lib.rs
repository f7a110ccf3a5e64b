//! The queue service: what runs when, who may run it, and how it went.
//!
//! It owns jobs (one row per scheduled import), their leases, and the runs with outcome, progress and log. It knows
//! nothing of repositories, and calls nobody.
//!
//! Promises, each with a test in `tests/it`:
//! - a job has at most one holder, and whatever a former holder says is refused ([`store`]);
//! - the end of a run, its next due time and its event are stored together or not at all;
//! - who follows the run events misses none, in whatever order runs end ([`store::RunEvent`]);
//! - a restart of the queue or of its database costs no worker its lease ([`reclaim`]).
//!
//! Replicas share nothing but the database.

mod alarm;
pub mod board;
pub mod breaker;
pub mod coalescer;
mod config;
pub mod due_reason;
mod error;
pub mod explain;
mod gauges;
pub mod host;
pub mod lag;
pub mod next_due;
mod outages;
mod overruns;
pub mod reclaim;
pub mod retention;
mod rpc;
pub mod run;
pub mod schedule;
pub mod share_out;
pub mod stats;
pub mod store;
mod wakeups;
mod watchdog;
pub mod workers;

pub use config::Config;
pub use outages::Outages;
pub use rpc::{HostRpc, LeaseRpc, Queue, RunRpc, ScheduleRpc, StatsRpc, WorkerRpc};
pub use wakeups::Wakeups;

use anyhow::Context as _;
use codeimport_kit::{
    Ready, ServiceConfig as _, Shutdown,
    config::database_url,
    server::{Health, Server},
    tasks::TaskGroup,
};
use codeimport_pg::{Db, PoolConfig, Runner};
use codeimport_proto::queue::{
    host_service_server::HostServiceServer, lease_service_server::LeaseServiceServer,
    run_service_server::RunServiceServer, schedule_service_server::ScheduleServiceServer,
    stats_service_server::StatsServiceServer, worker_service_server::WorkerServiceServer,
};
use std::time::Duration;
use store::Store;
use watchdog::Watchdog;

mod embedded {
    refinery::embed_migrations!("../../migrations/queue");
}

/// Longest wait for the database at the start.
const DATABASE_START: Duration = Duration::from_secs(60);

/// The queue's migrations, for its schema `queue`.
#[must_use]
pub fn migrations() -> Runner {
    embedded::migrations::runner()
}

/// Runs the queue until the shutdown begins, then drains.
///
/// # Errors
///
/// If the configuration is wrong, the database does not come up or cannot be migrated, or the address cannot be bound.
pub async fn run(config: Config, shutdown: Shutdown, ready: Ready) -> anyhow::Result<()> {
    config.check()?;
    let url = database_url(config.database_url.as_ref())?;
    let db = Db::connect(url.expose(), pool_config())?;
    tokio::select! {
        prepared = prepare(&db) => prepared?,
        () = shutdown.drained() => return Ok(()),
    }

    let store = Store::new(db.clone(), config.lease_ttl.get(), config.policy());
    let queue = Queue::new(store.clone(), &config, shutdown.clone())?;

    let server = Server::new("queue", config.server())
        .add_service(ScheduleServiceServer::new(ScheduleRpc(queue.clone())))
        .add_service(HostServiceServer::new(HostRpc(queue.clone())))
        .add_service(LeaseServiceServer::new(LeaseRpc(queue.clone())))
        .add_service(WorkerServiceServer::new(WorkerRpc(queue.clone())))
        .add_service(StatsServiceServer::new(StatsRpc(queue.clone())))
        .add_service(RunServiceServer::new(RunRpc(queue.clone())));

    let mut tasks = TaskGroup::new(shutdown.clone());
    let (wakeups, outages) = (queue.wakeups.clone(), queue.outages.clone());
    let watchdog = watchdog(&queue, &config);
    let (interval, stop) = (config.reclaim_interval.get(), shutdown.clone());
    tasks.spawn("queue.reclaim", reclaim::run(store.clone(), wakeups, outages, interval, stop));
    tasks.spawn("queue.overruns", overruns::run(store.clone(), shutdown.clone()));
    tasks.spawn("queue.watchdog", watchdog.run(shutdown.clone()));
    tasks.spawn("queue.gauges", gauges::run(store.clone(), shutdown.clone()));
    tasks.spawn("queue.retention", retention::run(store, config.retention(), shutdown.clone()));
    tasks.spawn("queue.health", follow_database(db, server.health(), queue.outages, shutdown.clone()));

    let served = server.serve(shutdown.clone(), ready).await;
    shutdown.begin();
    let ended = tasks.join().await;
    served.and(ended)
}

fn watchdog(queue: &Queue, config: &Config) -> Watchdog {
    Watchdog {
        store: queue.store.clone(),
        workers: queue.workers.clone(),
        outages: queue.outages.clone(),
        silence: config.worker_silence.get(),
    }
}

/// A replica that is stopped in the middle of a transaction keeps hosts locked: not for long. And all that is asked often
/// finds its rows by a key, however many.
fn pool_config() -> PoolConfig {
    let idle_in_transaction_timeout = Duration::from_secs(5);
    PoolConfig { idle_in_transaction_timeout, plans_by_key: true, ..PoolConfig::for_service("queue") }
}

async fn prepare(db: &Db) -> anyhow::Result<()> {
    db.wait_until_up(DATABASE_START).await.context("the database did not come up")?;
    db.migrate("queue", migrations()).await.context("the schema `queue` could not be brought up to date")
}

/// Ready means: the database answers.
async fn follow_database(db: Db, health: Health, outages: Outages, shutdown: Shutdown) -> anyhow::Result<()> {
    let look = || async { db.ping().await.inspect_err(|_| outages.note()) };
    health.follow("database", look, &shutdown).await;
    Ok(())
}
