//! What lease holders may write, and who is refused.

use crate::harness::{Registry, SKEW_ALLOWANCE, reason, token, token_expiring, violated_fields};
use codeimport_proto::{
    common::ErrorReason,
    registry::{
        DeleteImportRequest, GetRunSpecRequest, ListRefsRequest, PutRevisionsRequest, Ref, Revision, Signature,
        SwapRefsRequest,
    },
};
use jiff::SignedDuration;

pub(crate) fn commit(n: u8, parents: &[u8]) -> Revision {
    let signature = Signature {
        name: format!("author {n}"),
        email: "a@b".to_owned(),
        time: Some(prost_types::Timestamp { seconds: 1_000 + i64::from(n), nanos: 0 }),
        utc_offset_minutes: -90,
    };
    Revision {
        commit_id: hex::encode([n; 20]),
        parent_ids: parents.iter().map(|n| hex::encode([*n; 20])).collect(),
        author: Some(signature.clone()),
        committer: Some(signature),
        message: format!("commit {n}\n"),
    }
}

pub(crate) fn reference(name: &str, n: u8) -> Ref {
    Ref { name: format!("refs/heads/{name}"), object_id: hex::encode([n; 20]), commit_id: hex::encode([n; 20]) }
}

pub(crate) fn put(lease_token: Vec<u8>, revisions: Vec<Revision>) -> PutRevisionsRequest {
    PutRevisionsRequest { lease_token, revisions, ..Default::default() }
}

pub(crate) fn swap(lease_token: Vec<u8>, refs: Vec<Ref>) -> SwapRefsRequest {
    // Any text that differs where the refs differ is good enough for the registry, which stores it as it is.
    let mut refs_digest: Vec<u8> = refs.iter().flat_map(|r| r.commit_id.bytes().take(2)).collect();
    refs_digest.resize(32, 0);
    SwapRefsRequest {
        lease_token,
        refs,
        default_branch: "refs/heads/main".to_owned(),
        refs_digest,
        ..Default::default()
    }
}

fn spec(lease_token: Vec<u8>) -> GetRunSpecRequest {
    GetRunSpecRequest { lease_token }
}

#[tokio::test]
async fn a_holder_learns_what_to_do() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let first = registry.runs.get_run_spec(spec(token("a", 1))).await.expect("told").into_inner();
    assert_eq!(first.source.expect("source").url, "https://host/a.git");
    assert_eq!(first.ref_filter.expect("filter").include, ["refs/heads/*", "refs/tags/*", "refs/notes/*"]);
    assert!(first.scanned_refs_digest.is_empty());
    registry.runs.put_revisions(put(token("a", 1), vec![commit(1, &[])])).await.expect("stored");
    let scan = swap(token("a", 1), vec![reference("main", 1)]);
    registry.runs.swap_refs(scan.clone()).await.expect("swapped");
    let second = registry.runs.get_run_spec(spec(token("a", 1))).await.expect("told").into_inner();
    assert_eq!(second.scanned_refs_digest, scan.refs_digest);
}

#[tokio::test]
async fn a_target_that_policy_has_taken_back_is_not_written_again() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    // As it stands after an operator has moved the folder for local targets.
    let client = registry.db.client().await.expect("connected");
    let move_away = "UPDATE import SET target_url = 'file:///elsewhere/a.git' WHERE import_id = 'a'";
    client.execute(move_away, &[]).await.expect("moved");
    let refused = registry.runs.get_run_spec(spec(token("a", 1))).await;
    assert_eq!(reason(refused), ErrorReason::ReviewStatusForbids);
}

#[tokio::test]
async fn lower_fencing_token_is_refused_in_every_write() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    registry.runs.put_revisions(put(token("a", 1), vec![commit(1, &[])])).await.expect("the first holder writes");
    registry.runs.get_run_spec(spec(token("a", 2))).await.expect("the second holder begins");

    assert_eq!(reason(registry.runs.get_run_spec(spec(token("a", 1))).await), ErrorReason::LeaseLost);
    let late_put = registry.runs.put_revisions(put(token("a", 1), vec![commit(2, &[1])])).await;
    assert_eq!(reason(late_put), ErrorReason::LeaseLost);
    let late_swap = registry.runs.swap_refs(swap(token("a", 1), vec![reference("main", 1)])).await;
    assert_eq!(reason(late_swap), ErrorReason::LeaseLost);
    assert_eq!(registry.count("SELECT count(*) FROM revision").await, 1, "nothing of it was recorded");
    assert_eq!(registry.count("SELECT count(*) FROM ref").await, 0);
}

#[tokio::test]
async fn an_expired_token_is_lease_lost_and_a_foreign_one_is_invalid() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let allowance = SignedDuration::try_from(SKEW_ALLOWANCE).expect("in range");
    let within = token_expiring("a", 1, SignedDuration::from_secs(-1));
    registry.runs.get_run_spec(spec(within)).await.expect("clocks may differ a little");
    let beyond = token_expiring("a", 1, -allowance - SignedDuration::from_secs(1));
    assert_eq!(reason(registry.runs.get_run_spec(spec(beyond)).await), ErrorReason::LeaseLost);
    let mut forged = token("a", 1);
    forged[3] ^= 1;
    assert_eq!(reason(registry.runs.get_run_spec(spec(forged)).await), ErrorReason::LeaseTokenInvalid);
    assert_eq!(reason(registry.runs.get_run_spec(spec(token("b", 1))).await), ErrorReason::ImportNotFound);
}

