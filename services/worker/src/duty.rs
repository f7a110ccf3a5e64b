//! What the queue wants of this worker: to take jobs, or to be drained. The queue says so with each answer.

use crate::{Config, VERSION, clients::Clients};
use codeimport_kit::{Backoff, Shutdown};
use codeimport_proto::{
    convert::rcs_type_to_wire,
    queue::{Capability, RegisterWorkerRequest},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Delays between the attempts to register.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Whether the queue has drained this worker. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Duty(Arc<watch::Sender<bool>>);

impl Default for Duty {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Duty {
    /// The queue has said so just now.
    pub(crate) fn set_drained(&self, drained: bool) {
        let changed = self.0.send_if_modified(|before| std::mem::replace(before, drained) != drained);
        if changed {
            tracing::info!(worker.is_drained = drained, "the queue says whether jobs are to be taken");
        }
    }

    /// Whether no jobs are to be taken.
    pub(crate) fn is_drained(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes once jobs are to be taken.
    pub(crate) async fn resumed(&self) {
        // The sender is ours: it does not go away.
        let _ = self.0.subscribe().wait_for(|drained| !drained).await;
    }
}

/// Makes this worker known to the queue, which may be away for as long as it likes. Nothing depends on it: a worker that
/// is not known may lease all the same.
pub(crate) async fn register(clients: Clients, config: Config, worker_id: String, duty: Duty, draining: Shutdown) {
    let request = RegisterWorkerRequest {
        worker_id,
        version: VERSION.to_owned(),
        slot_count: i32::try_from(config.slots).unwrap_or(i32::MAX),
        capabilities: tokio::task::spawn_blocking(capabilities).await.unwrap_or_default(),
    };
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        match clients.leases().register_worker(request.clone()).await {
            Ok(answer) => return duty.set_drained(answer.into_inner().drain),
            Err(status) => {
                tracing::warn!(error.code = ?status.code(), error.message = status.message(), "cannot register");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.next_delay()) => {}
            () = draining.drained() => return,
        }
    }
}

fn capabilities() -> Vec<Capability> {
    let types = codeimport_convert::supported_types().iter();
    let capability = types.map(|rcs_type| Capability {
        rcs_type: rcs_type_to_wire(*rcs_type).into(),
        tools: codeimport_convert::tool_versions(*rcs_type),
    });
    capability.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_not_drained_need_not_wait() {
        let duty = Duty::default();
        duty.resumed().await;
        duty.set_drained(true);
        assert!(duty.is_drained());
        tokio::join!(duty.resumed(), async { duty.set_drained(false) });
    }
}
