//! Tells the queue, at the start, what this worker is and can do.

use crate::{Config, VERSION, clients::Clients, drained::Drained};
use codeimport_kit::{Backoff, Shutdown};
use codeimport_proto::{
    convert::rcs_type_to_wire,
    queue::{Capability, RegisterWorkerRequest},
};
use std::time::Duration;

/// Delays between the attempts to register.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Makes this worker known to the queue, which may be away for as long as it likes. Nothing depends on it: a worker that
/// is not known may lease all the same.
pub(crate) async fn register(
    clients: Clients,
    config: Config,
    worker_id: String,
    drained: Drained,
    draining: Shutdown,
) {
    let request = RegisterWorkerRequest {
        worker_id,
        version: VERSION.to_owned(),
        slot_count: i32::try_from(config.slots).unwrap_or(i32::MAX),
        capabilities: tokio::task::spawn_blocking(capabilities).await.unwrap_or_default(),
    };
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        match clients.leases().register_worker(request.clone()).await {
            Ok(answer) => return drained.set(answer.into_inner().drain),
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
