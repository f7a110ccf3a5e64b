//! How a scan's numbers come about: side by side, interrupted, told anew.

use crate::{
    harness::{Registry, reason, token, violated_fields},
    scans::{commit, put, reference, swap},
};
use codeimport_proto::{
    common::ErrorReason,
    registry::{
        GetRunSpecRequest, GetScanTotalsRequest, ListRevisionsRequest, PutRevisionsRequest, RescanRequest, Revision,
        SwapRefsRequest,
    },
};

fn put_at(lease_token: Vec<u8>, offset: i64, revisions: Vec<Revision>) -> PutRevisionsRequest {
    PutRevisionsRequest { offset, ..put(lease_token, revisions) }
}

fn list(page_size: i32) -> ListRevisionsRequest {
    ListRevisionsRequest { import_id: "a".to_owned(), page_size, ..Default::default() }
}

/// First bytes of the commits listed.
async fn listed(registry: &mut Registry) -> Vec<u8> {
    let answer = registry.scans.list_revisions(list(100)).await.expect("listed").into_inner();
    answer.revisions.iter().map(|r| hex::decode(&r.commit_id).expect("hex")[0]).collect()
}

async fn registry_with_import() -> Registry {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    registry
}

#[tokio::test]
async fn calls_of_one_scan_may_overtake_each_other() {
    let mut registry = registry_with_import().await;
    let line: Vec<_> = (1..=40).map(|n| commit(n, &[n - 1][usize::from(n == 1)..])).collect();
    let calls = line.chunks(4).enumerate().rev().map(|(at, part)| {
        let (mut runs, request) = (registry.runs.clone(), put_at(token("a", 1), 4 * at as i64, part.to_vec()));
        codeimport_kit::tasks::spawn("test.put", async move { runs.put_revisions(request).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.expect("no panic").expect("stored");
    }
    registry.runs.swap_refs(swap(token("a", 1), vec![reference("main", 40)])).await.expect("swapped");
    assert_eq!(listed(&mut registry).await, (1..=40).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_call_that_is_repeated_stores_nothing_twice() {
    let mut registry = registry_with_import().await;
    let request = put(token("a", 1), vec![commit(1, &[]), commit(2, &[1])]);
    let count =
        |answer: tonic::Response<codeimport_proto::registry::PutRevisionsResponse>| answer.into_inner().stored_count;
    assert_eq!(count(registry.runs.put_revisions(request.clone()).await.expect("stored")), 2);
    assert_eq!(count(registry.runs.put_revisions(request).await.expect("skipped")), 0);
    let other = put_at(token("a", 1), 1, vec![commit(2, &[1]), commit(3, &[2])]);
    assert_eq!(count(registry.runs.put_revisions(other).await.expect("what is new is stored")), 1);
}

#[tokio::test]
async fn an_offset_that_others_have_taken_is_refused_and_nothing_is_stored() {
    let mut registry = registry_with_import().await;
    registry.runs.put_revisions(put(token("a", 1), vec![commit(1, &[]), commit(2, &[1])])).await.expect("stored");
    let overlapping = put_at(token("a", 1), 1, vec![commit(3, &[2]), commit(4, &[3])]);
    assert_eq!(violated_fields(registry.runs.put_revisions(overlapping).await), ["offset"]);
    assert_eq!(registry.count("SELECT count(*) FROM revision").await, 2);
}

#[tokio::test]
async fn what_an_earlier_holder_has_left_is_gone_on_from() {
    let mut registry = registry_with_import().await;
    registry.runs.put_revisions(put(token("a", 1), vec![commit(1, &[]), commit(2, &[1])])).await.expect("stored");
    let all = vec![commit(1, &[]), commit(2, &[1]), commit(3, &[2])];
    let stored = registry.runs.put_revisions(put(token("a", 2), all)).await.expect("stored").into_inner();
    assert_eq!(stored.stored_count, 1);
    registry.runs.swap_refs(swap(token("a", 2), vec![reference("main", 3)])).await.expect("swapped");
    assert_eq!(listed(&mut registry).await, [3, 2, 1]);
}

#[tokio::test]
async fn a_hole_in_history_is_found_before_anything_is_shown() {
    let mut registry = registry_with_import().await;
    registry.runs.put_revisions(put(token("a", 1), vec![commit(1, &[]), commit(3, &[2])])).await.expect("stored");
    let refused = registry.runs.swap_refs(swap(token("a", 1), vec![reference("main", 3)])).await;
    assert_eq!(reason(refused), ErrorReason::CommitNotStored);
    assert_eq!(listed(&mut registry).await, [0; 0]);
    // As the worker does then.
    let all = vec![commit(1, &[]), commit(2, &[1]), commit(3, &[2])];
    let anew = PutRevisionsRequest { anew: true, ..put_at(token("a", 1), 2, all) };
    registry.runs.put_revisions(anew).await.expect("stored");
    let anew = SwapRefsRequest { anew: true, ..swap(token("a", 1), vec![reference("main", 3)]) };
    registry.runs.swap_refs(anew).await.expect("swapped");
    assert_eq!(listed(&mut registry).await, [3, 2, 1]);
}

#[tokio::test]
async fn a_rescan_replaces_what_is_shown_all_at_once() {
    let mut registry = registry_with_import().await;
    let history = vec![commit(1, &[]), commit(2, &[1])];
    registry.runs.put_revisions(put(token("a", 1), history.clone())).await.expect("stored");
    registry.runs.swap_refs(swap(token("a", 1), vec![reference("main", 2)])).await.expect("swapped");
    registry.scans.rescan(RescanRequest { import_id: "a".to_owned() }).await.expect("wanted");
    let first = registry.scans.list_revisions(list(1)).await.expect("listed").into_inner();
    let spec = registry.runs.get_run_spec(GetRunSpecRequest { lease_token: token("a", 2) }).await.expect("told");
    let spec = spec.into_inner();
    assert!(spec.scan_anew && spec.scanned_refs_digest.is_empty());

    let anew = PutRevisionsRequest { anew: true, ..put(token("a", 2), history) };
    let stored = registry.runs.put_revisions(anew).await.expect("stored").into_inner().stored_count;
    assert_eq!(stored, 2, "all of it is told anew");
    assert_eq!(listed(&mut registry).await, [2, 1], "what was shown stays until the swap");
    let anew = SwapRefsRequest { anew: true, ..swap(token("a", 2), vec![reference("main", 2)]) };
    registry.runs.swap_refs(anew).await.expect("swapped");
    assert_eq!(listed(&mut registry).await, [2, 1]);
    let token_of_old = ListRevisionsRequest { page_token: first.next_page_token, ..list(1) };
    assert_eq!(violated_fields(registry.scans.list_revisions(token_of_old).await), ["page_token"]);
    let totals = GetScanTotalsRequest { import_id: "a".to_owned() };
    let totals = registry.scans.get_scan_totals(totals).await.expect("told").into_inner();
    assert!(!totals.is_rescan_wanted && totals.commit_count == 2);
    while registry.store.sweep_dropped_history().await.expect("swept") {}
    assert_eq!(registry.count("SELECT count(*) FROM revision").await, 2, "the old history is gone");
}
