//! The worker service: leases jobs, imports, reports. Owns nothing that may not be lost.
//!
//! ```text
//!   driver      free slots -> leases -> runs; drains
//!   job_run     one run, from its lease to finish or release
//!   farewell    which of these, and with which words
//!   pipeline    the stages of a run: probe, fetch, publish, scan
//!   lease       what this worker knows of one lease, and whether it may still write
//!   heartbeat   one batch for all runs; brings the verdicts
//!   registry    calls of a run to the registry, repeated while its lease is held
//!   run_log     numbered lines of a run, kept until the queue has them
//!   roster      the runs under way
//!   drained     whether an operator lets this worker take no jobs
//!   registration tells the queue, at the start, what this worker can do
//!   status      the service that operators see
//! ```
//!
//! Invariant: before anything is written anywhere, the run has made sure that its lease lasts long enough for it. What a
//! run cannot know (it was paused, its clock stood still), target and registry find out by the fencing token.

mod clients;
mod config;
mod drained;
mod driver;
mod farewell;
mod heartbeat;
mod job_run;
mod lease;
mod pipeline;
mod registration;
mod registry;
mod roster;
mod run_log;
mod status;
mod stop;
mod target_size;

pub use config::Config;

use crate::{
    clients::Clients, drained::Drained, driver::Driver, heartbeat::Heartbeat, job_run::Workshop, roster::Roster,
    status::Status,
};
use codeimport_kit::{
    Ready, ServiceConfig as _, Shutdown,
    server::{Server, ServerConfig},
    tasks::TaskGroup,
};
use codeimport_proto::worker::worker_service_server::WorkerServiceServer;
use std::{sync::Arc, time::Duration};

/// Version told to the queue.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How long a cache is kept that no run has used.
const CACHE_MAX_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Runs a worker until `shutdown` begins and its runs have ended, or were given back at the end of the grace.
///
/// # Errors
///
/// If the configuration is unusable, the port cannot be bound, or the data folder cannot be written. That queue or
/// registry are away is no error: the worker waits for them.
pub async fn run(config: Config, shutdown: Shutdown, ready: Ready) -> anyhow::Result<()> {
    config.check()?;
    sweep_caches(&config).await?;
    let worker_id = config.worker_id();
    let clients = Clients::connect(&config)?;
    let roster = Arc::new(Roster::default());
    let drained = Drained::default();
    let heartbeat = Heartbeat::new(clients.leases(), worker_id.clone(), Arc::clone(&roster), drained.clone());
    let heartbeat = Arc::new(heartbeat);
    let workshop = Workshop::new(&config, clients.clone(), Arc::clone(&roster), Arc::clone(&heartbeat))?;
    let workshop = Arc::new(workshop);
    // Drained by SIGTERM, or alone by DrainWorker.
    let draining = shutdown.child();
    // Answers and heartbeats go on until the last run has ended.
    let stopped = Shutdown::new();
    let status = Status::new(&config, worker_id.clone(), Arc::clone(&roster), drained.clone(), draining.clone());

    let mut group = TaskGroup::new(shutdown.clone());
    let server_config = ServerConfig { port_file: config.port_file.clone(), ..ServerConfig::at(config.listen) };
    let server = Server::new("worker", server_config).add_service(WorkerServiceServer::new(status));
    group.spawn("worker.server", server.serve(stopped.clone(), ready));
    group.spawn("worker.heartbeat", heartbeat.run(stopped.clone()));
    let registered =
        registration::register(clients.clone(), config.clone(), worker_id.clone(), drained.clone(), draining.clone());
    let driver = Driver::new(&config, worker_id, clients, workshop, drained, draining);
    group.spawn("worker.driver", async move {
        tokio::join!(registered, driver.run(shutdown));
        stopped.begin();
        Ok(())
    });
    group.join().await
}

/// Removes what killed processes left in the caches, and caches that nobody uses any more.
async fn sweep_caches(config: &Config) -> anyhow::Result<()> {
    let dir = config.cache_dir();
    tokio::task::spawn_blocking(move || codeimport_convert::Cache::sweep(&dir, CACHE_MAX_AGE)).await??;
    Ok(())
}
