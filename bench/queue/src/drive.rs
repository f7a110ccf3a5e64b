//! Workers that lease and finish as fast as the queue lets them, and how fast that is.

use crate::{clients::Client, stage::Stage};
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
            finish_all(&client, &leases, done).await?;
        }
        Ok(())
    }
}

/// All at once, on one connection: the queue may take them together.
async fn finish_all(client: &Client, leases: &[Lease], done: &Done) -> Result<(), Status> {
    let finishes = leases.iter().map(|lease| {
        let mut client = client.clone();
        async move {
            client.finish(lease).await?;
            done.cycles.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Status>(())
        }
    });
    try_join_all(finishes).await.map(drop)
}

/// Counts here are far below 2^52, where a float begins to round.
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}
