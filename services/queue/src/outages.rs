//! When the database was last seen to be away.
//!
//! Whoever could not reach the database could not store a heartbeat either: so for a while after that, silence says
//! nothing about a worker.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

/// The moment of the last trouble. Clones share it.
#[derive(Clone, Default, Debug)]
pub struct Outages(Arc<Mutex<Option<Instant>>>);

impl Outages {
    /// Notes that a call could not be stored just now.
    pub fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// The last time that was so.
    #[must_use]
    pub fn last(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
