//! Tells the queue of pushes, until it has heard of each.

use crate::{store::Store, trigger::DueTrigger, work::Work};
use codeimport_kit::{client::OutboundChannel, reason_of};
use codeimport_pg::DbError;
use codeimport_proto::{
    common::ErrorReason,
    queue::{RequestRunRequest, schedule_service_client::ScheduleServiceClient},
};
use std::time::Duration;
use tonic::Status;

/// Who asks, in the queue's records.
const REQUESTED_BY: &str = "trigger";
/// So many pushes are read at once.
const BATCH: i64 = 100;
/// Ends of cool-downs, and other replicas' pushes, are found by looking.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The relay of one process.
pub struct Relay {
    store: Store,
    queue: ScheduleServiceClient<OutboundChannel>,
    cool_down: Duration,
}

/// Why a pass ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interruption {
    #[error("pushes cannot be read: {0}")]
    Database(#[from] DbError),
    #[error("the queue cannot be told of pushes: {}", .0.message())]
    Queue(#[from] Box<Status>),
}

impl Relay {
    /// A relay to a queue, which is told of pushes to one import so far apart.
    #[must_use]
    pub fn new(store: Store, queue: OutboundChannel, cool_down: Duration) -> Self {
        Self { store, queue: ScheduleServiceClient::new(queue), cool_down }
    }

    async fn tell(&self, due: &DueTrigger) -> Result<(), Interruption> {
        let request = RequestRunRequest { job_id: due.import_id.to_string(), requested_by: REQUESTED_BY.to_owned() };
        match self.queue.clone().request_run(request).await {
            Ok(_) => metrics::counter!("codeimport_registry_pushes_relayed_total").increment(1),
            Err(status) if is_pointless(&status) => {
                tracing::debug!(import.id = %due.import_id, rpc.message = status.message(), "a push starts no run");
            }
            Err(status) => return Err(Box::new(status).into()),
        }
        Ok(self.store.trigger_told(due, self.cool_down).await?)
    }
}

/// An import that does not run, or that the queue is about to hear of: it will be due then.
fn is_pointless(status: &Status) -> bool {
    matches!(reason_of(status), Some(ErrorReason::JobStopped | ErrorReason::JobNotFound | ErrorReason::FieldViolation))
}

impl Work for Relay {
    type Interruption = Interruption;

    async fn pass(&mut self) -> Result<(), Interruption> {
        loop {
            let due = self.store.due_triggers(BATCH).await?;
            if due.is_empty() {
                return Ok(());
            }
            for one in &due {
                self.tell(one).await?;
            }
        }
    }

    async fn wait(&mut self) {
        tokio::select! {
            () = self.store.pushed() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
    }
}
