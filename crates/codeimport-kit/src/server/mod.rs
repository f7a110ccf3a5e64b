//! The gRPC server of every service: layers, reflection, health, and the order of an orderly stop.
//!
//! A service adds its own services and nothing else. Stopping goes: health says NOT_SERVING; wait `drain_notice` so that
//! balancers see it; accept no more; let what is under way end, for at most `shutdown_grace`;
//! then cut it off with UNAVAILABLE.

mod health;
mod listener;

pub use health::Health;
pub use listener::bind;

use crate::{Ready, Shutdown, config::ConfigDuration, descriptors::DESCRIPTOR_SETS, layers, tasks};
use anyhow::Context as _;
use std::{convert::Infallible, future::Future, net::SocketAddr, path::PathBuf, time::Duration};
use tokio::net::TcpListener;
use tonic::{
    body::Body, codegen::Service, server::NamedService, service::RoutesBuilder, transport::server::TcpIncoming,
};

/// How often a silent connection is asked whether its peer lives.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long connections may take to close once their last call was cut off.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// How a server listens and stops. Services copy these from their own configuration.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to accept calls. Port 0: any free one.
    pub listen: SocketAddr,
    /// Where to write the address that was bound, as one line of text; for whoever asked for port 0.
    pub port_file: Option<PathBuf>,
    /// How long to go on accepting calls after health has said NOT_SERVING. Longer than one health check of the
    /// balancer in front; zero where there is none.
    pub drain_notice: ConfigDuration,
    /// How long calls under way may take to end after that.
    pub shutdown_grace: ConfigDuration,
}

impl ServerConfig {
    /// Default of [`Self::shutdown_grace`].
    pub const DEFAULT_SHUTDOWN_GRACE: ConfigDuration = ConfigDuration::from_secs(20);

    /// A server at an address, with defaults for the rest.
    #[must_use]
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            port_file: None,
            drain_notice: ConfigDuration::from_secs(0),
            shutdown_grace: Self::DEFAULT_SHUTDOWN_GRACE,
        }
    }
}

/// A server being put together.
pub struct Server {
    name: &'static str,
    config: ServerConfig,
    routes: RoutesBuilder,
    service_names: Vec<&'static str>,
    health: Health,
}

impl Server {
    /// A server without services. `name` is for the log.
    #[must_use]
    pub fn new(name: &'static str, config: ServerConfig) -> Self {
        Self { name, config, routes: RoutesBuilder::default(), service_names: Vec::new(), health: Health::new() }
    }

    /// Adds a generated service.
    #[must_use]
    pub fn add_service<S>(mut self, service: S) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.service_names.push(S::NAME);
        self.routes.add_service(service);
        self
    }

    /// The switch by which the service says whether it can do its work.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Serves until `shutdown` begins, then stops in order. Fulfils `ready` once calls are accepted.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound, the port file cannot be written, or accepting fails. That calls were cut off
    /// at the end of the grace is logged and no error.
    pub async fn serve(mut self, shutdown: Shutdown, ready: Ready) -> anyhow::Result<()> {
        let listener = bind(self.config.listen, self.config.port_file.as_deref()).await?;
        let address = listener.local_addr()?;
        let reporter = self.add_reflection_and_health().await?;
        tasks::spawn("kit.health", reporter.follow(&self.health));
        ready.fulfil(address);
        tracing::info!(service.name = self.name, listen.address = %address, "accepting calls");

        let (refuse, cut_off) = (Shutdown::new(), Shutdown::new());
        let stopping = Stopping { name: self.name, config: self.config, health: self.health };
        let serving = accept(self.routes, listener, refuse.clone(), cut_off.clone());
        tokio::pin!(serving);
        tokio::select! {
            ended = &mut serving => ended.context("the server ended by itself"),
            () = stopping.follow(&shutdown, &refuse, &cut_off) => {
                let closed = tokio::time::timeout(CLOSE_WITHIN, serving).await;
                closed.unwrap_or(Ok(())).context("the server failed while stopping")
            }
        }
    }

    async fn add_reflection_and_health(&mut self) -> anyhow::Result<health::Reporter> {
        let (reporter, health_service) = health::Reporter::new(&self.service_names).await;
        let configure = || {
            let builder = tonic_reflection::server::Builder::configure().with_service_name("grpc.health.v1.Health");
            let builder = self.service_names.iter().fold(builder, |b, name| b.with_service_name(*name));
            DESCRIPTOR_SETS.iter().fold(builder, |b, set| b.register_encoded_file_descriptor_set(set))
        };
        let v1 = configure().build_v1().context("reflection v1")?;
        let v1alpha = configure().build_v1alpha().context("reflection v1alpha")?;
        self.routes.add_service(health_service).add_service(v1).add_service(v1alpha);
        Ok(reporter)
    }
}

/// What an orderly stop goes by.
struct Stopping {
    name: &'static str,
    config: ServerConfig,
    health: Health,
}

impl Stopping {
    /// Waits for `shutdown`, then goes through the steps. The server usually ends during the last of them, when no
    /// call is left, and this future is dropped.
    async fn follow(&self, shutdown: &Shutdown, refuse: &Shutdown, cut_off: &Shutdown) {
        shutdown.drained().await;
        tracing::info!(service.name = self.name, "draining: no longer serving");
        self.health.drain();
        tokio::time::sleep(self.config.drain_notice.get()).await;
        refuse.begin();
        self.health.close();
        tokio::time::sleep(self.config.shutdown_grace.get()).await;
        tracing::warn!(service.name = self.name, "calls are still under way at the end of the grace: cut off");
        cut_off.begin();
    }
}

/// Accepts calls until `refuse` begins and the last one has ended, or `cut_off` has ended it.
fn accept(
    routes: RoutesBuilder,
    listener: TcpListener,
    refuse: Shutdown,
    cut_off: Shutdown,
) -> impl Future<Output = Result<(), tonic::transport::Error>> {
    let mut server =
        tonic::transport::Server::builder().http2_keepalive_interval(Some(KEEP_ALIVE)).layer(layers::stack(cut_off));
    let router = server.add_routes(routes.routes());
    let refused = async move { refuse.drained().await };
    // Set here, since the builder's own setting does not count for connections that come from outside of it. Without, an answer of
    // more than a few packets waits 40 ms for the caller's acknowledgement.
    let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
    router.serve_with_incoming_shutdown(connections, refused)
}
