//! How a service tells whoever started it that it accepts calls, and where.

use std::net::SocketAddr;
use tokio::sync::oneshot;

/// Takes the address a service listens on, once.
#[derive(Debug)]
pub struct Ready(Option<oneshot::Sender<SocketAddr>>);

impl Ready {
    /// A pair: the service fulfils the first, the starter awaits the second. The second fails if the service
    /// ended before it was ready.
    #[must_use]
    pub fn channel() -> (Self, oneshot::Receiver<SocketAddr>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Some(sender)), receiver)
    }

    /// For a service that nobody waits for.
    #[must_use]
    pub fn ignored() -> Self {
        Self(None)
    }

    /// Says that the service accepts calls at `address`.
    pub fn fulfil(self, address: SocketAddr) {
        if let Some(sender) = self.0 {
            // Whoever asked may have lost interest; that is no trouble of ours.
            let _ = sender.send(address);
        }
    }
}
