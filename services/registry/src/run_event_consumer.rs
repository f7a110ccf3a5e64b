//! Follows the queue's run events and applies them, from where the cursor stands.
//!
//! Told at least once, applied once: see [`Store::apply_run_events`]. Should two replicas follow for a moment, the work is done
//! by whoever comes first.

use crate::{run_effect::RunEffect, store::Store, work::Work};
use codeimport_kit::client::OutboundChannel;
use codeimport_pg::DbError;
use codeimport_proto::queue::{
    RunEvent, WatchRunEventsRequest, WatchRunEventsResponse, run_service_client::RunServiceClient,
};
use std::time::Duration;
use tonic::{Status, Streaming};

/// Between two streams.
const PAUSE: Duration = Duration::from_millis(200);

/// The consumer of one process.
pub struct RunEventConsumer {
    store: Store,
    queue: RunServiceClient<OutboundChannel>,
}

/// Why following came to an end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interruption {
    #[error("the database cannot take run events: {0}")]
    Database(#[from] DbError),
    #[error("the queue's run events cannot be followed: {}", .0.message())]
    Queue(#[from] Box<Status>),
}

impl Work for RunEventConsumer {
    type Interruption = Interruption;

    /// Follows one stream to its end. The queue ends it in order when it stops; another replica takes over.
    async fn pass(&mut self) -> Result<(), Interruption> {
        self.follow().await
    }

    async fn wait(&mut self) {
        tokio::time::sleep(PAUSE).await;
    }
}

impl RunEventConsumer {
    /// A consumer of a queue's events. The channel must add no deadline: the stream stays open.
    #[must_use]
    pub fn new(store: Store, queue: OutboundChannel) -> Self {
        Self { store, queue: RunServiceClient::new(queue) }
    }

    async fn follow(&mut self) -> Result<(), Interruption> {
        let mut events = self.open().await?;
        while let Some(answer) = events.message().await.map_err(Box::new)? {
            let batch: Vec<_> = answer.events.iter().map(effect_of).collect();
            self.store.apply_run_events(&batch).await?;
            metrics::counter!("codeimport_registry_run_events_total").increment(batch.len() as u64);
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
