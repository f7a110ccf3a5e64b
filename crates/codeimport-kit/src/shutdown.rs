//! The one signal by which a process is told to stop.
//!
//! Stopping has one direction: once begun it is never taken back. Whoever waits for work waits for this beside it.

use crate::tasks;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Tells all parts of a service that it stops. Clones share the signal.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A signal that nobody has given yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A signal given by SIGTERM or SIGINT. Call once per process, inside a runtime.
    ///
    /// # Errors
    ///
    /// If the operating system refuses a signal handler.
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let begun = shutdown.clone();
        tasks::spawn("kit.signals", async move {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            tracing::info!(signal.name = name, "asked to stop: draining");
            begun.begin();
        });
        Ok(shutdown)
    }

    /// Gives the signal. Again is the same as once.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Whether the signal was given: take no new work.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Completes when the signal is given; at once if it was. Safe to cancel.
    pub async fn drained(&self) {
        self.0.cancelled().await;
    }

    /// A signal that is given with this one, and can be given alone without touching this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_given_early_reaches_who_waits_late() {
        let shutdown = Shutdown::new();
        let other = shutdown.clone();
        assert!(!other.is_draining());
        shutdown.begin();
        other.drained().await;
        assert!(other.is_draining());
    }

    #[test]
    fn stopping_a_part_does_not_stop_the_whole() {
        let whole = Shutdown::new();
        let part = whole.child();
        part.begin();
        assert!(!whole.is_draining());
        whole.begin();
        assert!(whole.child().is_draining());
    }
}
