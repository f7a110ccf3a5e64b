//! The loop that keeps the list of workers true: who was heard of, who is gone, who is drained.

use crate::{
    outages::Outages,
    reclaim::Watchfulness,
    store::{Store, StoreError},
    workers::Workers,
};
use codeimport_kit::Shutdown;
use std::time::Duration;
use tokio::time::Instant;

/// How often to look; so long does it take until all replicas know of a drain.
const INTERVAL: Duration = Duration::from_secs(2);

/// The loop of one process.
pub(crate) struct Watchdog {
    pub(crate) store: Store,
    pub(crate) workers: Workers,
    pub(crate) outages: Outages,
    /// A worker that was not heard of for so long is gone.
    pub(crate) silence: Duration,
}

impl Watchdog {
    /// Looks until the shutdown begins. Goes on after any error: that is its task.
    pub(crate) async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let mut hearing = Watchfulness::begin(self.silence, INTERVAL, Instant::now());
        loop {
            let may_be_gone = hearing.may_reclaim(Instant::now(), self.outages.last());
            if let Err(error) = self.look(may_be_gone).await {
                self.outages.note();
                tracing::warn!(error = &error as &dyn std::error::Error, "the list of workers could not be kept");
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = shutdown.drained() => return Ok(()),
            }
        }
    }

    /// Silence says nothing of a worker that could not have been heard.
    async fn look(&self, may_be_gone: bool) -> Result<(), StoreError> {
        let heard = self.workers.take_heard();
        if !heard.is_empty() {
            self.store.sight_workers(&heard).await?;
        }
        if may_be_gone {
            self.store.mark_gone_workers(self.silence).await?.iter().for_each(|worker_id| report_gone(worker_id));
        }
        // What an operator tells this process during the look may be lost by it: until the next one, in a moment.
        self.workers.replace_drained(self.store.drained_workers().await?);
        Ok(())
    }
}

fn report_gone(worker_id: &str) {
    metrics::counter!("codeimport_queue_workers_gone_total").increment(1);
    tracing::warn!(worker.id = worker_id, "a worker has not been heard of for a while: it is taken for gone");
}
