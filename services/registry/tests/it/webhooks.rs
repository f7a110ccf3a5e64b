//! Receivers are told what happens: signed, in order, again if need be, and not for ever.

use crate::{
    harness::{Registry, reason, violated_fields},
    receiver::{Received, Receiver, Reply},
};
use codeimport_kit::config::ConfigDuration;
use codeimport_proto::{
    common::ErrorReason,
    registry::{
        CreateWebhookRequest, CreateWebhookResponse, DeleteWebhookRequest, DeliveryState, GetWebhookRequest,
        ImportEventFilter, ImportEventType, ListWebhookDeliveriesRequest, ListWebhooksRequest, RedeliverWebhookRequest,
        RotateWebhookSecretRequest, UpdateWebhookRequest, Webhook, WebhookDelivery,
    },
};
use codeimport_registry::{Config, webhook::SigningSecret};
use std::time::Duration;
use tonic::Request;

/// Receivers on this machine, and no long pauses.
fn settings(config: &mut Config) {
    config.webhook_networks = vec!["127.0.0.0/8".to_owned()];
    config.webhook_first_pause = ConfigDuration::from(Duration::from_millis(20));
    config.webhook_timeout = ConfigDuration::from(Duration::from_millis(400));
    config.webhook_max_attempts = 3;
}

fn webhook(url: String) -> CreateWebhookRequest {
    let created = ImportEventFilter { types: vec![ImportEventType::Created.into()], ..Default::default() };
    let webhook = Webhook { url, filter: Some(created), ..Default::default() };
    CreateWebhookRequest { webhook_id: "w".to_owned(), webhook: Some(webhook) }
}

async fn create(registry: &mut Registry, request: CreateWebhookRequest) -> CreateWebhookResponse {
    registry.webhooks.create_webhook(request).await.expect("created").into_inner()
}

async fn deliveries(registry: &mut Registry) -> Vec<WebhookDelivery> {
    let request = ListWebhookDeliveriesRequest { webhook_id: "w".to_owned(), ..Default::default() };
    registry.webhooks.list_webhook_deliveries(request).await.expect("listed").into_inner().deliveries
}

