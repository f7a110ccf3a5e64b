//! The loop that tells runs to stop that take too long, or get nowhere.

use crate::store::{Stopped, Store};
use codeimport_kit::Shutdown;
use std::time::Duration;

/// How often to look. Deadlines are hours, stall limits minutes.
const INTERVAL: Duration = Duration::from_secs(5);

/// Looks until the shutdown begins. Goes on after any error: that is its task.
pub(crate) async fn run(store: Store, shutdown: Shutdown) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shutdown.drained() => return Ok(()),
        }
        match store.stop_overruns().await {
            Ok(stopped) => stopped.iter().for_each(report),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "overlong runs could not be looked for");
            }
        }
    }
}

fn report(stopped: &Stopped) {
    metrics::counter!("codeimport_queue_overruns_total").increment(1);
    tracing::warn!(job.id = %stopped.job_id, run.id = %stopped.run_id, reason = stopped.reason, "told a run to stop");
}
