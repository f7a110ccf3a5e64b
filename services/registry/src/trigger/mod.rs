//! Triggers: a source says that something was pushed, and a run is asked for.
//!
//! A push that is proven is written down before it is answered, and told to the queue from there: so the queue may be away,
//! and pushes that come thick and fast are one run at the end of the cool-down. None is forgotten.

mod listener;
mod proof;
mod relay;

pub use listener::Listener;
pub use proof::{Proof, TriggerSecret, is_push};
pub use relay::Relay;

use codeimport_core::ImportId;
use jiff::Timestamp;

/// Under which name the secret of an import's trigger is stored.
#[must_use]
pub fn secret_name(import_id: &ImportId) -> String {
    format!("trigger {import_id}")
}

/// A trigger, without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trigger {
    /// The import that it starts.
    pub import_id: ImportId,
    /// When it was created.
    pub created_at: Timestamp,
    /// The last push; none if there was none yet.
    pub pushed_at: Option<Timestamp>,
}

/// A push that the queue has to be told of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DueTrigger {
    /// The import to run.
    pub import_id: ImportId,
    /// The push. One that comes later is another one.
    pub pushed_at: Timestamp,
}
