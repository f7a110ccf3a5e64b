//! How a stage is watched and stopped.

use codeimport_core::Stage;
use codeimport_subprocess::Cancel;
use std::sync::Arc;

/// How far a stage has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The stage these figures are about.
    pub stage: Stage,
    /// Units done so far.
    pub done: u64,
    /// Units in all, once known.
    pub total: Option<u64>,
    /// What is counted: "objects", "commits", "refs".
    pub unit: &'static str,
    /// Bytes received from the source in this stage.
    pub received_bytes: u64,
}

impl Progress {
    /// A stage that has just begun.
    #[must_use]
    pub fn begin(stage: Stage, unit: &'static str) -> Self {
        Self { stage, done: 0, total: None, unit, received_bytes: 0 }
    }
}

/// Whoever wants to know how it goes. Called from any thread, a few times a second at most; must not block.
pub trait Observer: Send + Sync {
    /// The newest figures; they replace all earlier ones.
    fn progress(&self, progress: &Progress);
    /// Something worth a line in the run's log. May contain what a server said, scrubbed of credentials.
    fn note(&self, stage: Stage, text: &str);
}

/// Given to every stage: whom to tell, and whether to stop.
#[derive(Clone)]
pub struct Watch {
    cancel: Cancel,
    observer: Arc<dyn Observer>,
}

impl Watch {
    /// A watch over one run.
    #[must_use]
    pub fn new(cancel: Cancel, observer: Arc<dyn Observer>) -> Self {
        Self { cancel, observer }
    }

    /// A watch that nobody looks at, and that never stops anything.
    #[must_use]
    pub fn none() -> Self {
        struct Nobody;
        impl Observer for Nobody {
            fn progress(&self, _: &Progress) {}
            fn note(&self, _: Stage, _: &str) {}
        }
        Self::new(Cancel::new(), Arc::new(Nobody))
    }

    /// The flag that stops the run.
    #[must_use]
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Tells how far the stage is.
    pub fn progress(&self, progress: &Progress) {
        self.observer.progress(progress);
    }

    /// Writes a line to the run's log.
    pub fn note(&self, stage: Stage, text: impl AsRef<str>) {
        self.observer.note(stage, &codeimport_core::scrub(text.as_ref()));
    }

    /// Stops here if the run is to stop.
    ///
    /// # Errors
    ///
    /// [`Outcome::Cancelled`](codeimport_core::Outcome::Cancelled).
    pub fn check(&self, stage: Stage) -> Result<(), crate::ConvertError> {
        if self.cancel.is_cancelled() { Err(crate::ConvertError::cancelled(stage)) } else { Ok(()) }
    }
}
