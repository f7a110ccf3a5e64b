//! A server whose handlers do what a test needs: panic, hang, look at their deadline.

use codeimport_kit::{
    Deadline, Ready, Shutdown,
    server::{Health, Server, ServerConfig},
};
use codeimport_proto::worker::{
    DrainWorkerRequest, DrainWorkerResponse, GetWorkerStatusRequest, GetWorkerStatusResponse, WorkerStatus,
    worker_service_client::WorkerServiceClient,
    worker_service_server::{WorkerService, WorkerServiceServer},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{sync::Notify, task::JoinHandle};
use tonic::{Request, Response, Status, transport::Channel};

/// `GetWorkerStatus` answers; `DrainWorker` does what its `reason` says.
struct Obedient {
    hanging: Arc<Notify>,
}

#[tonic::async_trait]
impl WorkerService for Obedient {
    async fn get_worker_status(
        &self,
        request: Request<GetWorkerStatusRequest>,
    ) -> Result<Response<GetWorkerStatusResponse>, Status> {
        let left = Deadline::of(&request).map(|deadline| deadline.remaining().as_millis().to_string());
        let worker = WorkerStatus { worker_id: left.unwrap_or_default(), ..Default::default() };
        Ok(Response::new(GetWorkerStatusResponse { worker: Some(worker) }))
    }

    async fn drain_worker(
        &self,
        request: Request<DrainWorkerRequest>,
    ) -> Result<Response<DrainWorkerResponse>, Status> {
        match request.into_inner().reason.as_str() {
            "panic" => panic!("asked to"),
            "hang" => {
                self.hanging.notify_one();
                std::future::pending().await
            }
            other => Err(Status::invalid_argument(other)),
        }
    }
}

/// A running server; stopped when dropped.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) health: Health,
    pub(crate) served: JoinHandle<anyhow::Result<()>>,
    /// Told when a handler has begun to hang.
    pub(crate) hanging: Arc<Notify>,
}

impl TestServer {
    /// Starts it and waits until it accepts calls.
    pub(crate) async fn start() -> Self {
        Self::start_with_grace(ServerConfig::DEFAULT_SHUTDOWN_GRACE.get()).await
    }

    /// The same, with its own patience for calls under way.
    pub(crate) async fn start_with_grace(grace: Duration) -> Self {
        let any_port = "127.0.0.1:0".parse().expect("address");
        let config = ServerConfig { shutdown_grace: grace.into(), ..ServerConfig::at(any_port) };
        let hanging = Arc::new(Notify::new());
        let server =
            Server::new("sample", config).add_service(WorkerServiceServer::new(Obedient { hanging: hanging.clone() }));
        let health = server.health();
        let shutdown = Shutdown::new();
        let (ready, is_ready) = Ready::channel();
        let served = codeimport_kit::tasks::spawn("test.server", server.serve(shutdown.clone(), ready));
        let address = is_ready.await.expect("the server is ready");
        Self { address, shutdown, health, served, hanging }
    }

    pub(crate) fn channel(&self) -> Channel {
        codeimport_kit::client::channel(&format!("http://{}", self.address)).expect("url")
    }

    pub(crate) fn client(&self) -> WorkerServiceClient<Channel> {
        WorkerServiceClient::new(self.channel())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

pub(crate) fn ask(reason: &str) -> Request<DrainWorkerRequest> {
    Request::new(DrainWorkerRequest { reason: reason.to_owned() })
}
