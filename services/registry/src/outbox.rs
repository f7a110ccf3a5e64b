//! The relay: tells the queue what it has to know, until it has acknowledged it.
//!
//! At least once, and in any order, should two replicas relay for a moment: the queue refuses an older generation, and an
//! acknowledgement deletes only the generation that was sent. So whatever happens, the queue ends with the newest wish.

use crate::{
    store::{ScheduleWish, Store},
    work::Work,
};
use codeimport_core::ImportId;
use codeimport_kit::client::OutboundChannel;
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
}

/// Why a pass over the outbox ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interruption {
    #[error("the outbox cannot be read: {0}")]
    Database(#[from] DbError),
    #[error("the queue cannot be told of changes: {}", .0.message())]
    Queue(#[from] Box<Status>),
}

impl Work for Relay {
    type Interruption = Interruption;

    async fn pass(&mut self) -> Result<(), Interruption> {
        let sent = self.send_all().await;
        self.report_lag().await;
        sent
    }

    async fn wait(&mut self) {
        tokio::select! {
            () = self.store.outbox_filled() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
    }
}

impl Relay {
    /// A relay to a queue.
    #[must_use]
    pub fn new(store: Store, queue: OutboundChannel) -> Self {
        Self { store, queue: ScheduleServiceClient::new(queue) }
    }

    /// For operators: how far the queue is behind. Zero as a rule; what stays is refused, or the queue is away.
    async fn report_lag(&self) {
        if let Ok(age) = self.store.oldest_wish_age().await {
            metrics::gauge!("codeimport_registry_oldest_wish_seconds").set(age.as_secs_f64());
        }
    }

    /// Sends everything that waits. A wish that the queue refuses as such is left behind and does not hold up others.
    async fn send_all(&self) -> Result<(), Interruption> {
        let mut after = 0;
        loop {
            let wishes = self.store.waiting_wishes(after, BATCH).await?;
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
                Ok(self.store.acknowledge_wish(id, generation).await?)
            }
            Err(status) if status.code() == Code::InvalidArgument => {
                metrics::counter!("codeimport_registry_wishes_refused_total").increment(1);
                tracing::error!(import.id = %id, schedule.generation = generation, rpc.message = status.message(),
                    "the queue refuses a schedule; it is offered again");
                Ok(())
            }
            Err(status) => Err(Box::new(status).into()),
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
