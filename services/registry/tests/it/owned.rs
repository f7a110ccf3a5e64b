//! Credentials and webhooks leave their traces, too, for those who own them; and nobody changes what he has not read.

use crate::harness::{Registry, reason};
use codeimport_proto::{
    common::ErrorReason,
    registry::{
        CreateCredentialRequest, CreateTriggerRequest, CreateWebhookRequest, Credential, DeleteCredentialRequest,
        DeleteTriggerRequest, DeleteWebhookRequest, ImportEventType, ListCredentialEventsRequest,
        ListWebhookEventsRequest, Login, OwnedEvent, OwnedEventType, RotateCredentialRequest,
        RotateTriggerSecretRequest, RotateWebhookSecretRequest, UpdateWebhookRequest, Webhook,
    },
};
use tonic::Request;

async fn registry() -> Registry {
    Registry::start_with(|config| {
        config.operators = ["olga".to_owned()].into();
        config.trust_actor_header = true;
        config.webhook_networks = vec!["127.0.0.0/8".to_owned()];
    })
    .await
}

fn by<T>(actor: &'static str, request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.metadata_mut().insert("codeimport-actor", actor.parse().expect("header"));
    request
}

fn login(password: &str) -> Option<Login> {
    Some(Login { username: "ada".to_owned(), password: password.to_owned() })
}

fn new_webhook() -> CreateWebhookRequest {
    let webhook = Webhook { url: "http://127.0.0.1:9/hook".to_owned(), ..Default::default() };
    CreateWebhookRequest { webhook_id: "w".to_owned(), webhook: Some(webhook) }
}

fn paused(is_paused: bool, etag: &str) -> UpdateWebhookRequest {
    UpdateWebhookRequest {
        webhook_id: "w".to_owned(),
        webhook: Some(Webhook { is_paused, ..Default::default() }),
        update_paths: vec!["is_paused".to_owned()],
        etag: etag.to_owned(),
    }
}

