//! `ImportService`: definitions and their review.

use super::{
    convert,
    create_import::{self, Creator},
    events::{self, Follower},
    get_import, import_id, list_imports, notes, update_import,
};
use crate::{
    caller::{Caller, Rights},
    error::RegistryError,
    import::Import,
    key_ring::KeyRing,
    policy::Policy,
    run_log_url::RunLogUrl,
    store::Store,
    workflow,
};
use codeimport_core::ReviewStatus;
use codeimport_kit::{Shutdown, Violations, client::OutboundChannel};
use codeimport_proto::{
    convert::review_status_from_wire,
    registry::{
        AddImportNoteRequest, AddImportNoteResponse, BatchCreateImportsRequest, BatchCreateImportsResponse,
        CreateImportRequest, CreateImportResponse, DeleteImportRequest, DeleteImportResponse, GetImportRequest,
        GetImportResponse, ListImportEventsRequest, ListImportEventsResponse, ListImportNotesRequest,
        ListImportNotesResponse, ListImportsRequest, ListImportsResponse, RetryImportRequest, RetryImportResponse,
        ReviewImportRequest, ReviewImportResponse, UpdateImportRequest, UpdateImportResponse, WatchImportEventsRequest,
        WatchImportEventsResponse, import_service_server::ImportService,
    },
};
use futures_util::{StreamExt as _, stream::BoxStream};
use std::sync::Arc;
use tonic::{Request, Response, Status};

const MAX_REASON_CHARS: usize = 1000;
const MAX_BATCH: usize = 500;

/// The service, and what it consists of.
#[derive(Clone)]
pub struct ImportApi {
    /// Where everything is kept.
    pub store: Store,
    /// What is allowed here.
    pub policy: Arc<Policy>,
    /// Who has which rights.
    pub rights: Arc<Rights>,
    /// The keys that seal.
    pub keys: KeyRing,
    /// A queue that can be asked about jobs.
    pub queue: OutboundChannel,
    /// Where people read logs.
    pub log_url: RunLogUrl,
    /// Ends the answers that never end by themselves.
    pub shutdown: Shutdown,
}

impl ImportApi {
    fn creator<'a>(&'a self, caller: &'a Caller) -> Creator<'a> {
        Creator { store: &self.store, policy: &self.policy, keys: &self.keys, caller }
    }

    async fn create_all(
        &self,
        caller: &Caller,
        request: BatchCreateImportsRequest,
    ) -> Result<BatchCreateImportsResponse, RegistryError> {
        if request.requests.len() > MAX_BATCH {
            return Err(Violations::one("requests", "has more than 500 items").into());
        }
        let results = self.creator(caller).create_all(request.requests).await?;
        Ok(BatchCreateImportsResponse { results: results.into_iter().map(create_import::result).collect() })
    }

    async fn review(&self, caller: &Caller, request: ReviewImportRequest) -> Result<Import, RegistryError> {
        let id = import_id(&request.import_id)?;
        let (status, reason) = check_review(&request)?;
        let decide = |before: &Import| Ok(workflow::review(before, status, reason, caller)?);
        self.store.change_import("registry.review_import", &id, &request.etag, decide).await
    }

    async fn retry(&self, caller: &Caller, request: RetryImportRequest) -> Result<Import, RegistryError> {
        let id = import_id(&request.import_id)?;
        let decide = |before: &Import| match workflow::retry(before, caller)? {
            Some(decision) => Ok(Some(decision)),
            None => Err(RegistryError::ReviewStatusForbids(id.clone(), before.intent.status)),
        };
        self.store.change_import("registry.retry_import", &id, &request.etag, decide).await
    }
}

fn check_review(request: &ReviewImportRequest) -> Result<(ReviewStatus, &str), RegistryError> {
    let mut violations = Violations::new();
    let status = review_status_from_wire(request.review_status).ok_or("is not set, or is no status that is known here");
    let status = status.and_then(|status| {
        status.may_be_requested().then_some(status).ok_or("is FAILING, which only the system sets: use SUSPENDED")
    });
    let status = violations.check("review_status", status);
    if request.reason.chars().count() > MAX_REASON_CHARS {
        violations.add("reason", "is longer than 1,000 characters");
    }
    if request.reason.chars().any(|c| c.is_control() && c != '\n') {
        violations.add("reason", "contains a control character");
    }
    Ok((violations.finish_with(status)?, request.reason.trim()))
}

