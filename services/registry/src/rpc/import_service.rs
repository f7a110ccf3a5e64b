//! `ImportService`: definitions and their review.

use super::{Page, PageBounds, convert, create_import, import_id};
use crate::{
    definition,
    error::RegistryError,
    import::Import,
    policy::Policy,
    store::{ImportFilter, Store},
    workflow,
};
use codeimport_core::{ImportId, ReviewStatus};
use codeimport_kit::{Violations, actor};
use codeimport_proto::{
    convert::{rcs_type_from_wire, review_status_from_wire},
    registry::{
        CreateImportRequest, CreateImportResponse, DeleteImportRequest, DeleteImportResponse, GetImportRequest,
        GetImportResponse, ListImportEventsRequest, ListImportEventsResponse, ListImportsRequest, ListImportsResponse,
        RetryImportRequest, RetryImportResponse, ReviewImportRequest, ReviewImportResponse, UpdateImportRequest,
        UpdateImportResponse, import_service_server::ImportService,
    },
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

const PAGE: PageBounds = PageBounds { default: 50, max: 500 };
const MAX_REASON_CHARS: usize = 1000;

/// The service.
#[derive(Clone)]
pub struct ImportApi {
    store: Store,
    policy: Arc<Policy>,
}

impl ImportApi {
    /// The service over a store.
    #[must_use]
    pub fn new(store: Store, policy: Arc<Policy>) -> Self {
        Self { store, policy }
    }

    async fn update(&self, actor: &str, request: UpdateImportRequest) -> Result<Import, RegistryError> {
        let id = import_id(&request.import_id)?;
        let mut violations = Violations::new();
        let parts = definition::parts(&request.update_paths, &mut violations);
        let wanted = violations.require("import", request.import).unwrap_or_default();
        violations.finish()?;
        let decide = |before: &Import| {
            let mut violations = Violations::new();
            let old = &before.intent.definition;
            let new = definition::changed(&self.policy, &id, old, &wanted, &parts, &mut violations);
            violations.finish()?;
            Ok(workflow::update(before, new, &self.policy, actor))
        };
        self.store.change_import("registry.update_import", &id, &request.etag, decide).await
    }

    async fn review(&self, actor: &str, request: ReviewImportRequest) -> Result<Import, RegistryError> {
        let id = import_id(&request.import_id)?;
        let (status, reason) = check_review(&request)?;
        let decide = |before: &Import| Ok(workflow::review(before, status, reason, actor));
        self.store.change_import("registry.review_import", &id, &request.etag, decide).await
    }

    async fn retry(&self, actor: &str, request: RetryImportRequest) -> Result<Import, RegistryError> {
        let id = import_id(&request.import_id)?;
        let decide = |before: &Import| match workflow::retry(before, actor) {
            Some(decision) => Ok(Some(decision)),
            None => Err(RegistryError::ReviewStatusForbids(id.clone(), before.intent.status)),
        };
        self.store.change_import("registry.retry_import", &id, "", decide).await
    }

    async fn list(&self, request: ListImportsRequest) -> Result<ListImportsResponse, RegistryError> {
        let mut violations = Violations::new();
        let filter = filter(&request, &mut violations);
        let bound_to = format!("imports {filter:?}");
        let page = Page::read(request.page_size, &request.page_token, PAGE, &bound_to, &mut violations);
        let page = violations.finish_with(page)?;
        let after = page.position.clone().unwrap_or_default();
        let mut imports = self.store.list_imports(&filter, &after, page.limit()).await?;
        let next_page_token = page.cut(&mut imports, &bound_to, |import| import.import_id.to_string());
        Ok(ListImportsResponse { imports: imports.iter().map(convert::import).collect(), next_page_token })
    }

    async fn list_events(&self, request: ListImportEventsRequest) -> Result<ListImportEventsResponse, RegistryError> {
        let mut violations = Violations::new();
        if !request.import_id.is_empty() {
            violations.check("import_id", request.import_id.parse::<ImportId>());
        }
        let bound_to = format!("events {}", request.import_id);
        let page = Page::read(request.page_size, &request.page_token, PAGE, &bound_to, &mut violations);
        let page = violations.finish_with(page)?;
        let before = page.position.as_deref().and_then(|id| id.parse().ok()).unwrap_or(i64::MAX);
        let mut events = self.store.list_events(&request.import_id, before, page.limit()).await?;
        let next_page_token = page.cut(&mut events, &bound_to, |event| event.event_id.to_string());
        Ok(ListImportEventsResponse { events: events.into_iter().map(convert::event).collect(), next_page_token })
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

fn filter(request: &ListImportsRequest, violations: &mut Violations) -> ImportFilter {
    let mut filter = ImportFilter { text: request.text.trim().replace('\0', ""), ..ImportFilter::default() };
    for (i, status) in request.review_statuses.iter().enumerate() {
        let status = review_status_from_wire(*status).ok_or("is no status that is known here");
        filter.review_statuses.extend(violations.check(&format!("review_statuses[{i}]"), status));
    }
    for (i, rcs_type) in request.rcs_types.iter().enumerate() {
        let rcs_type = rcs_type_from_wire(*rcs_type).ok_or("is no type that is known here");
        filter.rcs_types.extend(violations.check(&format!("rcs_types[{i}]"), rcs_type));
    }
    filter
}

#[tonic::async_trait]
impl ImportService for ImportApi {
    async fn create_import(
        &self,
        request: Request<CreateImportRequest>,
    ) -> Result<Response<CreateImportResponse>, Status> {
        let actor = actor(&request);
        let import = create_import::create(&self.store, &self.policy, actor, request.into_inner()).await?;
        Ok(Response::new(CreateImportResponse { import: Some(import) }))
    }

    async fn get_import(&self, request: Request<GetImportRequest>) -> Result<Response<GetImportResponse>, Status> {
        let import = self.store.import(&import_id(&request.into_inner().import_id)?).await?;
        Ok(Response::new(GetImportResponse { import: Some(convert::import(&import)) }))
    }

    async fn list_imports(
        &self,
        request: Request<ListImportsRequest>,
    ) -> Result<Response<ListImportsResponse>, Status> {
        Ok(Response::new(self.list(request.into_inner()).await?))
    }

    async fn update_import(
        &self,
        request: Request<UpdateImportRequest>,
    ) -> Result<Response<UpdateImportResponse>, Status> {
        let import = self.update(&actor(&request), request.into_inner()).await?;
        Ok(Response::new(UpdateImportResponse { import: Some(convert::import(&import)) }))
    }

    async fn delete_import(
        &self,
        request: Request<DeleteImportRequest>,
    ) -> Result<Response<DeleteImportResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let id = import_id(&request.import_id)?;
        self.store.delete_import(&id, &request.etag, |import| workflow::delete(import, &actor)).await?;
        tracing::info!(import.id = %id, "import deleted");
        Ok(Response::new(DeleteImportResponse {}))
    }

    async fn review_import(
        &self,
        request: Request<ReviewImportRequest>,
    ) -> Result<Response<ReviewImportResponse>, Status> {
        let import = self.review(&actor(&request), request.into_inner()).await?;
        Ok(Response::new(ReviewImportResponse { import: Some(convert::import(&import)) }))
    }

    async fn retry_import(
        &self,
        request: Request<RetryImportRequest>,
    ) -> Result<Response<RetryImportResponse>, Status> {
        let import = self.retry(&actor(&request), request.into_inner()).await?;
        Ok(Response::new(RetryImportResponse { import: Some(convert::import(&import)) }))
    }

    async fn list_import_events(
        &self,
        request: Request<ListImportEventsRequest>,
    ) -> Result<Response<ListImportEventsResponse>, Status> {
        Ok(Response::new(self.list_events(request.into_inner()).await?))
    }
}
