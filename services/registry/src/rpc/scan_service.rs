//! `ScanService`: what the scans found.

use super::{Page, PageBounds, convert, import_id, ref_changes, revisions};
use crate::{
    error::RegistryError,
    store::{MapKey, MapPosition, SourceRevision, Store},
};
use codeimport_kit::{Shutdown, Violations};
use codeimport_proto::registry::{
    CompareTipsRequest, CompareTipsResponse, GetRevisionRequest, GetRevisionResponse, GetScanTotalsRequest,
    GetScanTotalsResponse, ListRefsRequest, ListRefsResponse, ListRevisionsRequest, ListRevisionsResponse,
    LookupSourceRevisionRequest, LookupSourceRevisionResponse, RescanRequest, RescanResponse, WatchRefsRequest,
    WatchRefsResponse, lookup_source_revision_request::Key, scan_service_server::ScanService,
};
use futures_util::{StreamExt as _, stream::BoxStream};
use tonic::{Request, Response, Status};

const REFS_PAGE: PageBounds = PageBounds { default: 500, max: 5_000 };
const MAP_PAGE: PageBounds = PageBounds { default: 50, max: 1_000 };

/// The service.
#[derive(Clone)]
pub struct ScanApi {
    store: Store,
    shutdown: Shutdown,
}

impl ScanApi {
    /// The service over a store. What is followed ends when `shutdown` begins.
    #[must_use]
    pub fn new(store: Store, shutdown: Shutdown) -> Self {
        Self { store, shutdown }
    }

    /// Tokens are bound to the refs as they stand: pages of two different states do not make a list.
    async fn refs(&self, request: ListRefsRequest) -> Result<ListRefsResponse, RegistryError> {
        let id = import_id(&request.import_id)?;
        let digest = self.store.refs_digest(&id).await?;
        let bound_to = |digest: &[u8]| format!("refs {id} {}", hex::encode(digest));
        let mut violations = Violations::new();
        let token = &request.page_token;
        let page = Page::read(request.page_size, token, REFS_PAGE, &bound_to(&digest), &mut violations);
        let page = violations.finish_with(page)?;
        let after = page.position.clone().unwrap_or_default();
        let found = self.store.list_refs(&id, &after, page.limit()).await?;
        let mut refs = found.refs;
        let next_page_token = page.cut(&mut refs, &bound_to(&found.refs_digest), |r| r.name.clone());
        let refs = refs.into_iter().map(convert::reference).collect();
        Ok(ListRefsResponse { refs, next_page_token, default_branch: found.default_branch })
    }

    async fn totals(&self, request: GetScanTotalsRequest) -> Result<GetScanTotalsResponse, RegistryError> {
        let id = import_id(&request.import_id)?;
        Ok(convert::totals(&self.store.scan_totals(&id).await?))
    }

    async fn want_rescan(&self, request: RescanRequest) -> Result<RescanResponse, RegistryError> {
        self.store.want_rescan(&import_id(&request.import_id)?).await.map(|()| RescanResponse {})
    }

    async fn lookup(
        &self,
        request: LookupSourceRevisionRequest,
    ) -> Result<LookupSourceRevisionResponse, RegistryError> {
        let id = import_id(&request.import_id)?;
        let bound_to = format!("map {id} {:?} {:?}", request.key, request.branch_path);
        let mut violations = Violations::new();
        let branch_path = request.branch_path;
        if branch_path.as_ref().is_some_and(|path| path.contains('\0')) {
            violations.add("branch_path", "contains a NUL character");
        }
        let key = map_key(request.key, &mut violations);
        let token = &request.page_token;
        let page = Page::read(request.page_size, token, MAP_PAGE, &bound_to, &mut violations);
        let (key, page) = violations.finish_with(key.zip(page))?;
        let position = page.position.as_deref().and_then(map_position).unwrap_or_default();
        let branch_path = branch_path.as_deref();
        let mut found = self.store.lookup_source_revision(&id, &key, branch_path, &position, page.limit()).await?;
        let next_page_token = page.cut(&mut found, &bound_to, map_position_of);
        let source_revisions = found.into_iter().map(convert::source_revision).collect();
        Ok(LookupSourceRevisionResponse { source_revisions, next_page_token })
    }
}

fn map_key(key: Option<Key>, violations: &mut Violations) -> Option<MapKey> {
    match violations.require("key", key)? {
        Key::Revision(text) => violations.check("revision", convert::source_revision_name(text)).map(MapKey::Revision),
        Key::CommitId(text) => violations.check("commit_id", convert::object_id(&text)).map(MapKey::Commit),
    }
}

/// The path comes last: it is the only part that may contain spaces.
fn map_position_of(entry: &SourceRevision) -> String {
    format!("{} {} {}", entry.revision, hex::encode(entry.commit_id), entry.branch_path)
}

fn map_position(text: &str) -> Option<MapPosition> {
    let mut parts = text.splitn(3, ' ');
    let (revision, commit_id, branch_path) = (parts.next()?, parts.next()?, parts.next()?);
    let commit_id = convert::object_id(commit_id).ok()?.to_vec();
    Some(MapPosition { revision: revision.to_owned(), branch_path: branch_path.to_owned(), commit_id })
}

#[tonic::async_trait]
impl ScanService for ScanApi {
    async fn list_refs(&self, request: Request<ListRefsRequest>) -> Result<Response<ListRefsResponse>, Status> {
        Ok(Response::new(self.refs(request.into_inner()).await?))
    }

    async fn list_revisions(
        &self,
        request: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        Ok(Response::new(revisions::list(&self.store, request.into_inner()).await?))
    }

    async fn get_revision(
        &self,
        request: Request<GetRevisionRequest>,
    ) -> Result<Response<GetRevisionResponse>, Status> {
        Ok(Response::new(revisions::get(&self.store, request.get_ref()).await?))
    }

    async fn compare_tips(
        &self,
        request: Request<CompareTipsRequest>,
    ) -> Result<Response<CompareTipsResponse>, Status> {
        Ok(Response::new(ref_changes::of_run(&self.store, request.get_ref()).await?))
    }

    type WatchRefsStream = BoxStream<'static, Result<WatchRefsResponse, Status>>;

    async fn watch_refs(&self, request: Request<WatchRefsRequest>) -> Result<Response<Self::WatchRefsStream>, Status> {
        let request = request.into_inner();
        let id = import_id(&request.import_id)?;
        // An import that is not there is told at once.
        self.store.next_swap(&id, request.after_swap).await?;
        let changes = ref_changes::watch(self.store.clone(), self.shutdown.clone(), id, request.after_swap);
        Ok(Response::new(changes.boxed()))
    }

    async fn get_scan_totals(
        &self,
        request: Request<GetScanTotalsRequest>,
    ) -> Result<Response<GetScanTotalsResponse>, Status> {
        Ok(Response::new(self.totals(request.into_inner()).await?))
    }

    async fn rescan(&self, request: Request<RescanRequest>) -> Result<Response<RescanResponse>, Status> {
        Ok(Response::new(self.want_rescan(request.into_inner()).await?))
    }

    async fn lookup_source_revision(
        &self,
        request: Request<LookupSourceRevisionRequest>,
    ) -> Result<Response<LookupSourceRevisionResponse>, Status> {
        Ok(Response::new(self.lookup(request.into_inner()).await?))
    }
}
