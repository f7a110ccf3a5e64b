//! What every gRPC client expects of a service, of all three: reflection, health, deadlines, errors with details;
//! and that the commands in the README work as they stand.

use codeimport_integration_tests::{Cluster, program, workspace_root};
use codeimport_pg::DbError;
use codeimport_proto::common::ErrorReason;
use codeimport_proto::registry::{GetImportRequest, ListImportsRequest};
use codeimport_subprocess::Command;
use scoped_futures::ScopedFutureExt as _;
use std::path::PathBuf;
use std::time::Duration;
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt as _;

/// Where `make` keeps buf.
fn buf() -> PathBuf {
    let path = workspace_root().join(".tools/node_modules/.bin/buf");
    assert!(path.exists(), "buf is missing: run `make test`, which brings it");
    path
}

fn buf_curl(args: &[&str]) -> String {
    let base = ["curl", "--protocol", "grpc", "--http2-prior-knowledge"];
    // buf is a script for node and keeps a cache.
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let output = Command::new(buf()).args(base).args(args).env("HOME", home.path()).run().expect("buf can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.success(), "buf curl {args:?}: {}\n{text}", output.stderr);
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_describes_itself_by_both_reflections() {
    let cluster = Cluster::start().await;
    let services = [
        (cluster.registry.url(), "codeimport.registry.v1.ImportService"),
        (cluster.queue.url(), "codeimport.queue.v1.LeaseService"),
        (cluster.workers[0].process.url(), "codeimport.worker.v1.WorkerService"),
    ];
    for (url, service) in services {
        for protocol in ["grpc-v1", "grpc-v1alpha"] {
            let listed = buf_curl(&["--reflect-protocol", protocol, "--list-services", &url]);
            assert!(listed.contains(service) && listed.contains("grpc.health.v1.Health"), "{protocol}: {listed}");
        }
    }
}

#[tokio::test]
async fn every_service_tells_its_health_by_name() {
    let cluster = Cluster::start().await;
    let services = [
        (cluster.registry.url(), "codeimport.registry.v1.ImportService"),
        (cluster.queue.url(), "codeimport.queue.v1.LeaseService"),
        (cluster.workers[0].process.url(), "codeimport.worker.v1.WorkerService"),
    ];
    for (url, service) in services {
        let channel = Endpoint::from_shared(url).expect("valid").connect().await.expect("the service listens");
        let mut health = HealthClient::new(channel);
        for name in ["", service] {
            let answer = health.check(HealthCheckRequest { service: name.to_owned() }).await.expect("health is told");
            assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{name:?}");
        }
    }
}

#[tokio::test]
async fn an_expired_deadline_is_deadline_exceeded() {
    let cluster = Cluster::start().await;
    let database = cluster.database("registry");
    let status = database.run_tx("test.hold_imports", |tx| {
        let mut imports = cluster.imports.clone();
        async move {
            // Whoever reads imports now has to wait, longer than the caller does.
            tx.execute("LOCK TABLE import IN ACCESS EXCLUSIVE MODE", &[]).await?;
            let mut request = Request::new(ListImportsRequest::default());
            request.set_timeout(Duration::from_secs(3));
            Ok::<_, DbError>(imports.list_imports(request).await.expect_err("the registry cannot answer"))
        }
        .scope_boxed()
    });
    let status = status.await.expect("the lock is to be had");
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    let info = status.get_details_error_info().expect("every error has ErrorInfo");
    assert_eq!(info.reason, "DEADLINE_EXPIRED");
}

#[tokio::test]
async fn errors_carry_a_reason_for_programs() {
    let mut cluster = Cluster::start().await;
    let status = cluster.imports.get_import(GetImportRequest { import_id: "nobody".to_owned() }).await;
    let status = status.expect_err("there is no such import");
    let info = status.get_details_error_info().expect("every error has ErrorInfo");
    assert_eq!(
        (info.domain.as_str(), format!("ERROR_REASON_{}", info.reason)),
        ("codeimport", ErrorReason::ImportNotFound.as_str_name().to_owned())
    );
}

/// The README's lines that begin with `grpcurl`, with their continuation lines joined.
fn readme_commands() -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(workspace_root().join("README.md")).expect("there is a README");
    let joined = readme.replace("\\\n", " ");
    joined.lines().map(str::trim).filter(|line| line.starts_with("grpcurl ")).map(shell_words).collect()
}

/// Splits a command line at spaces, minding single quotes: all that the README uses.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("never empty").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Runs one of them, with grpcurl where it is installed, else the same call with `buf curl`.
fn run_readme_command(words: &[String]) -> String {
    let has_grpcurl = Command::new("grpcurl").arg("-version").run().is_ok_and(|output| output.success());
    if has_grpcurl {
        let output = Command::new(&words[0]).args(&words[1..]).run().expect("grpcurl can be run");
        assert!(output.success(), "{words:?}: {}", output.stderr);
        return String::from_utf8_lossy(&output.stdout).into_owned();
    }
    let mut words: Vec<&str> = words.iter().skip(1).map(String::as_str).filter(|word| *word != "-plaintext").collect();
    let data = words.iter().position(|word| *word == "-d").map(|at| (words.remove(at), words.remove(at)).1);
    let url = format!("http://{}", words[0]);
    match (words[1], data) {
        ("list", _) => buf_curl(&["--list-services", &url]),
        (method, data) => buf_curl(&["-d", data.unwrap_or("{}"), &format!("{url}/{method}")]),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_commands_work_as_they_stand() {
    let commands = readme_commands();
    assert!(commands.len() >= 5, "{commands:?}");
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    // On the ports that the README names.
    let up = Command::new(program("codeimport")).arg("--data-dir").arg(dir.path()).arg("up");
    let up = up.start().expect("the program can be started");
    codeimport_integration_tests::eventually("codeimport is up", async || {
        assert!(up.is_running(), "up ended early:\n{}", up.log_tail());
        dir.path().join("endpoints.json").exists().then_some(())
    })
    .await;
    for command in &commands {
        // The import created by one line is asked for by the next: its job comes through the outbox in a moment.
        codeimport_integration_tests::eventually(&format!("{command:?}"), async || {
            std::panic::catch_unwind(|| run_readme_command(command)).ok()
        })
        .await;
    }
    drop(up.stop());
}
