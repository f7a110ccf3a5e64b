//! Clients without our `.proto` files can find everything, in both versions of the protocol.

use crate::harness::TestServer;

/// Asks one question and returns the answer.
macro_rules! ask_reflection {
    ($version:ident, $server:expr, $question:expr) => {{
        use tonic_reflection::pb::$version::{
            ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
        };
        let question: fn() -> MessageRequest = $question;
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(question()) };
        let mut client = ServerReflectionClient::new($server.channel());
        let answers = client.server_reflection_info(tokio_stream::once(request)).await.expect("answered");
        let answer = answers.into_inner().message().await.expect("message").expect("one answer");
        let services: Vec<String> = match answer.message_response.expect("response") {
            MessageResponse::ListServicesResponse(list) => list.service.into_iter().map(|s| s.name).collect(),
            MessageResponse::FileDescriptorResponse(files) => {
                vec![format!("{} file", files.file_descriptor_proto.len())]
            }
            other => panic!("{other:?}"),
        };
        services
    }};
}

#[tokio::test]
async fn both_versions_list_the_services_that_are_served_and_no_others() {
    let server = TestServer::start().await;
    let v1 = ask_reflection!(v1, server, || MessageRequest::ListServices(String::new()));
    let v1alpha = ask_reflection!(v1alpha, server, || MessageRequest::ListServices(String::new()));
    for services in [v1, v1alpha] {
        assert!(services.contains(&"codeimport.worker.v1.WorkerService".to_owned()), "{services:?}");
        assert!(services.contains(&"grpc.health.v1.Health".to_owned()), "{services:?}");
        assert!(!services.iter().any(|name| name.contains("queue")), "{services:?}");
    }
}

#[tokio::test]
async fn both_versions_can_describe_our_error_details() {
    let server = TestServer::start().await;
    let v1 = ask_reflection!(v1, server, || MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".to_owned()));
    let v1alpha =
        ask_reflection!(v1alpha, server, || MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".to_owned()));
    assert_eq!((v1, v1alpha), (vec!["1 file".to_owned()], vec!["1 file".to_owned()]));
}