#[tonic::async_trait]
impl ImportService for ImportApi {
    async fn create_import(
        &self,
        request: Request<CreateImportRequest>,
    ) -> Result<Response<CreateImportResponse>, Status> {
        let caller = self.rights.caller(&request);
        let import = self.creator(&caller).create(request.into_inner()).await?;
        Ok(Response::new(CreateImportResponse { import: Some(create_import::shown(&import)) }))
    }

    async fn batch_create_imports(
        &self,
        request: Request<BatchCreateImportsRequest>,
    ) -> Result<Response<BatchCreateImportsResponse>, Status> {
        let caller = self.rights.caller(&request);
        Ok(Response::new(self.create_all(&caller, request.into_inner()).await?))
    }

    async fn get_import(&self, request: Request<GetImportRequest>) -> Result<Response<GetImportResponse>, Status> {
        let id = import_id(&request.into_inner().import_id)?;
        Ok(Response::new(get_import::get(&self.store, &self.queue, &id).await?))
    }

    async fn list_imports(
        &self,
        request: Request<ListImportsRequest>,
    ) -> Result<Response<ListImportsResponse>, Status> {
        Ok(Response::new(list_imports::list(&self.store, request.into_inner()).await?))
    }

    async fn update_import(
        &self,
        request: Request<UpdateImportRequest>,
    ) -> Result<Response<UpdateImportResponse>, Status> {
        let caller = self.rights.caller(&request);
        let request = request.into_inner();
        let id = import_id(&request.import_id)?;
        let import = update_import::update(&self.creator(&caller), &id, request).await?;
        Ok(Response::new(UpdateImportResponse { import: Some(convert::import(&import)) }))
    }

    async fn delete_import(
        &self,
        request: Request<DeleteImportRequest>,
    ) -> Result<Response<DeleteImportResponse>, Status> {
        let caller = self.rights.caller(&request);
        let request = request.into_inner();
        let id = import_id(&request.import_id)?;
        let decide = |import: &Import| Ok(workflow::delete(import, &caller)?);
        self.store.delete_import(&id, &request.etag, decide).await?;
        tracing::info!(import.id = %id, "import deleted");
        Ok(Response::new(DeleteImportResponse {}))
    }

    async fn review_import(
        &self,
        request: Request<ReviewImportRequest>,
    ) -> Result<Response<ReviewImportResponse>, Status> {
        let import = self.review(&self.rights.caller(&request), request.into_inner()).await?;
        Ok(Response::new(ReviewImportResponse { import: Some(convert::import(&import)) }))
    }

    async fn retry_import(
        &self,
        request: Request<RetryImportRequest>,
    ) -> Result<Response<RetryImportResponse>, Status> {
        let import = self.retry(&self.rights.caller(&request), request.into_inner()).await?;
        Ok(Response::new(RetryImportResponse { import: Some(convert::import(&import)) }))
    }

    async fn add_import_note(
        &self,
        request: Request<AddImportNoteRequest>,
    ) -> Result<Response<AddImportNoteResponse>, Status> {
        let caller = self.rights.caller(&request);
        Ok(Response::new(notes::add(&self.store, &caller, request.into_inner()).await?))
    }

    async fn list_import_notes(
        &self,
        request: Request<ListImportNotesRequest>,
    ) -> Result<Response<ListImportNotesResponse>, Status> {
        Ok(Response::new(notes::list(&self.store, request.into_inner()).await?))
    }

    async fn list_import_events(
        &self,
        request: Request<ListImportEventsRequest>,
    ) -> Result<Response<ListImportEventsResponse>, Status> {
        Ok(Response::new(events::list(&self.store, &self.log_url, request.into_inner()).await?))
    }

    type WatchImportEventsStream = BoxStream<'static, Result<WatchImportEventsResponse, Status>>;

    async fn watch_import_events(
        &self,
        request: Request<WatchImportEventsRequest>,
    ) -> Result<Response<Self::WatchImportEventsStream>, Status> {
        let (store, shutdown, log_url) = (self.store.clone(), self.shutdown.clone(), self.log_url.clone());
        let follower = Follower::begin(store, shutdown, log_url, request.into_inner()).await?;
        Ok(Response::new(follower.follow().boxed()))
    }
}
