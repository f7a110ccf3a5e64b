//! The loop that sets the gauges.

use crate::{
    explain::WaitReason,
    stats::Load,
    store::{Store, StoreError},
};
use codeimport_core::RcsType;
use codeimport_kit::Shutdown;
use std::time::Duration;

/// How often they are set.
const INTERVAL: Duration = Duration::from_secs(10);

/// Measures until the shutdown begins. Goes on after any error: that is its task.
pub(crate) async fn run(store: Store, shutdown: Shutdown) -> anyhow::Result<()> {
    loop {
        if let Err(error) = measure(&store).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the load could not be measured");
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shutdown.drained() => return Ok(()),
        }
    }
}

async fn measure(store: &Store) -> Result<(), StoreError> {
    let load = store.load().await?;
    let total = load.total();
    metrics::gauge!("codeimport_queue_jobs_due").set(total.due_count);
    metrics::gauge!("codeimport_queue_jobs_running").set(total.leased_count);
    metrics::gauge!("codeimport_queue_oldest_due_age_seconds").set(total.oldest_due_age);
    metrics::gauge!("codeimport_queue_board_jobs").set(store.board_job_count());
    set_reasons(store, &load);
    set_types(&load);
    Ok(())
}

/// All of them: what is over has to be seen as zero.
fn set_reasons(store: &Store, load: &Load) {
    let counts = load.by_reason(store.host_policy());
    for reason in WaitReason::ALL.iter().filter(|reason| **reason > WaitReason::NotDue) {
        let count = counts.get(reason).copied().unwrap_or_default();
        metrics::gauge!("codeimport_queue_jobs_waiting", "reason" => reason.name()).set(count);
    }
}

fn set_types(load: &Load) {
    let types = load.by_type();
    for rcs_type in RcsType::ALL {
        let figures = types.get(rcs_type).copied().unwrap_or_default();
        let name = rcs_type.name();
        metrics::gauge!("codeimport_queue_type_jobs_due", "rcs_type" => name).set(figures.due_count);
        metrics::gauge!("codeimport_queue_type_jobs_running", "rcs_type" => name).set(figures.leased_count);
        metrics::gauge!("codeimport_queue_workers", "rcs_type" => name).set(figures.worker_count);
    }
}
