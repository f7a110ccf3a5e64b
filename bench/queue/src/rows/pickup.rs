//! How long a worker that waits has to wait: from a person's request, and from the due time of a schedule.

use crate::{
    Args,
    clients::Client,
    drive::count,
    latency::Latencies,
    report::Figure,
    stage::{Server, Stage},
};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tonic::Status;

const WAITING_WORKERS: usize = 8;
/// Requests, 15 ms apart: 67 a second.
const REQUESTS: usize = 1_000;
const PAUSE: Duration = Duration::from_millis(15);
/// Jobs that are due every second.
const SCHEDULED: usize = 60;
const GOAL: &str = "p50 <= 1.5 ms, p99 <= 5 ms";

pub(crate) async fn measure(args: &Args, server: &Server) -> anyhow::Result<Vec<Figure>> {
    Ok(vec![requested(args, server).await?, due(args, server).await?])
}

async fn requested(args: &Args, server: &Server) -> anyhow::Result<Figure> {
    let stage = Stage::set(args, server, "pickup_requested", &[]).await?;
    let ids = put_jobs(&stage, 100, 86_400).await?;
    let seen = Seen::default();
    let workers = stage_workers(&stage)?.into_iter().map(|(client, name)| seen.wait_for_requests(client, name));
    tokio::select! {
        made = make_requests(stage.client()?, &ids, &seen) => made?,
        ended = try_join_all(workers) => drop(ended?),
    }
    Ok(figure("pickup_requested", "request -> a waiting worker has it, p50", &seen.latencies()))
}

async fn due(args: &Args, server: &Server) -> anyhow::Result<Figure> {
    let stage = Stage::set(args, server, "pickup_due", &[]).await?;
    put_jobs(&stage, SCHEDULED, 1).await?;
    let seen = Seen::default();
    let workers = stage_workers(&stage)?.into_iter().map(|(client, name)| seen.wait_for_due(client, name));
    tokio::select! {
        () = tokio::time::sleep(args.measured_for() * 2) => {}
        ended = try_join_all(workers) => drop(ended?),
    }
    Ok(figure("pickup_due", "due -> a waiting worker has it, p50", &seen.latencies()))
}

fn figure(key: &'static str, what: &str, latencies: &Latencies) -> Figure {
    let (p50, p99) = (latencies.percentile_ms(50), latencies.percentile_ms(99));
    let figure = Figure::new(key, what, p50, "ms").goal(GOAL, p50 <= 1.5 && p99 <= 5.0);
    figure.detail("p99 ms", p99).detail("samples", count(latencies.len() as u64))
}

async fn put_jobs(stage: &Stage, jobs: usize, interval_seconds: i64) -> anyhow::Result<Vec<String>> {
    let mut client = stage.client()?;
    let ids: Vec<String> = (0..jobs).map(|number| format!("job-{number}")).collect();
    for id in &ids {
        client.put(id, &format!("{id}.example"), interval_seconds).await?;
    }
    Ok(ids)
}

/// Names, and connections of their own.
fn stage_workers(stage: &Stage) -> anyhow::Result<Vec<(Client, String)>> {
    (0..WAITING_WORKERS).map(|number| Ok((stage.client()?, format!("worker-{number}")))).collect()
}

/// Requests on end, once the first runs of all jobs are over.
async fn make_requests(mut client: Client, ids: &[String], seen: &Seen) -> Result<(), Status> {
    let mut tick = tokio::time::interval(PAUSE);
    while lock(&seen.finished).len() < ids.len() {
        tick.tick().await;
    }
    for id in ids.iter().cycle().take(REQUESTS) {
        tick.tick().await;
        lock(&seen.asked).insert(id.clone(), Instant::now());
        client.request_run(id).await?;
    }
    Ok(())
}

/// What was asked for when, and how long it took.
#[derive(Default)]
struct Seen {
    asked: Mutex<HashMap<String, Instant>>,
    /// When each job is due next, once it has run.
    finished: Mutex<HashMap<String, Option<Timestamp>>>,
    latencies: Mutex<Latencies>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn latencies(&self) -> Latencies {
        lock(&self.latencies).clone()
    }

    async fn wait_for_requests(&self, mut client: Client, worker: String) -> Result<(), Status> {
        loop {
            for lease in client.acquire(&worker, 1, 30).await? {
                let asked = lock(&self.asked).remove(&lease.job_id);
                if let Some(asked) = asked {
                    lock(&self.latencies).add(asked.elapsed());
                }
                let next = client.finish(&lease).await?;
                lock(&self.finished).insert(lease.job_id, next);
            }
        }
    }

    /// By the machine's clock, which is the database's, too.
    async fn wait_for_due(&self, mut client: Client, worker: String) -> Result<(), Status> {
        loop {
            for lease in client.acquire(&worker, 1, 30).await? {
                let now = Timestamp::now();
                let due = lock(&self.finished).remove(&lease.job_id).flatten();
                if let Some(late) = due.and_then(|due| Duration::try_from(now.duration_since(due)).ok()) {
                    lock(&self.latencies).add(late);
                }
                let next = client.finish(&lease).await?;
                lock(&self.finished).insert(lease.job_id, next);
            }
        }
    }
}
