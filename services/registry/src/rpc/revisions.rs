//! `ListRevisions` and `GetRevision`: which part of a list is looked through, and what it is bound to.

use super::{Page, PageBounds, convert, import_id};
use crate::{
    error::RegistryError,
    store::{Revision, RevisionFilter, RevisionList, Store},
};
use codeimport_core::ImportId;
use codeimport_kit::Violations;
use codeimport_proto::registry::{
    GetRevisionRequest, GetRevisionResponse, ListRevisionsRequest, ListRevisionsResponse,
};

const BOUNDS: PageBounds = PageBounds { default: 50, max: 1_000 };
/// So many revisions are looked through for one page of a filtered list: a few hundredths of a second.
const LOOK_THROUGH: u32 = 20_000;
const MAX_TEXT_BYTES: usize = 200;

/// One page of a list.
pub(super) async fn list(store: &Store, request: ListRevisionsRequest) -> Result<ListRevisionsResponse, RegistryError> {
    let id = import_id(&request.import_id)?;
    let mut violations = Violations::new();
    check_text("ref", &request.r#ref, usize::MAX, &mut violations);
    check_text("except_ref", &request.except_ref, usize::MAX, &mut violations);
    check_text("author", &request.author, MAX_TEXT_BYTES, &mut violations);
    check_text("text", &request.text, MAX_TEXT_BYTES, &mut violations);
    violations.finish()?;
    let list = store.revision_list(&id, &request.r#ref, &request.except_ref, request.run_id).await?;
    let mut violations = Violations::new();
    let bound_to = bound_to(&id, &request, &list);
    let page = Page::read(request.page_size, &request.page_token, BOUNDS, &bound_to, &mut violations);
    let page = violations.finish_with(page)?;
    let (found, next_page_token) = look(store, &list, &filter(request), &page, &bound_to).await?;
    let revisions = found.into_iter().map(|(_, revision)| convert::revision(revision)).collect();
    Ok(ListRevisionsResponse { revisions, next_page_token })
}

/// One revision.
pub(super) async fn get(store: &Store, request: &GetRevisionRequest) -> Result<GetRevisionResponse, RegistryError> {
    let id = import_id(&request.import_id)?;
    let mut violations = Violations::new();
    let commit_id = violations.check("commit_id", convert::object_id(&request.commit_id));
    let commit_id = violations.finish_with(commit_id)?;
    let found = store.revision(&id, &commit_id).await?;
    let found = found.ok_or_else(|| RegistryError::RevisionNotFound(id, request.commit_id.clone()))?;
    Ok(GetRevisionResponse { revision: Some(convert::revision(found)) })
}

/// What is found in the next window of the list, and the token for what follows.
async fn look(
    store: &Store,
    list: &RevisionList,
    filter: &RevisionFilter,
    page: &Page,
    bound_to: &str,
) -> Result<(Vec<(i64, Revision)>, String), RegistryError> {
    let before = page.position.as_deref().and_then(|text| text.parse().ok()).unwrap_or(i64::MAX);
    let size = if filter.is_empty() { page.size } else { LOOK_THROUGH };
    let window = list.spans.window(before, size);
    let mut found = store.revisions_in(list.history_id, &window, filter, page.limit()).await?;
    // More was found than fits: what follows begins in this window. Else below it.
    let token = page.cut(&mut found, bound_to, |(number, _)| number.to_string());
    let below = || window.next_before().map(|number| codeimport_kit::page_token::encode(bound_to, &number.to_string()));
    let token = if token.is_empty() { below().unwrap_or_default() } else { token };
    Ok((found, token))
}

/// Other filters, and another history, make other lists.
fn bound_to(id: &ImportId, request: &ListRevisionsRequest, list: &RevisionList) -> String {
    let ListRevisionsRequest { r#ref, except_ref, run_id, author, text, from_time, until_time, .. } = request;
    let history_id = list.history_id;
    format!(
        "revisions {id} {history_id} {ref:?} {except_ref:?} {run_id} {author:?} {text:?} {from_time:?} {until_time:?}"
    )
}

fn filter(request: ListRevisionsRequest) -> RevisionFilter {
    RevisionFilter {
        author: request.author,
        text: request.text,
        from_s: request.from_time.map(|time| time.seconds),
        until_s: request.until_time.map(|time| time.seconds),
    }
}

fn check_text(field: &str, text: &str, max_bytes: usize, violations: &mut Violations) {
    if text.contains('\0') {
        violations.add(field, "contains a NUL character");
    }
    if text.len() > max_bytes {
        violations.add(field, "is longer than 200 bytes");
    }
}
