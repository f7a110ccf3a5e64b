//! What the layers make of ordinary and of bad calls.

use crate::harness::{TestServer, ask};
use codeimport_kit::reason_of;
use codeimport_proto::{common::ErrorReason, worker::GetWorkerStatusRequest};
use std::time::Duration;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

#[tokio::test]
async fn expired_deadline_is_deadline_exceeded_with_its_reason() {
    let server = TestServer::start().await;
    let mut request = ask("hang");
    request.set_timeout(Duration::from_millis(500));
    let status = server.client().drain_worker(request).await.expect_err("the handler hangs");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(reason_of(&status), Some(ErrorReason::DeadlineExpired));
}

#[tokio::test]
async fn a_handler_sees_how_much_time_is_left() {
    let server = TestServer::start().await;
    let mut request = Request::new(GetWorkerStatusRequest {});
    request.set_timeout(Duration::from_secs(100));
    let answer = server.client().get_worker_status(request).await.expect("answered").into_inner();
    let left: u64 = answer.worker.expect("worker").worker_id.parse().expect("milliseconds");
    assert!((60_000..=98_000).contains(&left), "{left} ms");
}

#[tokio::test]
async fn a_panic_is_internal_and_the_server_still_answers() {
    let server = TestServer::start().await;
    let mut client = server.client();
    let mut request = ask("panic");
    request.metadata_mut().insert("x-request-id", "panicking-1".parse().expect("header"));
    let status = client.drain_worker(request).await.expect_err("the handler panics");
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(reason_of(&status), Some(ErrorReason::Internal));
    assert_eq!(status.get_details_request_info().expect("RequestInfo").request_id, "panicking-1");
    client.get_worker_status(GetWorkerStatusRequest {}).await.expect("the process lives");
}

#[tokio::test]
async fn the_callers_request_id_is_echoed_and_a_missing_one_is_made() {
    let server = TestServer::start().await;
    let mut request = Request::new(GetWorkerStatusRequest {});
    request.metadata_mut().insert("x-request-id", "mine".parse().expect("header"));
    let named = server.client().get_worker_status(request).await.expect("answered");
    assert_eq!(named.metadata().get("x-request-id").expect("echoed"), "mine");
    let unnamed = server.client().get_worker_status(GetWorkerStatusRequest {}).await.expect("answered");
    assert!(unnamed.metadata().get("x-request-id").is_some_and(|id| !id.is_empty()));
}
