//! How the parts of one process tell each other that there is something new to see.
//!
//! A hint and never a message: whoever waits looks into the database, before and after, and looks again by itself after
//! a while, because another replica may have made the change. To win the race: get ready to be woken *before* looking.

use std::sync::Arc;
use tokio::sync::{Notify, futures::Notified};

/// What can be waited for. Clones share it.
#[derive(Clone, Default, Debug)]
pub struct Wakeups {
    job_due: Arc<Notify>,
    run_changed: Arc<Notify>,
}

impl Wakeups {
    /// A job may be due earlier than it was.
    pub fn wake_for_job(&self) {
        self.job_due.notify_waiters();
    }

    /// A run has changed or ended.
    pub fn wake_for_run(&self) {
        self.run_changed.notify_waiters();
    }

    /// Completes at the next [`wake_for_job`](Self::wake_for_job) after this call.
    ///
    /// The call counts, not the first poll (tokio, `Notify::notified`): nothing more is needed to be in time.
    pub fn job_due(&self) -> Notified<'_> {
        self.job_due.notified()
    }

    /// Completes at the next [`wake_for_run`](Self::wake_for_run) after this call.
    pub fn run_changed(&self) -> Notified<'_> {
        self.run_changed.notified()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wake_up_between_getting_ready_and_waiting_is_not_lost() {
        let wakeups = Wakeups::default();
        let woken = wakeups.job_due();
        wakeups.wake_for_job();
        woken.await;
    }
}
