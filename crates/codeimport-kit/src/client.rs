//! How one service calls another: lazy connections, and what travels along with every call.

use crate::layers::{Deadline, RequestId, TraceContext};
use std::time::Duration;
use tonic::{
    Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// How long to wait for a connection before the call fails with UNAVAILABLE.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often an idle connection is asked whether it lives. Shorter than the idle limits of common balancers.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How long the answer may take before the connection is given up.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The text is no address of a gRPC server.
#[derive(Debug, thiserror::Error)]
#[error("{url:?} is no address of a gRPC server: write it like http://host:port")]
pub struct InvalidServerUrl {
    url: String,
}

/// A connection on which every call goes through [`Outbound`].
pub type OutboundChannel = InterceptedService<Channel, Outbound>;

/// A connection that is made with the first call, kept alive, and made again when it breaks.
///
/// # Errors
///
/// [`InvalidServerUrl`]; that the server is away is no error here.
pub fn channel(url: &str) -> Result<Channel, InvalidServerUrl> {
    let invalid = || InvalidServerUrl { url: url.to_owned() };
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| invalid())?;
    if endpoint.uri().authority().is_none() {
        return Err(invalid());
    }
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    Ok(endpoint.connect_lazy())
}

/// [`channel`] and [`Outbound`] in one: what a generated client's `new` takes.
///
/// # Errors
///
/// [`InvalidServerUrl`].
pub fn connect(url: &str, outbound: Outbound) -> Result<OutboundChannel, InvalidServerUrl> {
    Ok(InterceptedService::new(channel(url)?, outbound))
}

/// Adds to an outgoing call what belongs to it: request id and trace context of the call being handled (new ones
/// if there is none), and a deadline.
#[derive(Clone, Debug)]
pub struct Outbound {
    default_deadline: Option<Duration>,
}

impl Outbound {
    /// Every call that brings no deadline of its own (`Request::set_timeout`) gets this one, or what is left of the
    /// deadline of the call being handled if that is shorter.
    #[must_use]
    pub fn with_deadline(default: Duration) -> Self {
        Self { default_deadline: Some(default) }
    }

    /// For streams that stay open: no deadline is added.
    #[must_use]
    pub fn without_deadline() -> Self {
        Self { default_deadline: None }
    }

    fn deadline(&self) -> Option<Duration> {
        let left = Deadline::current().map(|deadline| deadline.remaining());
        self.default_deadline.map(|default| left.map_or(default, |left| left.min(default)))
    }
}

impl Interceptor for Outbound {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        RequestId::current().unwrap_or_else(RequestId::generate).write(request.metadata_mut());
        TraceContext::current().map_or_else(TraceContext::root, |trace| trace.child()).write(request.metadata_mut());
        let has_deadline = request.metadata().contains_key("grpc-timeout");
        if let Some(deadline) = self.deadline().filter(|_| !has_deadline) {
            request.set_timeout(deadline);
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(outbound: &Outbound, request: Request<()>) -> Request<()> {
        outbound.clone().call(request).expect("passes")
    }

    #[tokio::test]
    async fn the_id_of_the_call_being_handled_travels_on() {
        let outbound = Outbound::without_deadline();
        let request = RequestId::scope("r-9", async { sent(&outbound, Request::new(())) }).await;
        assert_eq!(request.metadata().get("x-request-id").expect("id"), "r-9");
        assert!(request.metadata().get("grpc-timeout").is_none());
        assert!(sent(&outbound, Request::new(())).metadata().contains_key("x-request-id"));
    }

    #[test]
    fn a_deadline_of_its_own_is_kept() {
        let outbound = Outbound::with_deadline(Duration::from_secs(10));
        let mut own = Request::new(());
        own.set_timeout(Duration::from_secs(3));
        let before = own.metadata().get("grpc-timeout").cloned();
        assert_eq!(sent(&outbound, own).metadata().get("grpc-timeout").cloned(), before);
        assert!(sent(&outbound, Request::new(())).metadata().contains_key("grpc-timeout"));
    }

    #[tokio::test]
    async fn text_that_is_no_address_is_refused() {
        assert!(channel("not a url").is_err());
        assert!(channel("/only/a/path").is_err());
        assert!(channel("http://127.0.0.1:1").is_ok());
    }
}
