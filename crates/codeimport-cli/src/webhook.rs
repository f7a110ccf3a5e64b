//! `codeimport webhook …`: who is told what, and what came of it.

use crate::api::Api;
use crate::args::{CreateWebhook, Deliveries, Global, PastEvents, Redeliver, Webhook};
use crate::exit::{Done, Failure};
use crate::import::filter;
use crate::output::Output;
use crate::pages::{Wanted, show_first};
use crate::view::{DeliveryView, OwnedEventView, WebhookView};
use codeimport_proto::registry::{
    self, CreateWebhookRequest, DeleteWebhookRequest, ListWebhookDeliveriesRequest, ListWebhookEventsRequest,
    ListWebhooksRequest, RedeliverWebhookRequest, RotateWebhookSecretRequest, UpdateWebhookRequest,
};
use std::process::ExitCode;

/// Runs one subcommand.
pub(crate) async fn run(global: &Global, command: Webhook) -> Done {
    let output = Output { json: global.json };
    let mut api = Api::connect(global).await?;
    match command {
        Webhook::Create(create) => self::create(&mut api, output, create).await,
        Webhook::List => list(&mut api, output).await,
        Webhook::Pause(webhook) => pause(&mut api, output, webhook.webhook_id, true).await,
        Webhook::Resume(webhook) => pause(&mut api, output, webhook.webhook_id, false).await,
        Webhook::Rotate(webhook) => rotate(&mut api, output, webhook.webhook_id).await,
        Webhook::Delete(webhook) => delete(&mut api, output, webhook.webhook_id).await,
        Webhook::Deliveries(wanted) => deliveries(&mut api, output, wanted).await,
        Webhook::Events(wanted) => events(&mut api, output, wanted).await,
        Webhook::Redeliver(redeliver) => self::redeliver(&mut api, output, redeliver).await,
    }
}

async fn create(api: &mut Api, output: Output, create: CreateWebhook) -> Done {
    let webhook = registry::Webhook {
        url: create.url,
        description: create.description,
        filter: Some(filter(create.import_id, create.filter)),
        ..Default::default()
    };
    let request = CreateWebhookRequest { webhook_id: create.id, webhook: Some(webhook) };
    let answer = api.webhooks.create_webhook(request).await;
    let answer = answer.map_err(|s| Failure::status("cannot create the webhook", &s))?.into_inner();
    output.webhook(&WebhookView::new(answer.webhook.unwrap_or_default(), Some(answer.secret)));
    Ok(ExitCode::SUCCESS)
}

async fn list(api: &mut Api, output: Output) -> Done {
    let mut request = ListWebhooksRequest::default();
    loop {
        let page = api.webhooks.list_webhooks(request.clone()).await;
        let page = page.map_err(|s| Failure::status("cannot list the webhooks", &s))?.into_inner();
        page.webhooks.into_iter().for_each(|one| output.webhook(&WebhookView::new(one, None)));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

async fn pause(api: &mut Api, output: Output, webhook_id: String, is_paused: bool) -> Done {
    let webhook = Some(registry::Webhook { is_paused, ..Default::default() });
    let request =
        UpdateWebhookRequest { webhook_id, webhook, update_paths: vec!["is_paused".to_owned()], ..Default::default() };
    let answer = api.webhooks.update_webhook(request).await;
    let answer = answer.map_err(|s| Failure::status("cannot change the webhook", &s))?.into_inner();
    output.webhook(&WebhookView::new(answer.webhook.unwrap_or_default(), None));
    Ok(ExitCode::SUCCESS)
}

async fn rotate(api: &mut Api, output: Output, webhook_id: String) -> Done {
    let request = RotateWebhookSecretRequest { webhook_id: webhook_id.clone(), ..Default::default() };
    let answer = api.webhooks.rotate_webhook_secret(request).await;
    let secret = answer.map_err(|s| Failure::status("cannot rotate the secret", &s))?.into_inner().secret;
    output.say(&format!("secret: {secret}\nIt is not shown again."));
    output.object(&serde_json::json!({ "webhook_id": webhook_id, "secret": secret }));
    Ok(ExitCode::SUCCESS)
}

async fn delete(api: &mut Api, output: Output, webhook_id: String) -> Done {
    let request = DeleteWebhookRequest { webhook_id: webhook_id.clone(), ..Default::default() };
    let deleted = api.webhooks.delete_webhook(request).await;
    deleted.map_err(|s| Failure::status("cannot delete the webhook", &s))?;
    output.say(&format!("{webhook_id} is deleted"));
    output.object(&serde_json::json!({ "webhook_id": webhook_id, "deleted": true }));
    Ok(ExitCode::SUCCESS)
}

async fn deliveries(api: &mut Api, output: Output, wanted: Deliveries) -> Done {
    let ask = async |Wanted { page_size, page_token }| {
        let webhook_id = wanted.webhook.webhook_id.clone();
        let request = ListWebhookDeliveriesRequest { webhook_id, page_size, page_token };
        let page = api.webhooks.list_webhook_deliveries(request).await;
        let page = page.map_err(|s| Failure::status("cannot list the deliveries", &s))?.into_inner();
        Ok((page.deliveries, page.next_page_token))
    };
    show_first(wanted.limit, ask, |delivery| output.delivery(&DeliveryView::new(delivery))).await
}

async fn events(api: &mut Api, output: Output, wanted: PastEvents) -> Done {
    let ask = async |Wanted { page_size, page_token }| {
        let webhook_id = wanted.id.clone();
        let request = ListWebhookEventsRequest { webhook_id, page_size, page_token };
        let page = api.webhooks.list_webhook_events(request).await;
        let page = page.map_err(|s| Failure::status("cannot list the webhooks' events", &s))?.into_inner();
        Ok((page.events, page.next_page_token))
    };
    show_first(wanted.limit, ask, |event| output.owned_event(&OwnedEventView::new(event))).await
}

async fn redeliver(api: &mut Api, output: Output, redeliver: Redeliver) -> Done {
    let webhook_id = redeliver.webhook.webhook_id;
    let request = RedeliverWebhookRequest { webhook_id, delivery_id: redeliver.delivery_id };
    let answer = api.webhooks.redeliver_webhook(request).await;
    let answer = answer.map_err(|s| Failure::status("cannot send it once more", &s))?.into_inner();
    output.delivery(&DeliveryView::new(answer.delivery.unwrap_or_default()));
    Ok(ExitCode::SUCCESS)
}