/// The newest delivery once it is over.
async fn newest_when_over(registry: &mut Registry) -> WebhookDelivery {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(newest) = deliveries(registry).await.into_iter().next()
            && newest.state() != DeliveryState::Waiting
        {
            return newest;
        }
        assert!(std::time::Instant::now() < deadline, "in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_signed_with(secret: &str, received: &Received) -> bool {
    let secret = SigningSecret::from_text(secret.to_owned());
    let time = received.header("webhook-timestamp").parse().expect("seconds");
    let signature = secret.sign(received.header("webhook-id"), time, &received.body);
    signature.is_some_and(|signature| signature == received.header("webhook-signature"))
}

#[tokio::test]
async fn a_receiver_that_fails_first_is_told_everything_signed_and_in_order() {
    let mut registry = Registry::start_with(settings).await;
    let mut receiver = Receiver::start(&[Reply::Status(500), Reply::Status(503)]).await;
    let created = create(&mut registry, webhook(receiver.url())).await;
    for id in ["a", "b", "c"] {
        registry.create(id).await;
    }
    let mut said = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..5 {
        let received = receiver.next().await;
        assert!(is_signed_with(&created.secret, &received), "{}", received.body);
        ids.push(received.header("webhook-id").to_owned());
        said.push(received.said());
    }
    let expected = ["import.created a", "import.created a", "import.created a", "import.created b", "import.created c"];
    assert_eq!(said, expected);
    assert!(ids[0] == ids[1] && ids[0] == ids[2] && ids[2] != ids[3], "one id for each event: {ids:?}");
    newest_when_over(&mut registry).await;
    let first = deliveries(&mut registry).await.pop().expect("three");
    assert_eq!((first.state(), first.attempt_count, first.http_status), (DeliveryState::Delivered, 3, 204));
}

#[tokio::test]
async fn a_receiver_that_hangs_is_given_up_and_keeps_nobody_else_waiting() {
    let mut registry = Registry::start_with(settings).await;
    let mut hanging = Receiver::start(&[Reply::Hang; 3]).await;
    let mut well = Receiver::start(&[]).await;
    create(&mut registry, webhook(hanging.url())).await;
    create(&mut registry, CreateWebhookRequest { webhook_id: "well".to_owned(), ..webhook(well.url()) }).await;
    registry.create("a").await;
    hanging.next().await;
    registry.create("b").await;
    assert_eq!(
        (well.next().await.said(), well.next().await.said()),
        ("import.created a".into(), "import.created b".into())
    );
    let said = [hanging.next().await.said(), hanging.next().await.said(), hanging.next().await.said()];
    assert_eq!(said, ["import.created a", "import.created a", "import.created b"], "the next one follows");
    newest_when_over(&mut registry).await;
    let first = deliveries(&mut registry).await.pop().expect("two");
    assert_eq!((first.state(), first.attempt_count, first.http_status), (DeliveryState::GivenUp, 3, 0));
    assert_eq!(first.error, "no answer in time");
    assert!(first.next_attempt_time.is_none() && first.latency.is_some_and(|l| l.seconds == 0 && l.nanos > 0));
}

#[tokio::test]
async fn what_was_sent_is_sent_once_more_on_demand_with_the_same_id() {
    let mut registry = Registry::start_with(settings).await;
    let mut receiver = Receiver::start(&[Reply::Status(410)]).await;
    create(&mut registry, webhook(receiver.url())).await;
    registry.create("a").await;
    let first = receiver.next().await;
    let given_up = newest_when_over(&mut registry).await;
    assert_eq!((given_up.state(), given_up.attempt_count), (DeliveryState::GivenUp, 1), "410 is a no for good");
    assert_eq!(given_up.answer, "said the test");
    let redeliver = |delivery_id| RedeliverWebhookRequest { webhook_id: "w".to_owned(), delivery_id };
    registry.webhooks.redeliver_webhook(redeliver(given_up.delivery_id)).await.expect("sent once more");
    let second = receiver.next().await;
    assert_eq!((first.header("webhook-id"), &first.body), (second.header("webhook-id"), &second.body));
    assert_eq!(newest_when_over(&mut registry).await.state(), DeliveryState::Delivered);
    let unknown = registry.webhooks.redeliver_webhook(redeliver(4711)).await;
    assert_eq!(reason(unknown), ErrorReason::DeliveryNotFound);
}

#[tokio::test]
async fn a_webhook_that_was_paused_goes_on_where_it_was() {
    let mut registry = Registry::start_with(settings).await;
    let mut receiver = Receiver::start(&[]).await;
    create(&mut registry, webhook(receiver.url())).await;
    let pause = |is_paused| UpdateWebhookRequest {
        webhook_id: "w".to_owned(),
        webhook: Some(Webhook { is_paused, ..Default::default() }),
        update_paths: vec!["is_paused".to_owned()],
        ..Default::default()
    };
    registry.webhooks.update_webhook(pause(true)).await.expect("paused");
    registry.create("a").await;
    registry.create("b").await;
    assert!(deliveries(&mut registry).await.is_empty());
    let updated = registry.webhooks.update_webhook(pause(false)).await.expect("goes on").into_inner();
    assert_eq!(updated.webhook.expect("webhook").url, receiver.url(), "what is not named stays");
    assert_eq!(
        (receiver.next().await.said(), receiver.next().await.said()),
        ("import.created a".into(), "import.created b".into())
    );
}

#[tokio::test]
async fn a_redirect_is_no_yes_and_is_not_followed() {
    let mut registry = Registry::start_with(settings).await;
    let mut receiver = Receiver::start(&[Reply::Status(302), Reply::Status(302), Reply::Status(302)]).await;
    create(&mut registry, webhook(receiver.url())).await;
    registry.create("a").await;
    receiver.next().await;
    let over = newest_when_over(&mut registry).await;
    assert_eq!((over.state(), over.http_status), (DeliveryState::GivenUp, 302));
}

#[tokio::test]
async fn a_secret_is_told_once_and_a_new_one_takes_its_place() {
    let mut registry = Registry::start_with(settings).await;
    let mut receiver = Receiver::start(&[]).await;
    let created = create(&mut registry, webhook(receiver.url())).await;
    let shown = registry.webhooks.list_webhooks(ListWebhooksRequest::default()).await.expect("listed").into_inner();
    assert_eq!(shown.webhooks, [created.webhook.expect("webhook")]);
    let kept = "SELECT count(*) FROM secret WHERE position('whsec_'::bytea IN sealed) > 0";
    assert_eq!(registry.count(kept).await, 0);
    let rotate = RotateWebhookSecretRequest { webhook_id: "w".to_owned(), ..Default::default() };
    let rotated = registry.webhooks.rotate_webhook_secret(rotate).await.expect("rotated").into_inner();
    registry.create("a").await;
    let received = receiver.next().await;
    assert!(is_signed_with(&rotated.secret, &received) && !is_signed_with(&created.secret, &received));
    let delete = DeleteWebhookRequest { webhook_id: "w".to_owned(), ..Default::default() };
    registry.webhooks.delete_webhook(delete).await.expect("deleted");
    assert_eq!(registry.count("SELECT count(*) FROM secret").await, 0);
}

#[tokio::test]
async fn a_webhook_is_for_its_owner_alone() {
    let mut registry = Registry::start_with(|config| {
        settings(config);
        config.operators = ["olga".to_owned()].into();
        config.trust_actor_header = true;
    })
    .await;
    let from = |actor: &'static str, id: &str| {
        let mut request = Request::new(GetWebhookRequest { webhook_id: id.to_owned() });
        request.metadata_mut().insert("codeimport-actor", actor.parse().expect("header"));
        request
    };
    let mut request = Request::new(webhook("https://hooks.example.org/x".to_owned()));
    request.metadata_mut().insert("codeimport-actor", "ada".parse().expect("header"));
    registry.webhooks.create_webhook(request).await.expect("created");
    assert!(registry.webhooks.get_webhook(from("ada", "w")).await.is_ok());
    assert!(registry.webhooks.get_webhook(from("olga", "w")).await.is_ok(), "an operator");
    for (actor, id) in [("mallory", "w"), ("ada", "other"), ("ada", "No Id\0")] {
        let refused = registry.webhooks.get_webhook(from(actor, id)).await;
        assert_eq!(reason(refused), ErrorReason::WebhookNotFound, "{actor} {id:?}");
    }
}

