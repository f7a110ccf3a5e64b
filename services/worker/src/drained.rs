//! Whether an operator has drained this worker: then it takes no jobs. The queue says so with each answer.

use std::sync::Arc;
use tokio::sync::watch;

/// What the queue has said last. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Drained(Arc<watch::Sender<bool>>);

impl Default for Drained {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Drained {
    /// The queue has said so just now.
    pub(crate) fn set(&self, drained: bool) {
        let changed = self.0.send_if_modified(|before| std::mem::replace(before, drained) != drained);
        if changed {
            tracing::info!(worker.is_drained = drained, "the queue says whether jobs are to be taken");
        }
    }

    /// Whether no jobs are to be taken.
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes once jobs are to be taken.
    pub(crate) async fn resumed(&self) {
        // The sender is ours: it does not go away.
        let _ = self.0.subscribe().wait_for(|drained| !drained).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_not_drained_need_not_wait() {
        let drained = Drained::default();
        drained.resumed().await;
        drained.set(true);
        assert!(drained.is_set());
        tokio::join!(drained.resumed(), async { drained.set(false) });
    }
}
