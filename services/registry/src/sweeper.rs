//! Deletes by and by what nobody reads any more: histories of deleted imports, and those that a rescan has replaced.
//!
//! Replicas may do so side by side. What fails is done the next time.

use crate::store::Store;
use codeimport_kit::Shutdown;
use std::time::Duration;

/// How long between two looks when there was nothing.
const INTERVAL: Duration = Duration::from_secs(30);

/// Sweeps until told to stop.
///
/// # Errors
///
/// Never; failures are waited out.
pub(crate) async fn run(store: Store, shutdown: Shutdown) -> anyhow::Result<()> {
    while !shutdown.is_draining() {
        tokio::select! {
            () = shutdown.drained() => break,
            () = round(&store) => {}
        }
    }
    Ok(())
}

async fn round(store: &Store) {
    match store.sweep_dropped_history().await {
        Ok(true) => {}
        Ok(false) => tokio::time::sleep(INTERVAL).await,
        Err(error) => {
            tracing::warn!(error.cause = %error, "revisions that nobody reads cannot be deleted: trying again");
            tokio::time::sleep(INTERVAL).await;
        }
    }
}
