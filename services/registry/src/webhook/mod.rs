//! Webhooks: who wants to be told what happens to imports by HTTP, and what became of it.
//!
//! Each webhook follows the audit trail by a cursor of its own; what passes its filter is sent in order, one at a time, until
//! its receiver has it or has been given up for this event. A receiver may be told the same event twice (under the same
//! `webhook-id`), and misses none.

mod message;
mod receiver;
mod retry;
mod sender;
mod signature;

pub use receiver::{Answer, ForbiddenReceiver, Receivers, check_url};
pub use retry::{RetryPolicy, Verdict};
pub use sender::{Sender, SenderSettings};
pub use signature::{SigningSecret, secret_name};

use crate::event_filter::EventFilter;
use codeimport_core::ImportId;
use jiff::Timestamp;

/// Names a webhook. Written like the id of an import.
pub type WebhookId = ImportId;

/// What people decide about a webhook.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebhookIntent {
    /// Where to send to.
    pub url: String,
    /// For people.
    pub description: String,
    /// Who may change it.
    pub owner: String,
    /// Which events are told.
    pub filter: EventFilter,
    /// Nothing is sent; when it goes on, it goes on where it was.
    pub is_paused: bool,
}

/// A stored webhook.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Webhook {
    /// Its name.
    pub webhook_id: WebhookId,
    /// What was decided.
    pub intent: WebhookIntent,
    /// When it was created.
    pub created_at: Timestamp,
    /// Rises with each change.
    pub version: i32,
}

/// A webhook that has something to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DueWebhook {
    /// Its name.
    pub webhook_id: WebhookId,
    /// Where to send to.
    pub url: String,
    /// Which events are told.
    pub filter: EventFilter,
    /// The last event that was looked at for it.
    pub cursor: i64,
    /// What is to be sent now; none if events have to be looked at first.
    pub delivery: Option<DueDelivery>,
}

/// A delivery whose time has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DueDelivery {
    /// Its number.
    pub delivery_id: i64,
    /// What it tells.
    pub event_id: i64,
    /// As it is sent.
    pub body: String,
    /// How often it was tried.
    pub attempt_count: i32,
}

/// How it stands with a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeliveryState {
    /// It is tried, or tried again.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// It was tried often enough.
    GivenUp,
}

/// An entry of the delivery log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// Its number.
    pub delivery_id: i64,
    /// What it tells.
    pub event_id: i64,
    /// How it stands.
    pub state: DeliveryState,
    /// Since when it is there.
    pub created_at: Timestamp,
    /// When it is tried next, while it waits.
    pub next_attempt_at: Timestamp,
    /// How often it was tried.
    pub attempt_count: i32,
    /// The last attempt; none before the first.
    pub attempted_at: Option<Timestamp>,
    /// What came of it.
    pub answer: Answer,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::GivenUp];

    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}
