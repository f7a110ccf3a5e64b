//! Follows the queue's run events and applies them, from where the cursor stands.
//!
//! Told at least once, applied once: see [`Store::apply_run_events`]. Every replica follows; the work is done by
//! whoever comes first.

use crate::{run_effect::RunEffect, store::Store};
use codeimport_kit::{Backoff, Shutdown, client::OutboundChannel};
use codeimport_pg::DbError;
use codeimport_proto::queue::{
    RunEvent, WatchRunEventsRequest, WatchRunEventsResponse, run_service_client::RunServiceClient,
};
use tonic::{Status, Streaming};

/// The consumer of one process.
pub struct RunEventConsumer {
    store: Store,
    queue: RunServiceClient<OutboundChannel>,
    backoff: Backoff,
}

/// Why following came to an end.
#[derive(Debug, thiserror::Error)]
enum Interruption {
    #[error("the database cannot take run events")]
    Database(#[from] DbError),
    #[error("the queue's run events cannot be followed: {}", .0.message())]
    Queue(#[from] Box<Status>),
}

impl RunEventConsumer {
    /// A consumer of a queue's events. The channel must add no deadline: the stream stays open.
    #[must_use]
    pub fn new(store: Store, queue: OutboundChannel) -> Self {
        Self { store, queue: RunServiceClient::new(queue), backoff: crate::queue_backoff() }
    }

    /// Follows until told to stop.
    ///
    /// # Errors
    ///
    /// Never; failures are waited out.
    pub async fn run(mut self, shutdown: Shutdown) -> anyhow::Result<()> {
        while !shutdown.is_draining() {
            tokio::select! {
                () = shutdown.drained() => break,
                () = self.round() => {}
            }
        }
        Ok(())
    }

    /// Follows one stream to its end, and waits before the next.
    async fn round(&mut self) {
        if let Err(interruption) = self.follow().await {
            let delay = self.backoff.next_delay();
            if self.backoff.is_first() {
                tracing::warn!(error.cause = %interruption, "run events wait: trying again");
            }
            tokio::time::sleep(delay).await;
        } else {
            // The queue has ended the stream in order, as it does when it stops; another replica takes over.
            self.backoff.reset();
            tokio::time::sleep(self.backoff.next_delay()).await;
        }
    }

    async fn follow(&mut self) -> Result<(), Interruption> {
        let mut events = self.open().await?;
        while let Some(answer) = events.message().await.map_err(Box::new)? {
            let batch: Vec<_> = answer.events.iter().map(effect_of).collect();
            self.store.apply_run_events(&batch).await?;
            metrics::counter!("codeimport_registry_run_events_total").increment(batch.len() as u64);
            self.backoff.reset();
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<Streaming<WatchRunEventsResponse>, Interruption> {
        let after_sequence = self.store.run_event_cursor().await?;
        let opened = self.queue.watch_run_events(WatchRunEventsRequest { after_sequence }).await;
        Ok(opened.map_err(Box::new)?.into_inner())
    }
}

fn effect_of(event: &RunEvent) -> (i64, Option<RunEffect>) {
    let effect = RunEffect::from_wire(event);
    if effect.is_none() {
        tracing::error!(run_event.sequence = event.sequence, "a run event makes no sense here and has no effect");
    }
    (event.sequence, effect)
}
