//! `WebhookService`: who is told what, and what came of it.

use super::{
    Page, PageBounds, events,
    owned::{self, MAX_TEXT_CHARS, Wanted, line, owner_or_caller},
    storable, webhook_convert as convert,
};
use crate::{
    caller::{Caller, Rights},
    error::RegistryError,
    key_ring::{KeyRing, Sealed},
    owned::{Kind, check_etag},
    store::Store,
    webhook::{SigningSecret, Webhook, WebhookId, WebhookIntent, check_url, secret_name},
    workflow::Role,
};
use codeimport_core::Network;
use codeimport_kit::{ApiError, Violations};
use codeimport_proto::{
    common::ErrorReason,
    registry::{
        self as wire, CreateWebhookRequest, CreateWebhookResponse, DeleteWebhookRequest, DeleteWebhookResponse,
        GetWebhookRequest, GetWebhookResponse, ListWebhookDeliveriesRequest, ListWebhookDeliveriesResponse,
        ListWebhookEventsRequest, ListWebhookEventsResponse, ListWebhooksRequest, ListWebhooksResponse,
        RedeliverWebhookRequest, RedeliverWebhookResponse, RotateWebhookSecretRequest, RotateWebhookSecretResponse,
        UpdateWebhookRequest, UpdateWebhookResponse, webhook_service_server::WebhookService,
    },
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

const PAGE: PageBounds = PageBounds { default: 50, max: 500 };

/// The service, and what it consists of.
#[derive(Clone)]
pub struct WebhookApi {
    /// Where everything is kept.
    pub store: Store,
    /// Who has which rights.
    pub rights: Arc<Rights>,
    /// The keys that seal.
    pub keys: KeyRing,
    /// Networks that receivers may lie in besides the public one.
    pub networks: Vec<Network>,
}

/// A secret that was just made, and its sealed form.
struct NewSecret {
    secret: SigningSecret,
    sealed: Sealed,
}

impl WebhookApi {
    async fn create(
        &self,
        caller: &Caller,
        request: CreateWebhookRequest,
    ) -> Result<CreateWebhookResponse, RegistryError> {
        let mut violations = Violations::new();
        let wanted = request.webhook.unwrap_or_default();
        let intent = self.intent(&wanted, &mut violations);
        let id = match request.webhook_id.as_str() {
            "" => Some(WebhookId::generate(&super::credentials::host_of(&wanted.url))),
            id => violations.check("webhook_id", id.parse()),
        };
        let (id, mut intent) = violations.finish_with(id.zip(intent))?;
        intent.owner = owner_or_caller(caller, intent.owner)?;
        let new = self.new_secret(&id)?;
        let created = self.store.create_webhook(&id, &intent, &new.sealed, &caller.actor).await?;
        let webhook = convert::webhook(created.ok_or_else(|| taken(&id))?);
        tracing::info!(webhook.id = %id, "webhook created");
        Ok(CreateWebhookResponse { webhook: Some(webhook), secret: new.secret.expose().to_owned() })
    }

    fn new_secret(&self, id: &WebhookId) -> Result<NewSecret, RegistryError> {
        let sealed = |secret: &SigningSecret| self.keys.seal(&secret_name(id.as_str()), secret.expose().as_bytes());
        let new = SigningSecret::generate().and_then(|secret| Some(NewSecret { sealed: sealed(&secret)?, secret }));
        let no_key = "needs a secret, and there is no key here to keep it sealed";
        Ok(new.ok_or_else(|| Violations::one("webhook_id", no_key))?)
    }

    /// Everything that people decide.
    fn intent(&self, wanted: &wire::Webhook, violations: &mut Violations) -> Option<WebhookIntent> {
        let url = violations.check("webhook.url", check_url(&wanted.url, &self.networks));
        let description = violations.check("webhook.description", line(&wanted.description, MAX_TEXT_CHARS));
        let owner = violations.check("webhook.owner", line(&wanted.owner, MAX_TEXT_CHARS));
        let filter = events::filter("webhook.filter", wanted.filter.clone().unwrap_or_default(), violations);
        let (url, is_paused) = (url?.to_string(), wanted.is_paused);
        Some(WebhookIntent { url, description: description?, owner: owner?, filter, is_paused })
    }

    /// A webhook that the caller may change, as it was read.
    async fn changeable(&self, caller: &Caller, id: &str, etag: &str) -> Result<Webhook, RegistryError> {
        let webhook = self.usable(caller, id).await?;
        check_etag(Kind::Webhook, id, webhook.version, etag)?;
        Ok(webhook)
    }

    /// A webhook that belongs to the caller. One of somebody else is not there.
    async fn usable(&self, caller: &Caller, id: &str) -> Result<Webhook, RegistryError> {
        let not_found = || RegistryError::WebhookNotFound(storable(id).chars().take(WebhookId::MAX_LEN).collect());
        let webhook = self.store.webhook(&id.parse().map_err(|_| not_found())?).await?;
        match caller.role_towards(&webhook.intent.owner) {
            Role::Owner | Role::Operator => Ok(webhook),
            Role::Requester | Role::System => Err(not_found()),
        }
    }

    async fn update(&self, caller: &Caller, request: UpdateWebhookRequest) -> Result<Webhook, RegistryError> {
        let before = self.changeable(caller, &request.webhook_id, &request.etag).await?;
        let mut violations = Violations::new();
        let mut wanted = convert::webhook(before.clone());
        convert::take(&request.update_paths, &request.webhook.unwrap_or_default(), &mut wanted, &mut violations);
        let intent = self.intent(&wanted, &mut violations);
        let mut intent = violations.finish_with(intent)?;
        if intent.owner != before.intent.owner {
            intent.owner = owner_or_caller(caller, intent.owner)?;
        }
        self.store.update_webhook(&before, &intent, &caller.actor).await
    }

    async fn list(&self, caller: &Caller, request: ListWebhooksRequest) -> Result<ListWebhooksResponse, RegistryError> {
        let owners = caller.acts_for();
        let bound_to = format!("webhooks {owners:?}");
        let mut violations = Violations::new();
        let page = Page::read(request.page_size, &request.page_token, PAGE, &bound_to, &mut violations);
        let page = violations.finish_with(page)?;
        let after = page.position.clone().unwrap_or_default();
        let mut found = self.store.list_webhooks(owners.as_deref(), &after, page.limit()).await?;
        let next_page_token = page.cut(&mut found, &bound_to, |webhook| webhook.webhook_id.to_string());
        Ok(ListWebhooksResponse { webhooks: found.into_iter().map(convert::webhook).collect(), next_page_token })
    }

    async fn deliveries(
        &self,
        caller: &Caller,
        request: ListWebhookDeliveriesRequest,
    ) -> Result<ListWebhookDeliveriesResponse, RegistryError> {
        let webhook = self.usable(caller, &request.webhook_id).await?;
        let bound_to = format!("deliveries {}", webhook.webhook_id);
        let mut violations = Violations::new();
        let page = Page::read(request.page_size, &request.page_token, PAGE, &bound_to, &mut violations);
        let page = violations.finish_with(page)?;
        let before = page.position.as_deref().and_then(|id| id.parse().ok()).unwrap_or(i64::MAX);
        let mut found = self.store.list_deliveries(&webhook.webhook_id, before, page.limit()).await?;
        let next_page_token = page.cut(&mut found, &bound_to, |delivery| delivery.delivery_id.to_string());
        let deliveries = found.into_iter().map(convert::delivery).collect();
        Ok(ListWebhookDeliveriesResponse { deliveries, next_page_token })
    }
}

fn taken(id: &WebhookId) -> ApiError {
    ApiError::new(ErrorReason::FieldViolation, format!("webhook_id {id} is taken: choose another one"))
}

#[tonic::async_trait]
impl WebhookService for WebhookApi {
    async fn create_webhook(
        &self,
        request: Request<CreateWebhookRequest>,
    ) -> Result<Response<CreateWebhookResponse>, Status> {
        let caller = self.rights.caller(&request);
        Ok(Response::new(self.create(&caller, request.into_inner()).await?))
    }

    async fn get_webhook(&self, request: Request<GetWebhookRequest>) -> Result<Response<GetWebhookResponse>, Status> {
        let webhook = self.usable(&self.rights.caller(&request), &request.get_ref().webhook_id).await?;
        Ok(Response::new(GetWebhookResponse { webhook: Some(convert::webhook(webhook)) }))
    }

    async fn list_webhooks(
        &self,
        request: Request<ListWebhooksRequest>,
    ) -> Result<Response<ListWebhooksResponse>, Status> {
        let caller = self.rights.caller(&request);
        Ok(Response::new(self.list(&caller, request.into_inner()).await?))
    }

    async fn update_webhook(
        &self,
        request: Request<UpdateWebhookRequest>,
    ) -> Result<Response<UpdateWebhookResponse>, Status> {
        let caller = self.rights.caller(&request);
        let webhook = self.update(&caller, request.into_inner()).await?;
        Ok(Response::new(UpdateWebhookResponse { webhook: Some(convert::webhook(webhook)) }))
    }

    async fn rotate_webhook_secret(
        &self,
        request: Request<RotateWebhookSecretRequest>,
    ) -> Result<Response<RotateWebhookSecretResponse>, Status> {
        let (caller, request) = (self.rights.caller(&request), request.into_inner());
        let webhook = self.changeable(&caller, &request.webhook_id, &request.etag).await?;
        let new = self.new_secret(&webhook.webhook_id)?;
        self.store.rotate_webhook_secret(&webhook, &new.sealed, &caller.actor).await?;
        tracing::info!(webhook.id = %webhook.webhook_id, "signing secret rotated");
        Ok(Response::new(RotateWebhookSecretResponse { secret: new.secret.expose().to_owned() }))
    }

    async fn delete_webhook(
        &self,
        request: Request<DeleteWebhookRequest>,
    ) -> Result<Response<DeleteWebhookResponse>, Status> {
        let (caller, request) = (self.rights.caller(&request), request.into_inner());
        let webhook = self.changeable(&caller, &request.webhook_id, &request.etag).await?;
        self.store.delete_webhook(&webhook, &caller.actor).await?;
        tracing::info!(webhook.id = %webhook.webhook_id, "webhook deleted");
        Ok(Response::new(DeleteWebhookResponse {}))
    }

    async fn list_webhook_deliveries(
        &self,
        request: Request<ListWebhookDeliveriesRequest>,
    ) -> Result<Response<ListWebhookDeliveriesResponse>, Status> {
        let caller = self.rights.caller(&request);
        Ok(Response::new(self.deliveries(&caller, request.into_inner()).await?))
    }

    async fn list_webhook_events(
        &self,
        request: Request<ListWebhookEventsRequest>,
    ) -> Result<Response<ListWebhookEventsResponse>, Status> {
        let (caller, request) = (self.rights.caller(&request), request.into_inner());
        let wanted = Wanted { of: &request.webhook_id, size: request.page_size, token: &request.page_token };
        let (events, next_page_token) = owned::events(&self.store, Kind::Webhook, &caller, wanted).await?;
        Ok(Response::new(ListWebhookEventsResponse { events, next_page_token }))
    }

    async fn redeliver_webhook(
        &self,
        request: Request<RedeliverWebhookRequest>,
    ) -> Result<Response<RedeliverWebhookResponse>, Status> {
        let webhook = self.usable(&self.rights.caller(&request), &request.get_ref().webhook_id).await?;
        let delivery = self.store.redeliver(&webhook.webhook_id, request.get_ref().delivery_id).await?;
        Ok(Response::new(RedeliverWebhookResponse { delivery: Some(convert::delivery(delivery)) }))
    }
}
