//! Connections to queue and registry. Made with the first call, and again whenever they break.

use crate::Config;
use codeimport_kit::{
    Backoff,
    client::{self, InvalidServerUrl, Outbound, OutboundChannel},
};
use codeimport_proto::{
    queue::lease_service_client::LeaseServiceClient,
    registry::{run_support_service_client::RunSupportServiceClient, scan_service_client::ScanServiceClient},
};
use std::time::Duration;

/// Deadline of calls that do not wait for anything.
const CALL_DEADLINE: Duration = Duration::from_secs(20);

/// Deadline of a swap. The registry makes all revisions of a first scan visible in one transaction, whose statements may
/// take two minutes each; a deadline that ends before would make the worker try the same again for ever.
pub(crate) const SWAP_DEADLINE: Duration = Duration::from_secs(300);

/// Largest message, as the contract says of SwapRefs; and as much for an answer.
const MAX_MESSAGE_LEN: usize = 64 << 20;

/// Delays between the attempts of a call that a run waits for.
pub(crate) fn call_backoff() -> Backoff {
    Backoff::new(Duration::from_millis(200), Duration::from_secs(10))
}

/// The generated clients, ready to be cloned for each call.
#[derive(Clone)]
pub(crate) struct Clients {
    queue: OutboundChannel,
    registry: OutboundChannel,
}

impl Clients {
    pub(crate) fn connect(config: &Config) -> Result<Self, InvalidServerUrl> {
        let outbound = Outbound::with_deadline(CALL_DEADLINE);
        Ok(Self {
            queue: client::connect(&config.queue_url, outbound.clone())?,
            registry: client::connect(&config.registry_url, outbound)?,
        })
    }

    pub(crate) fn leases(&self) -> LeaseServiceClient<OutboundChannel> {
        LeaseServiceClient::new(self.queue.clone())
    }

    pub(crate) fn run_support(&self) -> RunSupportServiceClient<OutboundChannel> {
        RunSupportServiceClient::new(self.registry.clone()).max_encoding_message_size(MAX_MESSAGE_LEN)
    }

    pub(crate) fn scans(&self) -> ScanServiceClient<OutboundChannel> {
        ScanServiceClient::new(self.registry.clone()).max_decoding_message_size(MAX_MESSAGE_LEN)
    }
}