#[tokio::test]
async fn the_holder_of_a_deleted_import_cannot_write_into_its_successor() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    registry.runs.get_run_spec(spec(token("a", 7))).await.expect("begins");
    let delete = DeleteImportRequest { import_id: "a".to_owned(), ..Default::default() };
    registry.imports.delete_import(delete).await.expect("deleted");
    let gone = registry.runs.put_revisions(put(token("a", 7), vec![commit(1, &[])])).await;
    assert_eq!(reason(gone), ErrorReason::ImportNotFound);
    registry.create("a").await;
    let late = registry.runs.put_revisions(put(token("a", 7), vec![commit(1, &[])])).await;
    assert_eq!(reason(late), ErrorReason::LeaseLost);
    registry.runs.put_revisions(put(token("a", 8), vec![commit(1, &[])])).await.expect("the next lease may");
}

#[tokio::test]
async fn a_swap_to_commits_that_are_not_stored_is_refused_and_changes_nothing() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    registry.runs.put_revisions(put(token("a", 1), vec![commit(1, &[])])).await.expect("stored");
    let refs = vec![reference("a", 1), reference("b", 2)];
    let refused = registry.runs.swap_refs(swap(token("a", 1), refs)).await;
    assert_eq!(reason(refused), ErrorReason::CommitNotStored);
    assert_eq!(registry.count("SELECT count(*) FROM ref").await, 0);
    assert_eq!(registry.count("SELECT count(*) FROM scan WHERE history_id IS NOT NULL").await, 0);
}

#[tokio::test]
async fn malformed_scans_are_refused_field_by_field() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let mut bad = commit(1, &[]);
    bad.commit_id = "xyz".to_owned();
    bad.parent_ids = vec!["1".to_owned()];
    bad.committer = None;
    let fields = violated_fields(registry.runs.put_revisions(put(token("a", 1), vec![bad])).await);
    assert_eq!(fields, ["revisions[0].commit_id", "revisions[0].parent_ids", "revisions[0].committer"]);
    let mut request = swap(token("a", 1), vec![reference("main", 1), reference("main", 1)]);
    request.refs_digest.clear();
    assert_eq!(violated_fields(registry.runs.swap_refs(request).await), ["refs[1].name", "refs_digest"]);
}

#[tokio::test]
async fn a_nul_in_a_message_is_shown_and_does_not_stop_the_scan() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let odd = Revision { message: "a\0b".to_owned(), ..commit(1, &[]) };
    let stored = registry.runs.put_revisions(put(token("a", 1), vec![odd])).await.expect("stored").into_inner();
    assert_eq!(stored.stored_count, 1);
}

#[tokio::test]
async fn refs_change_all_at_once() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let commits = vec![commit(1, &[]), commit(2, &[1])];
    registry.runs.put_revisions(put(token("a", 1), commits)).await.expect("stored");
    // One ref keeps the newer commit, so that it need not be sent again each time.
    let all_at = |n: u8| {
        let moving = (0..50).map(|i| reference(&format!("b{i:02}"), n));
        moving.chain([reference("keep", 2)]).collect::<Vec<_>>()
    };
    registry.runs.swap_refs(swap(token("a", 1), all_at(1))).await.expect("swapped");

    let mut writer = registry.runs.clone();
    let swaps = codeimport_kit::tasks::spawn("test.writer", async move {
        for n in [2, 1, 2, 1, 2, 1, 2] {
            let changed = writer.swap_refs(swap(token("a", 1), all_at(n))).await.expect("swapped").into_inner();
            assert_eq!(changed.changed_count, 50);
        }
    });
    let mut readings = 0;
    while !swaps.is_finished() || readings == 0 {
        let request = ListRefsRequest { import_id: "a".to_owned(), ..Default::default() };
        let refs = registry.scans.list_refs(request).await.expect("listed").into_inner().refs;
        assert_eq!(refs.len(), 51);
        assert!(refs[..50].iter().all(|r| r.commit_id == refs[0].commit_id), "never in between");
        readings += 1;
    }
    swaps.await.expect("no panic");
}

#[tokio::test]
async fn a_page_token_from_before_a_swap_is_refused() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let commits = vec![commit(1, &[]), commit(2, &[1])];
    registry.runs.put_revisions(put(token("a", 1), commits)).await.expect("stored");
    // The last one keeps the newer commit, so that it need not be sent again.
    let refs = |n: u8| vec![reference("a", n), reference("b", n), reference("c", 2)];
    registry.runs.swap_refs(swap(token("a", 1), refs(1))).await.expect("swapped");
    let mut request = ListRefsRequest { import_id: "a".to_owned(), page_size: 2, ..Default::default() };
    let first = registry.scans.list_refs(request.clone()).await.expect("listed").into_inner();
    assert_eq!(first.default_branch, "refs/heads/main");
    request.page_token = first.next_page_token;
    let second = registry.scans.list_refs(request.clone()).await.expect("listed").into_inner();
    assert_eq!(second.refs.len(), 1);
    registry.runs.swap_refs(swap(token("a", 1), refs(2))).await.expect("swapped");
    assert_eq!(violated_fields(registry.scans.list_refs(request).await), ["page_token"]);
}
