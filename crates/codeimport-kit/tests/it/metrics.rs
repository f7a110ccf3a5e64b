//! Every call is counted once, with the code that its caller saw.

use crate::harness::{TestServer, ask};
use metrics_exporter_prometheus::PrometheusBuilder;
use std::time::Duration;

#[tokio::test]
async fn calls_are_counted_with_the_code_that_their_caller_saw() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    metrics::set_global_recorder(recorder).expect("this is the only test that counts");
    let server = TestServer::start().await;
    let mut client = server.client();
    client.drain_worker(ask("anything")).await.expect_err("refused");
    let mut hanging = ask("hang");
    hanging.set_timeout(Duration::from_millis(200));
    client.drain_worker(hanging).await.expect_err("expired");
    client.drain_worker(ask("panic")).await.expect_err("panics");

    let rendered = metrics.render();
    let labels = "grpc_type=\"unary\",grpc_service=\"codeimport.worker.v1.WorkerService\",grpc_method=\"DrainWorker\"";
    for code in ["InvalidArgument", "DeadlineExceeded", "Internal"] {
        let line = format!("grpc_server_handled_total{{{labels},grpc_code=\"{code}\"}}");
        assert!(rendered.contains(&line), "{line} in:\n{rendered}");
    }
    assert!(rendered.contains("grpc_server_started_total") && rendered.contains("grpc_server_handling_seconds"));
}
