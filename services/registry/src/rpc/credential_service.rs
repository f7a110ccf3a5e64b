//! `CredentialService`: secrets go in, and never come out.

use super::{
    Page, PageBounds, credentials,
    owned::{self, MAX_TEXT_CHARS, Wanted, line, owner_or_caller},
};
use crate::{
    caller::{Caller, Rights},
    credential::{Credential, CredentialId, Login, NewCredential},
    error::RegistryError,
    key_ring::{KeyRing, Sealed},
    owned::{Kind, check_etag, etag},
    store::Store,
};
use codeimport_kit::{ApiError, Violations};
use codeimport_proto::{
    common::ErrorReason,
    convert::timestamp_to_wire,
    registry::{
        self as wire, CreateCredentialRequest, CreateCredentialResponse, DeleteCredentialRequest,
        DeleteCredentialResponse, ListCredentialEventsRequest, ListCredentialEventsResponse, ListCredentialsRequest,
        ListCredentialsResponse, RotateCredentialRequest, RotateCredentialResponse,
        credential_service_server::CredentialService,
    },
};
use std::sync::Arc;
use tonic::{Request, Response, Status};
use url::Url;

const PAGE: PageBounds = PageBounds { default: 50, max: 500 };
const MAX_USERNAME_CHARS: usize = 1_000;
const MAX_PASSWORD_CHARS: usize = 10_000;
const MAX_PREFIX_CHARS: usize = 2_000;

/// The service.
#[derive(Clone)]
pub struct CredentialApi {
    store: Store,
    rights: Arc<Rights>,
    keys: KeyRing,
}

impl CredentialApi {
    /// The service over a store, with the keys that seal.
    #[must_use]
    pub fn new(store: Store, rights: Arc<Rights>, keys: KeyRing) -> Self {
        Self { store, rights, keys }
    }

    async fn create(&self, caller: &Caller, request: CreateCredentialRequest) -> Result<Credential, RegistryError> {
        let new = self.check(caller, request)?;
        match self.store.create_credential(&new, &caller.actor).await? {
            Some(credential) => Ok(credential),
            None => Err(taken(&new.credential_id).into()),
        }
    }

    fn check(&self, caller: &Caller, request: CreateCredentialRequest) -> Result<NewCredential, RegistryError> {
        let mut violations = Violations::new();
        let wanted = request.credential.unwrap_or_default();
        let url_prefix = violations.check("credential.url_prefix", url_prefix(&wanted.url_prefix));
        let description = violations.check("credential.description", line(&wanted.description, MAX_TEXT_CHARS));
        let owner = violations.check("credential.owner", line(&wanted.owner, MAX_TEXT_CHARS));
        let id = match (request.credential_id.as_str(), &url_prefix) {
            ("", prefix) => Some(CredentialId::generate(&credentials::host_of(prefix.as_deref().unwrap_or_default()))),
            (id, _) => violations.check("credential_id", id.parse()),
        };
        let login = login(request.login, &mut violations);
        let sealed = self.sealed(id.as_ref(), 1, login.as_ref(), &mut violations);
        let all = id.zip(url_prefix).zip(description).zip(owner).zip(sealed);
        let ((((credential_id, url_prefix), description), owner), sealed) = violations.finish_with(all)?;
        let owner = owner_or_caller(caller, owner)?;
        Ok(NewCredential { credential_id, description, owner, url_prefix, is_implicit: false, sealed })
    }

    fn sealed(
        &self,
        id: Option<&CredentialId>,
        version: i32,
        login: Option<&Login>,
        violations: &mut Violations,
    ) -> Option<Sealed> {
        let sealed = login?.seal(&self.keys, id?, version);
        violations.check("login", sealed.ok_or("cannot be kept: there is no key here to seal it with"))
    }

    async fn rotate(&self, caller: &Caller, request: RotateCredentialRequest) -> Result<Credential, RegistryError> {
        let old = self.changeable(caller, &request.credential_id, &request.etag).await?;
        let mut violations = Violations::new();
        let login = login(request.login, &mut violations);
        let version = old.version.saturating_add(1);
        let sealed = self.sealed(Some(&old.credential_id), version, login.as_ref(), &mut violations);
        let sealed = violations.finish_with(sealed)?;
        self.store.rotate_credential(&old, &sealed, &caller.actor).await
    }

    /// A credential that the caller may change, as it was read.
    async fn changeable(&self, caller: &Caller, id: &str, etag: &str) -> Result<Credential, RegistryError> {
        let credential = credentials::usable(&self.store, caller, id).await?;
        check_etag(Kind::Credential, id, credential.version, etag)?;
        Ok(credential)
    }

