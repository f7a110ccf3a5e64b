//! `import refs`, `revisions` and `map`: what the last scan found in the target.

use crate::api::Api;
use crate::args::{ImportMap, Revisions};
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::pages::{Wanted, show_first};
use crate::view::{MapView, RefView, RevisionView};
use codeimport_proto::convert::timestamp_to_wire;
use codeimport_proto::registry::lookup_source_revision_request::Key;
use codeimport_proto::registry::{ListRefsRequest, ListRevisionsRequest, LookupSourceRevisionRequest, RescanRequest};
use std::process::ExitCode;

/// Lists all refs.
pub(crate) async fn refs(api: &mut Api, output: Output, import_id: &str) -> Done {
    let mut page_token = String::new();
    loop {
        let request = ListRefsRequest { import_id: import_id.to_owned(), page_token, ..Default::default() };
        let page = api.scans.list_refs(request).await.map_err(|s| Failure::status("cannot list the refs", &s))?;
        let page = page.into_inner();
        for reference in page.refs {
            output.reference(&RefView {
                is_default_branch: reference.name == page.default_branch,
                name: reference.name,
                object_id: reference.object_id,
                commit_id: reference.commit_id,
            });
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// Lists the newest revisions, at most as many as were asked for.
pub(crate) async fn revisions(api: &mut Api, output: Output, wanted: &Revisions) -> Done {
    let ask = async |Wanted { page_size, page_token }| {
        let request = ListRevisionsRequest {
            import_id: wanted.import.import_id.clone(),
            r#ref: wanted.reference.clone(),
            except_ref: wanted.except.clone(),
            page_size,
            page_token,
            run_id: wanted.run_id,
            author: wanted.author.clone(),
            text: wanted.text.clone(),
            from_time: wanted.since.map(timestamp_to_wire),
            until_time: wanted.until.map(timestamp_to_wire),
        };
        let page = api.scans.list_revisions(request).await;
        let page = page.map_err(|s| Failure::status("cannot list the revisions", &s))?.into_inner();
        Ok((page.revisions, page.next_page_token))
    };
    show_first(wanted.limit, ask, |revision| output.revision(&RevisionView::new(revision))).await
}

/// Wants all of history told anew. Not at once: that is for `import now`.
pub(crate) async fn rescan(api: &mut Api, output: Output, import_id: &str) -> Done {
    let request = RescanRequest { import_id: import_id.to_owned() };
    api.scans.rescan(request).await.map_err(|s| Failure::status("cannot have the import scanned anew", &s))?;
    output.say(&format!("the next run of {import_id} tells all of history anew"));
    output.object(&serde_json::json!({ "import_id": import_id, "rescan_wanted": true }));
    Ok(ExitCode::SUCCESS)
}

/// Looks up a source revision or a commit. Nothing found is told, but no failure.
pub(crate) async fn map(api: &mut Api, output: Output, wanted: ImportMap) -> Done {
    let revision = wanted.key.source_revision.map(Key::Revision);
    let mut request = LookupSourceRevisionRequest {
        import_id: wanted.import.import_id,
        key: revision.or(wanted.key.commit.map(Key::CommitId)),
        branch_path: wanted.branch,
        ..Default::default()
    };
    let mut is_empty = true;
    loop {
        let page = api.scans.lookup_source_revision(request.clone()).await;
        let page = page.map_err(|s| Failure::status("cannot look into the map", &s))?.into_inner();
        is_empty &= page.source_revisions.is_empty();
        page.source_revisions.into_iter().map(MapView::from).for_each(|entry| output.map_entry(&entry));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if is_empty {
        output.say("nothing that the last scan found");
    }
    Ok(ExitCode::SUCCESS)
}
