//! What can be asked of revisions: by filters, one alone, what a run brought, totals, and followed.

use crate::{
    harness::{Registry, reason, token, violated_fields},
    scans::{commit, put, reference, swap},
};
use codeimport_proto::{
    common::ErrorReason,
    registry::{
        CompareTipsRequest, GetRevisionRequest, GetScanTotalsRequest, ListRevisionsRequest, RefChange, WatchRefsRequest,
    },
};

fn list() -> ListRevisionsRequest {
    ListRevisionsRequest { import_id: "a".to_owned(), page_size: 2, ..Default::default() }
}

/// First bytes of the commits listed, page by page.
async fn listed(registry: &mut Registry, mut request: ListRevisionsRequest) -> Vec<u8> {
    let mut found = Vec::new();
    loop {
        let page = registry.scans.list_revisions(request.clone()).await.expect("listed").into_inner();
        found.extend(page.revisions.iter().map(|r| hex::decode(&r.commit_id).expect("hex")[0]));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return found;
        }
    }
}

/// Run 1 brings commits 1 to 4, run 2 a fifth and sixth; a branch is moved, another one deleted.
async fn registry_of_two_runs() -> Registry {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let first = vec![commit(1, &[]), commit(2, &[1]), commit(3, &[1]), commit(4, &[2, 3])];
    registry.runs.put_revisions(put(token("a", 1), first)).await.expect("stored");
    let refs = vec![reference("main", 4), reference("side", 3)];
    registry.runs.swap_refs(swap(token("a", 1), refs)).await.expect("swapped");
    let second = vec![commit(5, &[4]), commit(6, &[5])];
    registry.runs.put_revisions(put(token("a", 2), second)).await.expect("stored");
    let refs = vec![reference("main", 6), reference("new", 5)];
    registry.runs.swap_refs(swap(token("a", 2), refs)).await.expect("swapped");
    registry
}

fn change(name: &str, old: Option<u8>, new: Option<u8>) -> RefChange {
    let id = |n: Option<u8>| n.map(|n| hex::encode([n; 20])).unwrap_or_default();
    RefChange {
        name: format!("refs/heads/{name}"),
        old_object_id: id(old),
        old_commit_id: id(old),
        new_object_id: id(new),
        new_commit_id: id(new),
    }
}

fn of_run_2() -> Vec<RefChange> {
    vec![change("main", Some(4), Some(6)), change("new", None, Some(5)), change("side", Some(3), None)]
}

