//! The map between source revisions and commits, as far as it is shown.

use crate::{
    harness::{Registry, create_request, reason, token, violated_fields},
    scans::{commit, put, reference, swap},
};
use codeimport_proto::{
    common::{ErrorReason, RcsType},
    registry::{
        Import, LookupSourceRevisionRequest, PutRevisionsRequest, Source, SourceRevision,
        lookup_source_revision_request::Key,
    },
};

fn shows(n: u8, revision: &str, branch_path: &str) -> SourceRevision {
    SourceRevision {
        revision: revision.to_owned(),
        branch_path: branch_path.to_owned(),
        commit_id: hex::encode([n; 20]),
    }
}

fn by_revision(revision: &str) -> LookupSourceRevisionRequest {
    let key = Some(Key::Revision(revision.to_owned()));
    LookupSourceRevisionRequest { import_id: "a".to_owned(), key, ..Default::default() }
}

fn by_commit(n: u8) -> LookupSourceRevisionRequest {
    LookupSourceRevisionRequest { key: Some(Key::CommitId(hex::encode([n; 20]))), ..by_revision("") }
}

/// All that is found, in pages as small as can be.
async fn found(registry: &mut Registry, mut request: LookupSourceRevisionRequest) -> Vec<SourceRevision> {
    let mut all = Vec::new();
    request.page_size = 1;
    loop {
        let page = registry.scans.lookup_source_revision(request.clone()).await.expect("looked up").into_inner();
        all.extend(page.source_revisions);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return all;
        }
    }
}

async fn registry_of(rcs_type: RcsType) -> Registry {
    let mut registry = Registry::start().await;
    let source = Source { rcs_type: rcs_type.into(), url: "https://host/r".to_owned(), ..Default::default() };
    let mut request = create_request("a");
    request.import = Some(Import { source: Some(source), ..Default::default() });
    registry.imports.create_import(request).await.expect("valid");
    registry
}

/// Commit 2 shows two branches that were made by one revision; commit 3 has a branch with a space.
fn sent() -> PutRevisionsRequest {
    PutRevisionsRequest {
        source_revisions: vec![
            shows(1, "10", "trunk"),
            shows(2, "11", "tags/b"),
            shows(2, "11", "tags/a"),
            shows(3, "11", "branches/a b"),
        ],
        ..put(token("a", 1), vec![commit(1, &[]), commit(2, &[1]), commit(3, &[1])])
    }
}

#[tokio::test]
async fn the_map_is_asked_both_ways_and_shown_with_its_commits() {
    let mut registry = registry_of(RcsType::Subversion).await;
    registry.runs.put_revisions(sent()).await.expect("stored");
    registry.runs.put_revisions(sent()).await.expect("stored once");
    assert_eq!(found(&mut registry, by_revision("11")).await, [], "not shown before its commits are");
    let refs = vec![reference("a", 2), reference("b", 3)];
    registry.runs.swap_refs(swap(token("a", 1), refs)).await.expect("swapped");

    let all = [shows(3, "11", "branches/a b"), shows(2, "11", "tags/a"), shows(2, "11", "tags/b")];
    assert_eq!(found(&mut registry, by_revision("11")).await, all);
    assert_eq!(found(&mut registry, by_commit(2)).await, all[1..]);
    let of_branch =
        |path: &str| LookupSourceRevisionRequest { branch_path: Some(path.to_owned()), ..by_revision("11") };
    assert_eq!(found(&mut registry, of_branch("tags/b")).await, all[2..]);
    assert_eq!(found(&mut registry, of_branch("")).await, []);
    assert_eq!(found(&mut registry, by_revision("1")).await, []);

    let refs = vec![reference("a", 2)];
    registry.runs.swap_refs(swap(token("a", 1), refs)).await.expect("swapped");
    assert_eq!(found(&mut registry, by_revision("11")).await, all[1..], "gone with its commit");
}

#[tokio::test]
async fn for_git_the_source_revision_is_the_commit() {
    let mut registry = registry_of(RcsType::Git).await;
    registry.runs.put_revisions(put(token("a", 1), vec![commit(1, &[]), commit(2, &[])])).await.expect("stored");
    registry.runs.swap_refs(swap(token("a", 1), vec![reference("a", 1)])).await.expect("swapped");
    let id = hex::encode([1; 20]);
    assert_eq!(found(&mut registry, by_commit(1)).await, [shows(1, &id, "")]);
    assert_eq!(found(&mut registry, by_revision(&id)).await, [shows(1, &id, "")]);
    assert_eq!(found(&mut registry, by_commit(2)).await, [], "no ref leads there");
    assert_eq!(found(&mut registry, by_revision("11")).await, []);
}

#[tokio::test]
async fn malformed_lookups_and_maps_are_refused_field_by_field() {
    let mut registry = registry_of(RcsType::Subversion).await;
    let scans = &mut registry.scans;
    let none = LookupSourceRevisionRequest { key: None, ..by_revision("") };
    assert_eq!(violated_fields(scans.lookup_source_revision(none).await), ["key"]);
    assert_eq!(violated_fields(scans.lookup_source_revision(by_revision("")).await), ["revision"]);
    let short = LookupSourceRevisionRequest { key: Some(Key::CommitId("12".to_owned())), ..by_revision("") };
    assert_eq!(violated_fields(scans.lookup_source_revision(short).await), ["commit_id"]);
    let elsewhere = LookupSourceRevisionRequest { import_id: "b".to_owned(), ..by_revision("1") };
    assert_eq!(reason(scans.lookup_source_revision(elsewhere).await), ErrorReason::ImportNotFound);

    let mut stray = sent();
    stray.source_revisions = vec![shows(9, "10", "trunk"), shows(1, "", "trunk")];
    let fields = violated_fields(registry.runs.put_revisions(stray).await);
    assert_eq!(fields, ["source_revisions[0].commit_id", "source_revisions[1].revision"]);
}

#[tokio::test]
async fn page_tokens_of_another_lookup_are_refused() {
    let mut registry = registry_of(RcsType::Subversion).await;
    registry.runs.put_revisions(sent()).await.expect("stored");
    let refs = vec![reference("a", 2), reference("b", 3)];
    registry.runs.swap_refs(swap(token("a", 1), refs)).await.expect("swapped");
    let first = LookupSourceRevisionRequest { page_size: 1, ..by_revision("11") };
    let page_token = registry.scans.lookup_source_revision(first).await.expect("found").into_inner().next_page_token;
    let other = LookupSourceRevisionRequest { page_token, ..by_commit(2) };
    assert_eq!(violated_fields(registry.scans.lookup_source_revision(other).await), ["page_token"]);
}