    async fn list(
        &self,
        caller: &Caller,
        request: ListCredentialsRequest,
    ) -> Result<ListCredentialsResponse, RegistryError> {
        let owners = caller.acts_for();
        let bound_to = format!("credentials {owners:?}");
        let mut violations = Violations::new();
        let page = Page::read(request.page_size, &request.page_token, PAGE, &bound_to, &mut violations);
        let page = violations.finish_with(page)?;
        let after = page.position.clone().unwrap_or_default();
        let mut found = self.store.list_credentials(owners.as_deref(), &after, page.limit()).await?;
        let next_page_token = page.cut(&mut found, &bound_to, |credential| credential.credential_id.to_string());
        Ok(ListCredentialsResponse { credentials: found.into_iter().map(shown).collect(), next_page_token })
    }
}

fn taken(id: &CredentialId) -> ApiError {
    ApiError::new(ErrorReason::FieldViolation, format!("credential_id {id} is taken: choose another one"))
}

fn login(wanted: Option<wire::Login>, violations: &mut Violations) -> Option<Login> {
    let wanted = violations.require("login", wanted)?;
    let username = violations.check("login.username", line(&wanted.username, MAX_USERNAME_CHARS));
    let password = violations.check("login.password", line(&wanted.password, MAX_PASSWORD_CHARS));
    Some(Login { username: username?.into(), password: password?.into() })
}

/// At least a host: a secret for everywhere would be one for everybody.
fn url_prefix(text: &str) -> Result<String, String> {
    let text = line(text, MAX_PREFIX_CHARS)?;
    let url = Url::parse(&text).map_err(|error| format!("is no address ({error}): write it as https://host/path"))?;
    let plain = url.host_str().is_some_and(|host| !host.is_empty()) && url.username().is_empty();
    if plain && url.password().is_none() { Ok(url.to_string()) } else { Err("names no host, or a user".to_owned()) }
}

fn shown(credential: Credential) -> wire::Credential {
    wire::Credential {
        credential_id: credential.credential_id.to_string(),
        description: credential.description,
        owner: credential.owner,
        url_prefix: credential.url_prefix,
        version: credential.version,
        create_time: Some(timestamp_to_wire(credential.created_at)),
        rotate_time: Some(timestamp_to_wire(credential.rotated_at)),
        is_implicit: credential.is_implicit,
        etag: etag(credential.version),
    }
}

#[tonic::async_trait]
impl CredentialService for CredentialApi {
    async fn create_credential(
        &self,
        request: Request<CreateCredentialRequest>,
    ) -> Result<Response<CreateCredentialResponse>, Status> {
        let caller = self.rights.caller(&request);
        let credential = self.create(&caller, request.into_inner()).await?;
        tracing::info!(credential.id = %credential.credential_id, "credential stored");
        Ok(Response::new(CreateCredentialResponse { credential: Some(shown(credential)) }))
    }

    async fn rotate_credential(
        &self,
        request: Request<RotateCredentialRequest>,
    ) -> Result<Response<RotateCredentialResponse>, Status> {
        let caller = self.rights.caller(&request);
        let credential = self.rotate(&caller, request.into_inner()).await?;
        tracing::info!(credential.id = %credential.credential_id, "credential rotated");
        Ok(Response::new(RotateCredentialResponse { credential: Some(shown(credential)) }))
    }

    async fn delete_credential(
        &self,
        request: Request<DeleteCredentialRequest>,
    ) -> Result<Response<DeleteCredentialResponse>, Status> {
        let (caller, request) = (self.rights.caller(&request), request.into_inner());
        let credential = self.changeable(&caller, &request.credential_id, &request.etag).await?;
        self.store.delete_credential(&credential, &caller.actor).await?;
        Ok(Response::new(DeleteCredentialResponse {}))
    }

    async fn list_credentials(
        &self,
        request: Request<ListCredentialsRequest>,
    ) -> Result<Response<ListCredentialsResponse>, Status> {
        let caller = self.rights.caller(&request);
        Ok(Response::new(self.list(&caller, request.into_inner()).await?))
    }

    async fn list_credential_events(
        &self,
        request: Request<ListCredentialEventsRequest>,
    ) -> Result<Response<ListCredentialEventsResponse>, Status> {
        let (caller, request) = (self.rights.caller(&request), request.into_inner());
        let wanted = Wanted { of: &request.credential_id, size: request.page_size, token: &request.page_token };
        let (events, next_page_token) = owned::events(&self.store, Kind::Credential, &caller, wanted).await?;
        Ok(Response::new(ListCredentialEventsResponse { events, next_page_token }))
    }
}
