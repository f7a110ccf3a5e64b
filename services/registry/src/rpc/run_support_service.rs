//! `RunSupportService`: what a worker needs for one run. Every call proves itself by its lease token.

use super::{convert, credentials};
use crate::{
    credential::{Credential, Login},
    error::RegistryError,
    import::Import,
    key_ring::{KeyRing, Sealed},
    policy::Policy,
    store::{Holder, Ref, Revision, Scan, Signature, SourceRevision, Store, Told},
};
use codeimport_core::{LeaseKey, RefFilter};
use codeimport_kit::{ApiError, Violations};
use codeimport_proto::{
    common::ErrorReason,
    registry::{
        self as wire, GetRunSpecRequest, GetRunSpecResponse, PutRevisionsRequest, PutRevisionsResponse,
        SwapRefsRequest, SwapRefsResponse, run_support_service_server::RunSupportService,
    },
};
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};
use tonic::{Request, Response, Status};

const MAX_REVISIONS: usize = 10_000;
const MAX_SOURCE_REVISIONS: usize = 10_000;
/// Of a ref, and of a path that becomes one. Git itself has no limit; the file systems that most refs come from do.
const MAX_NAME_BYTES: usize = 1_000;
/// Of one commit. The largest merge of the kernel has 66; each parent is a step of every walk.
const MAX_PARENTS: usize = 10_000;
const DIGEST_LEN: usize = 32;
/// More than any history has; and so far below the end of all numbers that adding to it cannot go wrong.
const MAX_OFFSET: i64 = 1 << 40;

/// The service.
#[derive(Clone)]
pub struct RunSupportApi {
    store: Store,
    policy: Arc<Policy>,
    keys: KeyRing,
    lease_key: LeaseKey,
    skew_allowance: Duration,
}

impl RunSupportApi {
    /// The service over a store. Tokens are taken until `skew_allowance` after their expiry.
    #[must_use]
    pub fn new(
        store: Store,
        policy: Arc<Policy>,
        keys: KeyRing,
        lease_key: LeaseKey,
        skew_allowance: Duration,
    ) -> Self {
        Self { store, policy, keys, lease_key, skew_allowance }
    }

    /// Who calls, if the queue says so. Whether the lease is still held, the store finds out while it writes.
    fn holder(&self, token: &[u8]) -> Result<Holder, RegistryError> {
        let claims = self.lease_key.verify(token).map_err(|_| RegistryError::LeaseTokenInvalid)?;
        let refused_after = claims.expires_at.saturating_add(self.skew_allowance);
        Ok(Holder {
            import_id: claims.job_id,
            run_id: claims.run_id,
            fencing_token: claims.fencing_token,
            refused_after: refused_after.map_err(|_| RegistryError::LeaseTokenInvalid)?,
        })
    }

    /// An import that is no longer REVIEWED is still told: a run under way may finish. What policy forbids by now is not.
    async fn spec(&self, request: &GetRunSpecRequest) -> Result<GetRunSpecResponse, RegistryError> {
        let holder = self.holder(&request.lease_token)?;
        let spec = self.store.run_spec(&holder).await?;
        let import = &spec.import;
        if !self.policy.allows_source(&import.intent.definition.source) {
            return Err(forbidden(import, "source").into());
        }
        if !self.policy.allows_target(&import.intent.definition.target_url) {
            return Err(forbidden(import, "target").into());
        }
        let login = match &spec.credential {
            Some(credential) => Some(self.login(import, credential)?),
            None => None,
        };
        Ok(GetRunSpecResponse {
            login,
            allowed_networks: self.policy.allowed_networks.iter().map(ToString::to_string).collect(),
            import_id: import.import_id.to_string(),
            source: Some(convert::source(import)),
            target: Some(convert::target(import)),
            ref_filter: Some(effective_filter(import)),
            scanned_refs_digest: spec.scanned_refs_digest,
            scan_anew: spec.scan_anew,
        })
    }

