//! A flag that one thread raises to make others stop.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A cancellation flag. Clones share it; once raised it stays raised.
#[derive(Clone, Default, Debug)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag. A program that runs under it is ended within a few tens of milliseconds plus
    /// [`Command::grace`](crate::Command::grace).
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the flag is raised.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
