//! A push starts a run: of those who prove it, not too often, and never of nobody's.

use crate::harness::{Registry, reason, violated_fields};
use codeimport_kit::config::ConfigDuration;
use codeimport_proto::{
    common::{ErrorReason, Outcome},
    registry::{
        CreateTriggerRequest, DeleteImportRequest, DeleteTriggerRequest, GetTriggerRequest, RotateTriggerSecretRequest,
    },
};
use reqwest::{Body, Client, StatusCode};
use ring::hmac;
use std::{path::Path, time::Duration};
use tonic::Request;

/// What GitHub and Gitea send, as far as it matters.
const PUSH: &str = r#"{"ref":"refs/heads/main","before":"6dcb09b","after":"92d4f1a","repository":{"full_name":"x/y"}}"#;

/// A registry with a door for pushes.
struct Door {
    registry: Registry,
    url: String,
    secret: String,
}

impl Door {
    async fn open(cool_down: Duration) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let port_file = folder.path().join("port");
        let mut registry = Registry::start_with(|config| {
            config.trigger_listen = Some("127.0.0.1:0".parse().expect("address"));
            config.trigger_port_file = Some(port_file.clone());
            config.trigger_cool_down = ConfigDuration::from(cool_down);
        })
        .await;
        registry.create("a").await;
        // A push of an import that the queue has not heard of yet starts no run of its own.
        registry.queue.job_since("a", 1).await;
        let request = CreateTriggerRequest { import_id: "a".to_owned() };
        let created = registry.triggers.create_trigger(request).await.expect("created").into_inner();
        let path = created.trigger.expect("trigger").path;
        let url = format!("http://{}{path}", address_in(&port_file).await);
        Self { registry, url, secret: created.secret }
    }

    async fn post(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, String) {
        post(&self.url, headers, body).await
    }

    async fn push(&self) -> (StatusCode, String) {
        self.post(&[("authorization", &format!("Bearer {}", self.secret))], "").await
    }

    /// The queue has been asked for a run, which is then done.
    async fn a_run_follows(&self) {
        let queue = &self.registry.queue;
        let requested = queue.until("a", "asked for", |job| job.requested_time.is_some()).await;
        assert_eq!(requested.job_id, "a");
        assert!(queue.explanation("a").await.contains("trigger asked for a run"));
        queue.run("a", Outcome::Success).await;
    }
}