    /// Opened for the holder of the lease alone, and only if it still fits the source.
    fn login(
        &self,
        import: &Import,
        (credential, sealed): &(Credential, Sealed),
    ) -> Result<wire::Login, RegistryError> {
        if !credentials::fits(credential, &import.intent.definition.source) {
            return Err(forbidden(import, "source with its credential").into());
        }
        let Some(login) = Login::open(&self.keys, &credential.credential_id, credential.version, sealed) else {
            tracing::error!(credential.id = %credential.credential_id, "a credential cannot be opened: is its key gone?");
            return Err(forbidden(import, "credential, whose key is gone").into());
        };
        Ok(wire::Login { username: login.username.expose().to_owned(), password: login.password.expose().to_owned() })
    }

    async fn put(&self, request: PutRevisionsRequest) -> Result<PutRevisionsResponse, RegistryError> {
        let holder = self.holder(&request.lease_token)?;
        let stored = self.store.put_revisions(&holder, &told(request)?).await?;
        Ok(PutRevisionsResponse { stored_count: i64::try_from(stored).unwrap_or(i64::MAX) })
    }

    async fn swap(&self, request: SwapRefsRequest) -> Result<SwapRefsResponse, RegistryError> {
        let holder = self.holder(&request.lease_token)?;
        let changed = self.store.swap_refs(&holder, &scan(request)?).await?;
        tracing::info!(import.id = %holder.import_id, refs.changed = changed, "a scan is visible");
        Ok(SwapRefsResponse { changed_count: i64::try_from(changed).unwrap_or(i64::MAX) })
    }
}

fn forbidden(import: &Import, what: &str) -> ApiError {
    let message = format!("policy no longer allows this {what}: finish with FORBIDDEN");
    ApiError::new(ErrorReason::ReviewStatusForbids, message)
        .with("import_id", &import.import_id)
        .with("review_status", import.intent.status)
}

fn effective_filter(import: &Import) -> wire::RefFilter {
    let patterns = &import.intent.definition.ref_patterns;
    let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    // Checked when they came in; a pattern that newer rules refuse must not widen the filter to the default one.
    match RefFilter::new(patterns.include.clone(), patterns.exclude.clone()) {
        Ok(filter) => wire::RefFilter { include: owned(filter.include()), exclude: owned(filter.exclude()) },
        Err(_) => wire::RefFilter { include: patterns.include.clone(), exclude: patterns.exclude.clone() },
    }
}

fn told(request: PutRevisionsRequest) -> Result<Told, RegistryError> {
    let mut violations = Violations::new();
    if request.revisions.len() > MAX_REVISIONS {
        violations.add("revisions", "has more than 10,000 items");
    }
    if !(0..=MAX_OFFSET).contains(&request.offset) {
        violations.add("offset", "is negative, or beyond all histories");
    }
    let mut seen = HashSet::with_capacity(request.revisions.len().min(MAX_REVISIONS));
    let mut revisions = Vec::with_capacity(request.revisions.len().min(MAX_REVISIONS));
    for (i, wire) in request.revisions.into_iter().enumerate().take(MAX_REVISIONS) {
        let revision = revision(i, wire, &mut violations);
        if revision.as_ref().is_some_and(|revision| !seen.insert(revision.commit_id)) {
            violations.add(format!("revisions[{i}].commit_id"), "is in the list twice");
        }
        revisions.extend(revision);
    }
    let shown = source_revisions(request.source_revisions, &seen, &mut violations);
    violations.finish()?;
    Ok(Told { revisions, shown, offset: request.offset, anew: request.anew })
}

fn revision(i: usize, wire: wire::Revision, violations: &mut Violations) -> Option<Revision> {
    let commit_id = violations.check(format_args!("revisions[{i}].commit_id"), convert::object_id(&wire.commit_id));
    let parents: Result<Vec<_>, _> = wire.parent_ids.iter().map(|id| convert::object_id(id)).collect();
    let parent_ids = violations.check(format_args!("revisions[{i}].parent_ids"), parents);
    if wire.parent_ids.len() > MAX_PARENTS {
        violations.add(format!("revisions[{i}].parent_ids"), "has more than 10,000 items");
    }
    let author = violations.require(format_args!("revisions[{i}].author"), wire.author.and_then(signature));
    let committer = violations.require(format_args!("revisions[{i}].committer"), wire.committer.and_then(signature));
    Some(Revision {
        commit_id: commit_id?,
        parent_ids: parent_ids?,
        author: author?,
        committer: committer?,
        message: storable(wire.message),
    })
}

