//! Work that one replica does at a time: whoever holds the duty.
//!
//! It makes the work cheap, not right: a replica that was held up goes on for a moment after it has lost its duty. What is
//! done has to bear being done by two.

use crate::{
    store::Store,
    work::{self, Work},
};
use codeimport_kit::Shutdown;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How long others wait for a holder that says nothing. What is left undone by one that died waits so long.
const TTL: Duration = Duration::from_secs(3);
/// How often the holder says that it is there, and the others ask.
const INTERVAL: Duration = Duration::from_secs(1);

/// A duty, as one process sees it.
pub(crate) struct Duty {
    store: Store,
    name: &'static str,
    holder: Uuid,
}

impl Duty {
    /// The duty of this name, which this process does not have yet.
    pub(crate) fn new(store: Store, name: &'static str) -> Self {
        Self { store, name, holder: Uuid::new_v4() }
    }

    /// Works whenever the duty can be had, until told to stop.
    ///
    /// # Errors
    ///
    /// Never; failures are waited out.
    pub(crate) async fn run(self, mut work: impl Work, shutdown: Shutdown) -> anyhow::Result<()> {
        while !shutdown.is_draining() {
            tokio::select! {
                () = shutdown.drained() => break,
                () = self.turn(&mut work) => {}
            }
        }
        // Should this fail, it expires.
        let _ = self.store.leave_duty(self.name, self.holder).await;
        Ok(())
    }

    /// From the taking of the duty to its loss.
    async fn turn(&self, work: &mut impl Work) {
        self.taken().await;
        tracing::info!(duty.name = self.name, "this replica has the duty now");
        tokio::select! {
            () = self.lost() => tracing::warn!(duty.name = self.name, "this replica has lost the duty"),
            () = work::for_ever(work) => {}
        }
    }

    async fn taken(&self) {
        while !matches!(self.store.take_duty(self.name, self.holder, TTL).await, Ok(true)) {
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Keeps the duty for as long as that is possible.
    async fn lost(&self) {
        let mut kept_at = Instant::now();
        loop {
            tokio::time::sleep(INTERVAL).await;
            let asked_at = Instant::now();
            let kept = tokio::time::timeout(INTERVAL, self.store.take_duty(self.name, self.holder, TTL)).await;
            match kept {
                Ok(Ok(true)) => kept_at = asked_at,
                Ok(Ok(false)) => return,
                // Nobody can tell. It is ours until it may have expired.
                Ok(Err(_)) | Err(_) if kept_at.elapsed() < TTL - INTERVAL => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }
}
