//! The relay: tells the queue what it has to know, until it has acknowledged it.
//!
//! At least once, and in any order if several replicas relay: the queue refuses an older generation, and an
//! acknowledgement deletes only the generation that was sent. So whatever happens, the queue ends with the newest wish.

use crate::store::{ScheduleWish, Store};
use codeimport_core::ImportId;
use codeimport_kit::{Backoff, Shutdown, client::OutboundChannel};
use codeimport_pg::DbError;
use codeimport_proto::{
    convert::{duration_to_wire, rcs_type_to_wire, schedule_state_to_wire},
    queue::{AdaptiveInterval, PutScheduleRequest, Schedule, schedule_service_client::ScheduleServiceClient},
};
use futures_util::future::join_all;
use std::time::Duration;
use tonic::{Code, Status};

/// Other replicas' wishes, and our own after a restart, are found by looking.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// So many wishes are read at once.
const BATCH: i64 = 100;

/// So many are under way together. Each is about another import, so their order does not matter.
const AT_ONCE: usize = 16;

/// The relay of one process.
pub struct Relay {
    store: Store,
    queue: ScheduleServiceClient<OutboundChannel>,
    backoff: Backoff,
}

/// Why a pass over the outbox ended early.
enum Interruption {
    Database(DbError),
    Queue(Status),
}

impl Relay {
    /// A relay to a queue.
    #[must_use]
    pub fn new(store: Store, queue: OutboundChannel) -> Self {
        Self { store, queue: ScheduleServiceClient::new(queue), backoff: crate::queue_backoff() }
    }

    /// Relays until told to stop.
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

    /// One pass, and the wait for the next.
    async fn round(&mut self) {
        match self.pass().await {
            Ok(()) => {
                self.backoff.reset();
                self.report_lag().await;
                tokio::select! {
                    () = self.store.outbox_filled() => {}
                    () = tokio::time::sleep(POLL_INTERVAL) => {}
                }
            }
            Err(interruption) => {
                let delay = self.backoff.next_delay();
                if self.backoff.is_first() {
                    interruption.log();
                }
                self.report_lag().await;
                tokio::time::sleep(delay).await;
            }
        }
    }

    /// For operators: how far the queue is behind. Zero as a rule; what stays is refused, or the queue is away.
    async fn report_lag(&self) {
        if let Ok(age) = self.store.oldest_wish_age().await {
            metrics::gauge!("codeimport_registry_oldest_wish_seconds").set(age.as_secs_f64());
        }
    }

    /// Sends everything that waits. A wish that the queue refuses as such is left behind and does not hold up others.
    async fn pass(&self) -> Result<(), Interruption> {
        let mut after = 0;
        loop {
            let wishes = self.store.waiting_wishes(after, BATCH).await.map_err(Interruption::Database)?;
            for some in wishes.chunks(AT_ONCE) {
                let sent = join_all(some.iter().map(|(id, generation, wish)| self.send(id, *generation, wish))).await;
                sent.into_iter().collect::<Result<(), _>>()?;
            }
            match wishes.last() {
                Some((_, generation, _)) => after = *generation,
                None => return Ok(()),
            }
        }
    }

    async fn send(&self, id: &ImportId, generation: i64, wish: &ScheduleWish) -> Result<(), Interruption> {
        match self.queue.clone().put_schedule(request(id, generation, wish)).await {
            Ok(_) => {
                metrics::counter!("codeimport_registry_wishes_relayed_total").increment(1);
                tracing::debug!(import.id = %id, schedule.generation = generation, "the queue has the schedule");
                self.store.acknowledge_wish(id, generation).await.map_err(Interruption::Database)
            }
            Err(status) if status.code() == Code::InvalidArgument => {
                metrics::counter!("codeimport_registry_wishes_refused_total").increment(1);
                tracing::error!(import.id = %id, schedule.generation = generation, rpc.message = status.message(),
                    "the queue refuses a schedule; it is offered again");
                Ok(())
            }
            Err(status) => Err(Interruption::Queue(status)),
        }
    }
}

impl Interruption {
    fn log(&self) {
        match self {
            Self::Database(error) => {
                tracing::warn!(error.cause = %error, "the outbox cannot be read: trying again");
            }
            Self::Queue(status) => {
                tracing::warn!(rpc.code = ?status.code(), rpc.message = status.message(),
                    "the queue cannot be told of changes: trying again");
            }
        }
    }
}

fn request(import_id: &ImportId, generation: i64, wish: &ScheduleWish) -> PutScheduleRequest {
    let schedule = Schedule {
        state: schedule_state_to_wire(wish.state).into(),
        update_interval: Some(duration_to_wire(wish.update_interval)),
        rcs_type: rcs_type_to_wire(wish.rcs_type).into(),
        source_host: wish.source_host.clone(),
        owner: wish.owner.clone(),
        adaptive_interval: wish.adaptive_interval.map(|bounds| AdaptiveInterval {
            shortest: Some(duration_to_wire(bounds.shortest)),
            longest: Some(duration_to_wire(bounds.longest)),
        }),
    };
    PutScheduleRequest {
        job_id: import_id.as_str().to_owned(),
        generation,
        schedule: Some(schedule),
        resume: wish.resume,
    }
}
