//! Deletes by and by what nobody reads any more: histories of deleted imports, and those that a rescan has replaced.
//!
//! Replicas may do so side by side. What fails is done the next time.

use crate::{store::Store, work::Work};
use codeimport_pg::DbError;
use std::time::Duration;

/// How long between two looks when there was nothing.
const INTERVAL: Duration = Duration::from_secs(30);

/// The loop of one process.
pub(crate) struct Sweeper(pub(crate) Store);

impl Work for Sweeper {
    type Interruption = DbError;

    async fn pass(&mut self) -> Result<(), DbError> {
        while self.0.sweep_dropped_history().await? {}
        Ok(())
    }

    async fn wait(&mut self) {
        tokio::time::sleep(INTERVAL).await;
    }
}
