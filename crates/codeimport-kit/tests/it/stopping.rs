//! The order of an orderly stop, and readiness.

use crate::harness::{TestServer, ask};
use codeimport_kit::reason_of;
use codeimport_proto::{common::ErrorReason, worker::GetWorkerStatusRequest};
use std::time::Duration;
use tonic::{Streaming, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_client::HealthClient,
};

async fn watch(server: &TestServer, service: &str) -> Streaming<HealthCheckResponse> {
    let mut client: HealthClient<Channel> = HealthClient::new(server.channel());
    client.watch(HealthCheckRequest { service: service.to_owned() }).await.expect("watching").into_inner()
}

async fn next_status(stream: &mut Streaming<HealthCheckResponse>) -> Option<ServingStatus> {
    let next = tokio::time::timeout(Duration::from_secs(10), stream.message()).await.expect("in time");
    next.expect("no error").map(|response| response.status())
}

#[tokio::test]
async fn draining_turns_health_not_serving_and_then_the_server_ends() {
    let mut server = TestServer::start().await;
    let mut whole = watch(&server, "").await;
    let mut part = watch(&server, "codeimport.worker.v1.WorkerService").await;
    assert_eq!(next_status(&mut whole).await, Some(ServingStatus::Serving));
    assert_eq!(next_status(&mut part).await, Some(ServingStatus::Serving));
    server.shutdown.begin();
    assert_eq!(next_status(&mut whole).await, Some(ServingStatus::NotServing));
    assert_eq!(next_status(&mut part).await, Some(ServingStatus::NotServing));
    drop((whole, part));
    (&mut server.served).await.expect("no panic").expect("an orderly end");
}

#[tokio::test]
async fn a_service_that_cannot_work_says_so_and_recovers() {
    let server = TestServer::start().await;
    let mut whole = watch(&server, "").await;
    assert_eq!(next_status(&mut whole).await, Some(ServingStatus::Serving));
    server.health.set_able(false);
    assert_eq!(next_status(&mut whole).await, Some(ServingStatus::NotServing));
    server.health.set_able(true);
    assert_eq!(next_status(&mut whole).await, Some(ServingStatus::Serving));
}

#[tokio::test]
async fn a_call_that_hangs_is_cut_off_and_told_why() {
    let mut server = TestServer::start_with_grace(Duration::from_millis(200)).await;
    let mut client = server.client();
    client.get_worker_status(GetWorkerStatusRequest {}).await.expect("connected");
    let hanging = codeimport_kit::tasks::spawn("test.hang", async move { client.drain_worker(ask("hang")).await });
    server.hanging.notified().await;
    server.shutdown.begin();
    let status = hanging.await.expect("no panic").expect_err("cut off");
    assert_eq!(reason_of(&status), Some(ErrorReason::Draining));
    (&mut server.served).await.expect("no panic").expect("an orderly end");
}
