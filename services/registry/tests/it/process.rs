//! The program itself: what it says and returns before it is a service.

use crate::harness::LEASE_KEY;
use codeimport_pg::test_util::TestDb;
use codeimport_registry::migrations;
use codeimport_subprocess::{Command, Output};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_codeimport-registry");

fn run(config: &str) -> Output {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("registry.toml");
    std::fs::write(&path, config).expect("written");
    Command::new(PROGRAM).arg("--config").arg(&path).run().expect("started")
}

#[test]
fn a_bad_configuration_is_refused_by_name_with_exit_code_64() {
    let unknown = run("lissten = '127.0.0.1:0'");
    assert_eq!(unknown.code, Some(64));
    assert!(unknown.stderr.contains("lissten"), "{}", unknown.stderr);
    let short = run("lease_key = 'hunter2'");
    assert_eq!(short.code, Some(64));
    assert!(short.stderr.contains("lease_key") && !short.stderr.contains("hunter2"), "{}", short.stderr);
}

#[test]
fn bad_usage_is_64_and_a_question_for_the_version_is_none() {
    let bad = Command::new(PROGRAM).arg("--no-such-option").run().expect("started");
    assert_eq!(bad.code, Some(64));
    let version = Command::new(PROGRAM).arg("--version").run().expect("started");
    assert_eq!(version.code, Some(0));
    assert!(version.stdout_text().contains(env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn asked_to_stop_it_ends_in_order_and_its_log_has_no_secret() {
    let database = TestDb::new(&[("registry", migrations())]).await;
    let folder = tempfile::tempdir().expect("temporary folder");
    let port_file = folder.path().join("port");
    let daemon = Command::new(PROGRAM)
        .env("CODEIMPORT_REGISTRY_LISTEN", "127.0.0.1:0")
        .env("CODEIMPORT_REGISTRY_PORT_FILE", &port_file)
        .env("CODEIMPORT_REGISTRY_LEASE_KEY", LEASE_KEY)
        .env("DATABASE_URL", database.url())
        .start()
        .expect("started");
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !port_file.exists() {
        assert!(daemon.is_running() && std::time::Instant::now() < deadline, "{}", daemon.log_tail());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ended = tokio::task::spawn_blocking(|| daemon.stop()).await.expect("no panic").expect("stopped");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("draining") && ended.stderr.contains("stopped"), "{}", ended.stderr);
    assert!(!ended.stderr.contains(LEASE_KEY) && !ended.stderr.contains(database.url()), "{}", ended.stderr);
}
