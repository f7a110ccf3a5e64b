//! Workers that lease and finish as fast as the queue lets them, and how fast that is.

use crate::{
    clients::Client,
    cpu::CpuWatch,
    report::Figure,
    stage::{Server, Stage},
};
use codeimport_proto::queue::Lease;
use futures_util::future::try_join_all;
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tonic::Status;

/// How workers are driven.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drive {
    /// Workers, each waiting for its answer before the next call.
    pub(crate) workers: usize,
    /// Connections that they share.
    pub(crate) connections: usize,
    /// Leases asked for at once.
    pub(crate) batch: i32,
}

/// What workers have done; shared by all of them.
#[derive(Debug, Default)]
pub(crate) struct Done {
    cycles: AtomicU64,
    over: AtomicBool,
}

impl Done {
    pub(crate) fn cycles(&self) -> u64 {
        self.cycles.load(Ordering::Relaxed)
    }

    /// Cycles a second from now on, for so long.
    pub(crate) async fn rate(&self, measured_for: Duration) -> f64 {
        let (began, before) = (Instant::now(), self.cycles());
        tokio::time::sleep(measured_for).await;
        count(self.cycles() - before) / began.elapsed().as_secs_f64()
    }

    /// The same after a second, in which connections and caches warm up.
    pub(crate) async fn warm_rate(&self, measured_for: Duration) -> f64 {
        self.rate(Duration::from_secs(1)).await;
        self.rate(measured_for).await
    }

    /// The same with what it costs, which others on the machine change less than the rate.
    pub(crate) async fn warm_cost(
        &self,
        server: &Server,
        stage: &Stage,
        measured_for: Duration,
    ) -> anyhow::Result<Cost> {
        self.rate(Duration::from_secs(1)).await;
        let (database, queue) = (CpuWatch::start(server.pid()?)?, CpuWatch::start(stage.queue_pid())?);
        let rate = self.rate(measured_for).await;
        Ok(Cost { rate, database_percent: database.percent()?, queue_percent: queue.percent()? })
    }
}

/// A rate, and the cores that it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Cycles a second.
    pub(crate) rate: f64,
    pub(crate) database_percent: f64,
    pub(crate) queue_percent: f64,
}

impl Cost {
    /// Adds to a figure the processor time of a cycle.
    pub(crate) fn detail(self, figure: Figure) -> Figure {
        let per_cycle = |percent: f64| percent / 100.0 / self.rate * 1e6;
        let figure = figure.detail("database us/cycle", per_cycle(self.database_percent));
        figure.detail("queue us/cycle", per_cycle(self.queue_percent))
    }
}

impl Drive {
    /// Works while `watch` looks on; what that returns is the figure.
    pub(crate) async fn while_watched<T>(
        self,
        stage: &Stage,
        done: &Done,
        watch: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let clients = (0..self.connections).map(|_| stage.client()).collect::<anyhow::Result<Vec<_>>>()?;
        let workers = (0..self.workers).zip(clients.iter().cycle()).map(|(number, client)| {
            let client = client.clone();
            async move { self.work(client, &format!("worker-{number}"), done).await }
        });
        let watched = async {
            let result = watch.await;
            done.over.store(true, Ordering::Relaxed);
            result
        };
        let (watched, worked) = tokio::join!(watched, try_join_all(workers));
        worked?;
        watched
    }

    async fn work(self, mut client: Client, worker: &str, done: &Done) -> Result<(), Status> {
        while !done.over.load(Ordering::Relaxed) {
            let leases = client.acquire(worker, self.batch, 1).await?;
            done.cycles.fetch_add(finish(&mut client, &leases).await? as u64, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A single one by the call for single ones, more of them by the call for many.
async fn finish(client: &mut Client, leases: &[Lease]) -> Result<usize, Status> {
    match leases {
        [] => Ok(0),
        [lease] => client.finish(lease).await.map(|_| 1),
        leases => client.finish_all(leases).await,
    }
}

/// Counts here are far below 2^52, where a float begins to round.
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}
