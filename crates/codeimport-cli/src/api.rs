//! The connection to registry and queue, and the little that every call needs.

use crate::args::Global;
use crate::endpoints::Endpoints;
use crate::exit::Failure;
use codeimport_proto::queue::host_service_client::HostServiceClient;
use codeimport_proto::queue::run_service_client::RunServiceClient;
use codeimport_proto::queue::schedule_service_client::ScheduleServiceClient;
use codeimport_proto::queue::stats_service_client::StatsServiceClient;
use codeimport_proto::queue::worker_service_client::WorkerServiceClient;
use codeimport_proto::registry::credential_service_client::CredentialServiceClient;
use codeimport_proto::registry::import_service_client::ImportServiceClient;
use codeimport_proto::registry::scan_service_client::ScanServiceClient;
use codeimport_proto::registry::trigger_service_client::TriggerServiceClient;
use codeimport_proto::registry::webhook_service_client::WebhookServiceClient;
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::{Interceptor, interceptor::InterceptedService};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// How long a service may take to accept the connection. It is on this machine or near.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Who is asking, by the environment's word.
pub(crate) fn user() -> Option<String> {
    std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok()
}

/// Says who is asking, for the audit trail.
#[derive(Clone)]
pub(crate) struct Actor(Option<MetadataValue<Ascii>>);

impl Actor {
    fn of_user() -> Self {
        Self(user().and_then(|user| user.parse().ok()))
    }
}

impl Interceptor for Actor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(actor) = &self.0 {
            request.metadata_mut().insert("codeimport-actor", actor.clone());
        }
        Ok(request)
    }
}

type Client = InterceptedService<Channel, Actor>;

/// Clients of all services that a person asks.
pub(crate) struct Api {
    pub(crate) imports: ImportServiceClient<Client>,
    pub(crate) credentials: CredentialServiceClient<Client>,
    pub(crate) triggers: TriggerServiceClient<Client>,
    pub(crate) webhooks: WebhookServiceClient<Client>,
    pub(crate) scans: ScanServiceClient<Client>,
    pub(crate) schedules: ScheduleServiceClient<Client>,
    pub(crate) runs: RunServiceClient<Client>,
    pub(crate) hosts: HostServiceClient<Client>,
    pub(crate) workers: WorkerServiceClient<Client>,
    pub(crate) stats: StatsServiceClient<Client>,
}

impl Api {
    /// Connects to both services, so that one that is not there is told before anything is changed.
    pub(crate) async fn connect(global: &Global) -> Result<Self, Failure> {
        let endpoints = Endpoints::find(global)?;
        let registry = connect("registry", &endpoints.registry).await?;
        let queue = connect("queue", &endpoints.queue).await?;
        Ok(Self {
            imports: ImportServiceClient::new(registry.clone()),
            credentials: CredentialServiceClient::new(registry.clone()),
            triggers: TriggerServiceClient::new(registry.clone()),
            webhooks: WebhookServiceClient::new(registry.clone()),
            scans: ScanServiceClient::new(registry),
            schedules: ScheduleServiceClient::new(queue.clone()),
            runs: RunServiceClient::new(queue.clone()),
            hosts: HostServiceClient::new(queue.clone()),
            workers: WorkerServiceClient::new(queue.clone()),
            stats: StatsServiceClient::new(queue),
        })
    }
}

async fn connect(service: &str, url: &str) -> Result<Client, Failure> {
    let unreachable = || Failure::unreachable(service, url);
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| unreachable())?;
    let channel = endpoint.connect_timeout(CONNECT_TIMEOUT).connect().await.map_err(|_| unreachable())?;
    Ok(InterceptedService::new(channel, Actor::of_user()))
}