#[tokio::test]
async fn bad_webhooks_are_refused_with_all_their_flaws() {
    let mut registry = Registry::start().await;
    for url in ["http://127.0.0.1:1/", "https://10.0.0.1/", "ftp://host/", "https://ada:pw@host/", "", "https://ho st/"]
    {
        let refused = registry.webhooks.create_webhook(webhook(url.to_owned())).await;
        assert_eq!(violated_fields(refused), ["webhook.url"], "{url}");
    }
    let mut request = webhook("https://host/".to_owned());
    request.webhook_id = "No Id".to_owned();
    let wanted = request.webhook.as_mut().expect("webhook");
    wanted.description = "x\ny".to_owned();
    wanted.filter = Some(ImportEventFilter { labels: vec!["=".to_owned()], ..Default::default() });
    let refused = registry.webhooks.create_webhook(request).await;
    assert_eq!(violated_fields(refused), ["webhook.description", "webhook.filter.labels[0]", "webhook_id"]);
    create(&mut registry, webhook("https://host/".to_owned())).await;
    let update = UpdateWebhookRequest {
        webhook_id: "w".to_owned(),
        webhook: Some(Webhook { url: "http://[::1]/".to_owned(), ..Default::default() }),
        update_paths: vec!["url".to_owned(), "create_time".to_owned()],
        ..Default::default()
    };
    let refused = registry.webhooks.update_webhook(update).await;
    assert_eq!(violated_fields(refused), ["update_paths[1]", "webhook.url"]);
}