/// Those of other commits than the ones sent along would hang in the air, should they not be stored.
fn source_revisions(
    wire: Vec<wire::SourceRevision>,
    sent: &HashSet<[u8; 20]>,
    violations: &mut Violations,
) -> Vec<SourceRevision> {
    if wire.len() > MAX_SOURCE_REVISIONS {
        violations.add("source_revisions", "has more than 10,000 items");
        return Vec::new();
    }
    let numbered = wire.into_iter().enumerate();
    numbered
        .filter_map(|(i, entry)| source_revision(&format!("source_revisions[{i}]"), entry, sent, violations))
        .collect()
}

fn source_revision(
    field: &str,
    wire: wire::SourceRevision,
    sent: &HashSet<[u8; 20]>,
    violations: &mut Violations,
) -> Option<SourceRevision> {
    let commit_id = convert::object_id(&wire.commit_id)
        .and_then(|id| sent.contains(&id).then_some(id).ok_or("is not among the revisions of this call"));
    let commit_id = violations.check(format_args!("{field}.commit_id"), commit_id);
    let revision = violations.check(format_args!("{field}.revision"), convert::source_revision_name(wire.revision));
    let branch_path = violations.check(format_args!("{field}.branch_path"), checked_name(wire.branch_path));
    Some(SourceRevision { revision: revision?, branch_path: branch_path?, commit_id: commit_id? })
}

fn signature(wire: wire::Signature) -> Option<Signature> {
    Some(Signature {
        time_s: wire.time.as_ref()?.seconds,
        name: storable(wire.name),
        email: storable(wire.email),
        offset_minutes: wire.utc_offset_minutes,
    })
}

/// PostgreSQL has no NUL in text; the contract shows it as U+FFFD.
fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

fn scan(request: SwapRefsRequest) -> Result<Scan, RegistryError> {
    let mut violations = Violations::new();
    let mut names = BTreeSet::new();
    let mut refs = Vec::with_capacity(request.refs.len());
    for (i, wire) in request.refs.into_iter().enumerate() {
        if !names.insert(wire.name.clone()) {
            violations.add(format!("refs[{i}].name"), "is in the list twice");
        }
        refs.extend(reference(i, wire, &mut violations));
    }
    if request.refs_digest.len() != DIGEST_LEN {
        violations.add("refs_digest", "is not 32 bytes long");
    }
    let default_branch = violations.check("default_branch", checked_name(request.default_branch));
    let default_branch = violations.finish_with(default_branch)?;
    Ok(Scan {
        refs,
        default_branch,
        refs_digest: request.refs_digest,
        anew: request.anew,
        target_bytes: request.target_bytes.max(0),
    })
}

fn reference(i: usize, wire: wire::Ref, violations: &mut Violations) -> Option<Ref> {
    let name = violations.check(format_args!("refs[{i}].name"), checked_name(wire.name));
    let object_id = violations.check(format_args!("refs[{i}].object_id"), convert::object_id(&wire.object_id));
    let commit_id = match wire.commit_id.as_str() {
        "" => Some(None),
        id => violations.check(format_args!("refs[{i}].commit_id"), convert::object_id(id)).map(Some),
    };
    Some(Ref { name: name?, object_id: object_id?, commit_id: commit_id? })
}

fn checked_name(name: String) -> Result<String, &'static str> {
    if name.len() > MAX_NAME_BYTES {
        Err("is longer than 1,000 bytes")
    } else if name.contains('\0') {
        Err("contains a NUL character")
    } else {
        Ok(name)
    }
}

#[tonic::async_trait]
impl RunSupportService for RunSupportApi {
    async fn get_run_spec(&self, request: Request<GetRunSpecRequest>) -> Result<Response<GetRunSpecResponse>, Status> {
        Ok(Response::new(self.spec(request.get_ref()).await?))
    }

    async fn put_revisions(
        &self,
        request: Request<PutRevisionsRequest>,
    ) -> Result<Response<PutRevisionsResponse>, Status> {
        Ok(Response::new(self.put(request.into_inner()).await?))
    }

    async fn swap_refs(&self, request: Request<SwapRefsRequest>) -> Result<Response<SwapRefsResponse>, Status> {
        Ok(Response::new(self.swap(request.into_inner()).await?))
    }
}
