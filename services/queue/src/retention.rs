//! The loop that deletes what nobody asks for any more: piece by piece, with a breath between, so that leases do not
//! notice.

use crate::store::{Retention, Store, StoreError};
use codeimport_core::RunId;
use codeimport_kit::Shutdown;
use std::time::Duration;

/// How often to begin anew.
const INTERVAL: Duration = Duration::from_secs(600);

/// Breath between two pieces.
const BREATH: Duration = Duration::from_millis(100);

/// What a sweep deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// Runs, with their logs.
    pub run_count: u64,
    /// Records of which leases a request was granted.
    pub request_count: u64,
    /// Workers.
    pub worker_count: u64,
}

/// Sweeps until the shutdown begins. Goes on after any error: that is its task.
pub(crate) async fn run(store: Store, keep: Retention, shutdown: Shutdown) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shutdown.drained() => return Ok(()),
        }
        tokio::select! {
            swept = sweep(&store, &keep, BREATH) => report(swept),
            () = shutdown.drained() => return Ok(()),
        }
    }
}

/// Deletes all that is too old.
///
/// # Errors
///
/// Only the database's; what was deleted before stays so.
pub async fn sweep(store: &Store, keep: &Retention, breath: Duration) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    let mut after = Some(RunId(0));
    while let Some(from) = after {
        let piece = store.prune_runs(from, keep).await?;
        swept.run_count += u64::from(piece.deleted_count);
        after = piece.next;
        tokio::time::sleep(breath).await;
    }
    loop {
        let forgotten = store.forget_requests(keep).await?;
        swept.request_count += forgotten;
        if forgotten == 0 {
            break;
        }
        tokio::time::sleep(breath).await;
    }
    swept.worker_count = store.forget_workers(keep).await?;
    Ok(swept)
}

fn report(swept: Result<Swept, StoreError>) {
    match swept {
        Ok(swept) if swept == Swept::default() => {}
        Ok(swept) => {
            metrics::counter!("codeimport_queue_runs_pruned_total").increment(swept.run_count);
            tracing::info!(
                run.count = swept.run_count,
                request.count = swept.request_count,
                worker.count = swept.worker_count,
                "deleted what is too old"
            );
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "old runs could not be deleted");
        }
    }
}
