//! graphile_worker, the Rust one: one process, its local queue and batched completion on, as its own benchmark has it.

use super::{JOBS, PATIENCE};
use crate::{drive::count, report::Figure, stage::Server};
use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, WorkerContext, WorkerOptions,
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// Jobs that have run.
#[derive(Clone, Debug, Default)]
struct Ran(Arc<AtomicU32>);

/// A job that does nothing.
#[derive(Debug, Serialize, Deserialize)]
struct Nothing {
    url: String,
}

impl TaskHandler for Nothing {
    const IDENTIFIER: &'static str = "nothing";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        if let Some(ran) = context.get_ext::<Ran>() {
            ran.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok::<(), String>(())
    }
}

pub(crate) async fn measure(server: &Server) -> anyhow::Result<Vec<Figure>> {
    let url = server.create_database("graphile_rust").await?;
    let ran = Ran::default();
    let worker = WorkerOptions::default()
        .database_url(&url)
        .max_pg_conn(16)
        .concurrency(24)
        .poll_interval(Duration::from_millis(100))
        .local_queue(LocalQueueConfig::default().with_size(500))
        .complete_job_batch_delay(Duration::from_millis(5))
        .add_extension(ran.clone())
        .define_job::<Nothing>()
        .init()
        .await?;
    worker.create_utils().add_raw_jobs(&(0..JOBS).map(job).collect::<Vec<_>>()).await?;
    let began = Instant::now();
    tokio::select! {
        ended = worker.run() => ended?,
        () = all_have_run(&ran) => {}
        () = tokio::time::sleep(PATIENCE) => {}
    }
    let rate = count(u64::from(ran.0.load(Ordering::Relaxed))) / began.elapsed().as_secs_f64();
    Ok(vec![Figure::new("graphile_worker_rust", "graphile_worker 0.14 (Rust), in process", rate, "/s")])
}

fn job(number: u32) -> RawJobSpec {
    RawJobSpec {
        identifier: Nothing::IDENTIFIER.to_owned(),
        payload: serde_json::json!({ "url": format!("https://host.example/repository/{number}") }),
        spec: JobSpec::default(),
    }
}

/// The last completions, a batch of a local queue, are not waited for.
async fn all_have_run(ran: &Ran) {
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    while ran.0.load(Ordering::Relaxed) < JOBS {
        tick.tick().await;
    }
}