#[tokio::test]
async fn filters_are_applied_together_and_page_by_page() {
    let mut registry = registry_of_two_runs().await;
    let time = |seconds: i64| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let cases = [
        (list(), vec![6, 5, 4, 3, 2, 1]),
        (ListRevisionsRequest { run_id: 2, ..list() }, vec![6, 5]),
        (ListRevisionsRequest { run_id: 9, ..list() }, vec![]),
        (ListRevisionsRequest { author: "AUTHOR 3".to_owned(), ..list() }, vec![3]),
        (ListRevisionsRequest { author: "a@B".to_owned(), ..list() }, vec![6, 5, 4, 3, 2, 1]),
        (ListRevisionsRequest { text: "Commit 2".to_owned(), ..list() }, vec![2]),
        (ListRevisionsRequest { from_time: time(1_003), until_time: time(1_006), ..list() }, vec![5, 4, 3]),
        (ListRevisionsRequest { r#ref: "refs/heads/new".to_owned(), from_time: time(1_004), ..list() }, vec![5, 4]),
        (ListRevisionsRequest { r#ref: "refs/heads/new".to_owned(), run_id: 1, ..list() }, vec![4, 3, 2, 1]),
        (ListRevisionsRequest { except_ref: "refs/heads/new".to_owned(), ..list() }, vec![6]),
        (ListRevisionsRequest { except_ref: "refs/heads/main".to_owned(), ..list() }, vec![]),
        (ListRevisionsRequest { except_ref: "refs/heads/none".to_owned(), run_id: 2, ..list() }, vec![6, 5]),
    ];
    for (request, expected) in cases {
        assert_eq!(listed(&mut registry, request.clone()).await, expected, "{request:?}");
    }
}

#[tokio::test]
async fn pages_stay_in_step_while_runs_bring_more() {
    let mut registry = registry_of_two_runs().await;
    let first = registry.scans.list_revisions(list()).await.expect("listed").into_inner();
    registry.runs.put_revisions(put(token("a", 3), vec![commit(7, &[6])])).await.expect("stored");
    let refs = vec![reference("main", 7), reference("new", 5)];
    registry.runs.swap_refs(swap(token("a", 3), refs)).await.expect("swapped");
    let rest = ListRevisionsRequest { page_token: first.next_page_token.clone(), ..list() };
    assert_eq!(listed(&mut registry, rest).await, [4, 3, 2, 1]);
    let other = ListRevisionsRequest { page_token: first.next_page_token, text: "x".to_owned(), ..list() };
    assert_eq!(violated_fields(registry.scans.list_revisions(other).await), ["page_token"]);
}

#[tokio::test]
async fn one_revision_is_told_if_a_ref_leads_to_it() {
    let mut registry = registry_of_two_runs().await;
    let get = |n: u8| GetRevisionRequest { import_id: "a".to_owned(), commit_id: hex::encode([n; 20]) };
    let told = registry.scans.get_revision(get(4)).await.expect("told").into_inner().revision;
    assert_eq!(told, Some(commit(4, &[2, 3])));
    assert_eq!(reason(registry.scans.get_revision(get(7)).await), ErrorReason::RevisionNotFound);
    registry.runs.put_revisions(put(token("a", 3), vec![commit(7, &[6])])).await.expect("stored");
    assert_eq!(reason(registry.scans.get_revision(get(7)).await), ErrorReason::RevisionNotFound, "not shown yet");
    let malformed = GetRevisionRequest { commit_id: "7".to_owned(), ..get(7) };
    assert_eq!(violated_fields(registry.scans.get_revision(malformed).await), ["commit_id"]);
    let elsewhere = GetRevisionRequest { import_id: "b".to_owned(), ..get(4) };
    assert_eq!(reason(registry.scans.get_revision(elsewhere).await), ErrorReason::ImportNotFound);
}

#[tokio::test]
async fn what_a_run_brought_is_told_from_old_to_new() {
    let mut registry = registry_of_two_runs().await;
    let ask =
        |run_id: i64| CompareTipsRequest { import_id: "a".to_owned(), run_id, page_size: 2, ..Default::default() };
    let first = registry.scans.compare_tips(ask(2)).await.expect("told").into_inner();
    assert_eq!((first.changes.as_slice(), first.new_revision_count), (&of_run_2()[..2], 2));
    let rest = CompareTipsRequest { page_token: first.next_page_token, ..ask(2) };
    assert_eq!(registry.scans.compare_tips(rest).await.expect("told").into_inner().changes, of_run_2()[2..]);
    let nothing = registry.scans.compare_tips(ask(9)).await.expect("told").into_inner();
    assert_eq!((nothing.changes, nothing.new_revision_count), (vec![], 0));
}

#[tokio::test]
async fn who_follows_the_refs_is_told_each_change_after_the_one_before() {
    let mut registry = registry_of_two_runs().await;
    let request = WatchRefsRequest { import_id: "a".to_owned(), after_swap: 1 };
    let mut changes = registry.scans.watch_refs(request).await.expect("followed").into_inner();
    let second = changes.message().await.expect("told").expect("not over");
    assert_eq!((second.swap_number, second.run_id, second.change_count, second.changes), (2, 2, 3, of_run_2()));
    registry.runs.swap_refs(swap(token("a", 3), vec![reference("main", 6)])).await.expect("swapped");
    let third = changes.message().await.expect("told").expect("not over");
    assert_eq!(third.changes, [change("new", Some(5), None)]);
    let elsewhere = WatchRefsRequest { import_id: "b".to_owned(), after_swap: 0 };
    assert_eq!(reason(registry.scans.watch_refs(elsewhere).await.map(drop)), ErrorReason::ImportNotFound);
}

#[tokio::test]
async fn totals_follow_what_is_shown() {
    let mut registry = registry_of_two_runs().await;
    let ask = GetScanTotalsRequest { import_id: "a".to_owned() };
    let totals = registry.scans.get_scan_totals(ask.clone()).await.expect("told").into_inner();
    assert_eq!((totals.commit_count, totals.author_count), (6, 6));
    assert_eq!(totals.first_time.map(|time| time.seconds), Some(1_001));
    assert_eq!(totals.last_time.map(|time| time.seconds), Some(1_006));
    // Forced back: what was brought last is gone.
    registry.runs.swap_refs(swap(token("a", 3), vec![reference("main", 4)])).await.expect("swapped");
    let totals = registry.scans.get_scan_totals(ask).await.expect("told").into_inner();
    assert_eq!((totals.commit_count, totals.author_count), (4, 4));
    assert_eq!(totals.last_time.map(|time| time.seconds), Some(1_004));
}