/// What was done and by whom, newest first.
fn deeds(events: &[OwnedEvent]) -> Vec<(OwnedEventType, &str)> {
    events.iter().map(|event| (event.r#type(), event.actor.as_str())).collect()
}

#[tokio::test]
async fn every_change_of_a_credential_is_told_to_its_owner_without_the_secret() {
    let mut registry = registry().await;
    let credential = Credential { url_prefix: "https://host/".to_owned(), ..Default::default() };
    let (id, login_of) = ("c".to_owned(), login);
    let create =
        CreateCredentialRequest { credential_id: id.clone(), credential: Some(credential), login: login("old") };
    registry.credentials.create_credential(by("ada", create)).await.expect("created");
    let rotate = RotateCredentialRequest { credential_id: id.clone(), login: login_of("new"), ..Default::default() };
    registry.credentials.rotate_credential(by("olga", rotate)).await.expect("rotated");
    let delete = DeleteCredentialRequest { credential_id: id, ..Default::default() };
    registry.credentials.delete_credential(by("ada", delete)).await.expect("deleted");

    let list = ListCredentialEventsRequest::default();
    let told = registry.credentials.list_credential_events(by("ada", list.clone())).await.expect("listed").into_inner();
    use OwnedEventType::{Created, Deleted, Rotated};
    assert_eq!(deeds(&told.events), [(Deleted, "ada"), (Rotated, "olga"), (Created, "ada")]);
    let change = &told.events[1].changes[0];
    assert_eq!((change.path.as_str(), change.before.as_str(), change.after.as_str()), ("version", "1", "2"));
    let text = format!("{told:?}");
    assert!(text.contains("https://host/") && !text.contains("\"old\"") && !text.contains("\"new\""), "{text}");
    let others = registry.credentials.list_credential_events(by("mallory", list)).await.expect("listed").into_inner();
    assert!(others.events.is_empty(), "to nobody else");
}

#[tokio::test]
async fn every_change_of_a_webhook_is_told_to_its_owner() {
    let mut registry = registry().await;
    registry.webhooks.create_webhook(by("ada", new_webhook())).await.expect("created");
    registry.webhooks.update_webhook(by("ada", paused(true, ""))).await.expect("paused");
    let rotate = RotateWebhookSecretRequest { webhook_id: "w".to_owned(), ..Default::default() };
    registry.webhooks.rotate_webhook_secret(by("ada", rotate)).await.expect("rotated");
    let delete = DeleteWebhookRequest { webhook_id: "w".to_owned(), ..Default::default() };
    registry.webhooks.delete_webhook(by("olga", delete)).await.expect("deleted");

    let list = ListWebhookEventsRequest { webhook_id: "w".to_owned(), page_size: 3, ..Default::default() };
    let first = registry.webhooks.list_webhook_events(by("ada", list.clone())).await.expect("listed").into_inner();
    use OwnedEventType::{Created, Deleted, Rotated, Updated};
    assert_eq!(deeds(&first.events), [(Deleted, "olga"), (Rotated, "ada"), (Updated, "ada")]);
    let change = &first.events[2].changes[0];
    assert_eq!((change.path.as_str(), change.before.as_str(), change.after.as_str()), ("is_paused", "false", "true"));
    let next = ListWebhookEventsRequest { page_token: first.next_page_token, ..list };
    let rest = registry.webhooks.list_webhook_events(by("ada", next)).await.expect("listed").into_inner();
    assert_eq!((deeds(&rest.events), rest.next_page_token.as_str()), (vec![(Created, "ada")], ""));
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_not_changed_again() {
    let mut registry = registry().await;
    let created = registry.webhooks.create_webhook(by("ada", new_webhook())).await.expect("created").into_inner();
    let read = created.webhook.expect("webhook").etag;
    let updated = registry.webhooks.update_webhook(by("ada", paused(true, &read))).await.expect("as it was read");
    let now = updated.into_inner().webhook.expect("webhook").etag;
    assert_ne!(now, read);
    let late = registry.webhooks.update_webhook(by("ada", paused(false, &read))).await;
    assert_eq!(reason(late), ErrorReason::EtagMismatch);
    let rotate = RotateWebhookSecretRequest { webhook_id: "w".to_owned(), etag: read.clone() };
    assert_eq!(reason(registry.webhooks.rotate_webhook_secret(by("ada", rotate)).await), ErrorReason::EtagMismatch);
    let delete = |etag: &str| by("ada", DeleteWebhookRequest { webhook_id: "w".to_owned(), etag: etag.to_owned() });
    assert_eq!(reason(registry.webhooks.delete_webhook(delete(&read)).await), ErrorReason::EtagMismatch);
    registry.webhooks.delete_webhook(delete(&now)).await.expect("as it was read");

    let credential = Credential { url_prefix: "https://host/".to_owned(), ..Default::default() };
    let id = "c".to_owned();
    let create = CreateCredentialRequest { credential_id: id.clone(), credential: Some(credential), login: login("a") };
    let created = registry.credentials.create_credential(by("ada", create)).await.expect("created").into_inner();
    let etag = created.credential.expect("credential").etag;
    let rotate = RotateCredentialRequest { credential_id: id.clone(), login: login("b"), etag: etag.clone() };
    registry.credentials.rotate_credential(by("ada", rotate.clone())).await.expect("as it was read");
    assert_eq!(reason(registry.credentials.rotate_credential(by("ada", rotate)).await), ErrorReason::EtagMismatch);
    let delete = DeleteCredentialRequest { credential_id: id, etag };
    assert_eq!(reason(registry.credentials.delete_credential(by("ada", delete)).await), ErrorReason::EtagMismatch);
}

#[tokio::test]
async fn what_starts_an_import_is_told_in_its_trail() {
    let mut registry = registry().await;
    registry.create("a").await;
    let import_id = "a".to_owned();
    let create = CreateTriggerRequest { import_id: import_id.clone() };
    registry.triggers.create_trigger(by("olga", create)).await.expect("created");
    let rotate = RotateTriggerSecretRequest { import_id: import_id.clone() };
    registry.triggers.rotate_trigger_secret(by("olga", rotate)).await.expect("rotated");
    registry.triggers.delete_trigger(by("olga", DeleteTriggerRequest { import_id })).await.expect("deleted");
    let events = registry.events("a").await;
    let updates = events.iter().filter(|event| event.r#type() == ImportEventType::Updated);
    let told: Vec<_> = updates.map(|event| (event.actor.as_str(), event.reason.as_str())).collect();
    let reasons = ["trigger created", "trigger's secret rotated", "trigger deleted"];
    assert_eq!(told, reasons.map(|reason| ("olga", reason)));
}