/// The address in a port file, once it is there.
async fn address_in(port_file: &Path) -> String {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Ok(text) = std::fs::read_to_string(port_file) {
            return text.trim().to_owned();
        }
        assert!(std::time::Instant::now() < deadline, "in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn post(url: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, String) {
    let client = Client::builder().no_proxy().build().expect("a client");
    let request = client.post(url).body(body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.expect("answered");
    (answer.status(), answer.text().await.expect("text"))
}

fn signature(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(hmac::sign(&key, body.as_bytes()))
}

#[tokio::test]
async fn pushes_start_runs_in_the_shapes_of_the_known_hosts() {
    let door = Door::open(Duration::ZERO).await;
    let signed = signature(&door.secret, PUSH);
    let prefixed = format!("sha256={signed}");
    let bearer = format!("Bearer {}", door.secret);
    let shapes: [&[(&str, &str)]; 4] = [
        &[("x-github-event", "push"), ("x-hub-signature-256", &prefixed), ("content-type", "application/json")],
        &[("x-gitlab-event", "Push Hook"), ("x-gitlab-token", &door.secret)],
        &[("x-gitea-event", "push"), ("x-github-event", "push"), ("x-gitea-signature", &signed)],
        &[("authorization", &bearer)],
    ];
    for headers in shapes {
        let (status, text) = door.post(headers, PUSH).await;
        assert_eq!((status, text.as_str()), (StatusCode::ACCEPTED, "{\"result\":\"accepted\"}\n"), "{headers:?}");
        door.a_run_follows().await;
    }
    let ping: &[(&str, &str)] = &[("x-github-event", "ping"), ("x-hub-signature-256", &prefixed)];
    assert_eq!(door.post(ping, PUSH).await.0, StatusCode::OK);
    assert_eq!(door.registry.queue.job("a").await.expect("told").requested_time, None);
}

#[tokio::test]
async fn who_knows_no_secret_is_answered_as_if_there_were_no_import() {
    let door = Door::open(Duration::ZERO).await;
    let signed = format!("sha256={}", signature("another secret", PUSH));
    let wrong = door.post(&[("x-hub-signature-256", &signed)], PUSH).await;
    let other_url = door.url.replace("/hooks/a", "/hooks/no-such-import");
    for answer in [
        post(&other_url, &[("x-hub-signature-256", &signed)], PUSH).await,
        post(&other_url.replace("no-such", "No%20Such%00"), &[("x-hub-signature-256", &signed)], PUSH).await,
        door.post(&[("x-gitlab-token", "wrong")], PUSH).await,
        door.post(&[("authorization", "Bearer ")], PUSH).await,
        door.post(&[("x-hub-signature-256", "sha1=no digits")], PUSH).await,
        door.post(&[], PUSH).await,
    ] {
        assert_eq!(answer, wrong);
    }
    assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
    let shown = GetTriggerRequest { import_id: "a".to_owned() };
    let mut triggers = door.registry.triggers.clone();
    let trigger = triggers.get_trigger(shown).await.expect("there").into_inner().trigger.expect("trigger");
    assert_eq!(trigger.push_time, None, "nothing was proven");
}

#[tokio::test]
async fn pushes_within_the_cool_down_are_one_run_at_its_end() {
    let door = Door::open(Duration::from_secs(2)).await;
    assert_eq!(door.push().await.1, "{\"result\":\"accepted\"}\n");
    door.a_run_follows().await;
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    // Until the relay has written down that the queue was told.
    while !door.push().await.1.contains("cooling_down") {
        assert!(std::time::Instant::now() < deadline, "in time");
    }
    assert!(door.push().await.1.contains("run_requested_in_s"));
    door.a_run_follows().await;
}

#[tokio::test]
async fn a_body_without_end_is_refused() {
    let door = Door::open(Duration::ZERO).await;
    let token: &[(&str, &str)] = &[("x-gitlab-token", &door.secret)];
    let (status, _) = door.post(token, vec![b' '; 25 * 1024 * 1024 + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn an_old_secret_proves_nothing_and_none_outlives_its_import() {
    let mut door = Door::open(Duration::ZERO).await;
    let import_id = "a".to_owned();
    let rotate = RotateTriggerSecretRequest { import_id: import_id.clone() };
    let rotated = door.registry.triggers.rotate_trigger_secret(rotate).await.expect("rotated").into_inner();
    assert_eq!(door.push().await.0, StatusCode::UNAUTHORIZED);
    door.secret = rotated.secret;
    assert_eq!(door.push().await.0, StatusCode::ACCEPTED);
    let create = CreateTriggerRequest { import_id: import_id.clone() };
    assert_eq!(violated_fields(door.registry.triggers.create_trigger(create).await), ["import_id"]);
    let delete = DeleteTriggerRequest { import_id: import_id.clone() };
    door.registry.triggers.delete_trigger(delete.clone()).await.expect("deleted");
    assert_eq!(reason(door.registry.triggers.delete_trigger(delete).await), ErrorReason::TriggerNotFound);
    assert_eq!(door.push().await.0, StatusCode::UNAUTHORIZED);

    let create = CreateTriggerRequest { import_id: import_id.clone() };
    door.secret = door.registry.triggers.create_trigger(create).await.expect("created").into_inner().secret;
    let delete = DeleteImportRequest { import_id, ..Default::default() };
    door.registry.imports.delete_import(delete).await.expect("deleted");
    assert_eq!(door.registry.count("SELECT count(*) FROM secret").await, 0);
    assert_eq!(door.push().await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_push_made_while_the_queue_is_down_reaches_it_later() {
    let mut door = Door::open(Duration::ZERO).await;
    door.registry.queue.stop().await;
    assert_eq!(door.push().await.0, StatusCode::ACCEPTED);
    door.registry.queue.restart().await;
    door.a_run_follows().await;
}

#[tokio::test]
async fn only_an_owner_decides_what_starts_an_import() {
    let mut registry = Registry::start_with(|config| {
        config.operators = ["olga".to_owned()].into();
        config.trust_actor_header = true;
    })
    .await;
    let from = |actor: &'static str| {
        let mut request = Request::new(CreateTriggerRequest { import_id: "a".to_owned() });
        request.metadata_mut().insert("codeimport-actor", actor.parse().expect("header"));
        request
    };
    registry.create("a").await;
    assert_eq!(reason(registry.triggers.create_trigger(from("mallory")).await), ErrorReason::RoleForbids);
    registry.triggers.create_trigger(from("olga")).await.expect("an operator");
    let unknown = CreateTriggerRequest { import_id: "b".to_owned() };
    assert_eq!(reason(registry.triggers.create_trigger(unknown).await), ErrorReason::ImportNotFound);
}
