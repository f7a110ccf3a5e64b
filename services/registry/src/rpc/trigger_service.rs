//! `TriggerService`: which sources may start runs.

use super::import_id;
use crate::{
    audit::{NewEvent, TriggerChange},
    caller::{Caller, Rights},
    error::RegistryError,
    key_ring::{KeyRing, Sealed},
    store::Store,
    trigger::{Trigger, TriggerSecret, secret_name},
    workflow,
};
use codeimport_core::ImportId;
use codeimport_kit::Violations;
use codeimport_proto::{
    convert::timestamp_to_wire,
    registry::{
        self as wire, CreateTriggerRequest, CreateTriggerResponse, DeleteTriggerRequest, DeleteTriggerResponse,
        GetTriggerRequest, GetTriggerResponse, RotateTriggerSecretRequest, RotateTriggerSecretResponse,
        trigger_service_server::TriggerService,
    },
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service, and what it consists of.
#[derive(Clone)]
pub struct TriggerApi {
    /// Where everything is kept.
    pub store: Store,
    /// Who has which rights.
    pub rights: Arc<Rights>,
    /// The keys that seal.
    pub keys: KeyRing,
}

impl TriggerApi {
    /// The import of a request, if the caller may decide what starts it.
    async fn permitted(&self, caller: &Caller, import: &str) -> Result<ImportId, RegistryError> {
        let id = import_id(import)?;
        workflow::set_trigger(&self.store.import(&id).await?, caller)?;
        Ok(id)
    }

    async fn create(&self, caller: &Caller, import: &str) -> Result<(Trigger, TriggerSecret), RegistryError> {
        let id = self.permitted(caller, import).await?;
        match self.store.trigger(&id).await {
            Ok(_) => Err(Violations::one("import_id", "has a trigger already: rotate its secret").into()),
            Err(RegistryError::TriggerNotFound(_)) => self.put(&id, caller, TriggerChange::Created).await,
            Err(error) => Err(error),
        }
    }

    async fn rotate(&self, caller: &Caller, import: &str) -> Result<TriggerSecret, RegistryError> {
        let id = self.permitted(caller, import).await?;
        self.store.trigger(&id).await?;
        Ok(self.put(&id, caller, TriggerChange::Rotated).await?.1)
    }

    async fn put(
        &self,
        id: &ImportId,
        caller: &Caller,
        what: TriggerChange,
    ) -> Result<(Trigger, TriggerSecret), RegistryError> {
        let (secret, sealed) = self.new_secret(id)?;
        let event = NewEvent::of_trigger(&caller.actor, what);
        Ok((self.store.put_trigger(id, &sealed, &event).await?, secret))
    }

    fn new_secret(&self, id: &ImportId) -> Result<(TriggerSecret, Sealed), RegistryError> {
        let sealed = |secret: &TriggerSecret| self.keys.seal(&secret_name(id), secret.expose().as_bytes());
        let new = TriggerSecret::generate().and_then(|secret| Some((secret.clone(), sealed(&secret)?)));
        let no_key = "needs a secret, and there is no key here to keep it sealed";
        Ok(new.ok_or_else(|| Violations::one("import_id", no_key))?)
    }

    async fn get(&self, import: &str) -> Result<Trigger, RegistryError> {
        let id = import_id(import)?;
        self.store.import(&id).await?;
        self.store.trigger(&id).await
    }

    async fn delete(&self, caller: &Caller, import: &str) -> Result<(), RegistryError> {
        let id = self.permitted(caller, import).await?;
        self.store.delete_trigger(&id, &NewEvent::of_trigger(&caller.actor, TriggerChange::Deleted)).await
    }
}

fn shown(trigger: &Trigger) -> wire::Trigger {
    wire::Trigger {
        path: format!("/v1/hooks/{}", trigger.import_id),
        import_id: trigger.import_id.to_string(),
        create_time: Some(timestamp_to_wire(trigger.created_at)),
        push_time: trigger.pushed_at.map(timestamp_to_wire),
    }
}

#[tonic::async_trait]
impl TriggerService for TriggerApi {
    async fn create_trigger(
        &self,
        request: Request<CreateTriggerRequest>,
    ) -> Result<Response<CreateTriggerResponse>, Status> {
        let caller = self.rights.caller(&request);
        let (trigger, secret) = self.create(&caller, &request.get_ref().import_id).await?;
        tracing::info!(import.id = %trigger.import_id, actor = caller.actor, "trigger created");
        Ok(Response::new(CreateTriggerResponse { trigger: Some(shown(&trigger)), secret: secret.expose().to_owned() }))
    }

    async fn get_trigger(&self, request: Request<GetTriggerRequest>) -> Result<Response<GetTriggerResponse>, Status> {
        let trigger = self.get(&request.get_ref().import_id).await?;
        Ok(Response::new(GetTriggerResponse { trigger: Some(shown(&trigger)) }))
    }

    async fn rotate_trigger_secret(
        &self,
        request: Request<RotateTriggerSecretRequest>,
    ) -> Result<Response<RotateTriggerSecretResponse>, Status> {
        let caller = self.rights.caller(&request);
        let secret = self.rotate(&caller, &request.get_ref().import_id).await?;
        Ok(Response::new(RotateTriggerSecretResponse { secret: secret.expose().to_owned() }))
    }

    async fn delete_trigger(
        &self,
        request: Request<DeleteTriggerRequest>,
    ) -> Result<Response<DeleteTriggerResponse>, Status> {
        let caller = self.rights.caller(&request);
        self.delete(&caller, &request.get_ref().import_id).await?;
        Ok(Response::new(DeleteTriggerResponse {}))
    }
}
