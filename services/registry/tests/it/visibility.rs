//! Which revisions are listed: exactly those that some ref leads to, whatever was pushed, forced and deleted.

use crate::{
    harness::{Registry, token},
    scans::{commit, put, reference, swap},
};
use codeimport_proto::registry::{ListRevisionsRequest, Ref};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of the commits listed, in the order of the list; of one ref, or all. In pages as small as can be.
async fn listed(registry: &mut Registry, name: &str) -> Vec<u8> {
    listed_in_pages(registry, name, 3).await
}

async fn listed_in_pages(registry: &mut Registry, name: &str, page_size: i32) -> Vec<u8> {
    let mut request = ListRevisionsRequest { import_id: "a".to_owned(), page_size, ..Default::default() };
    if !name.is_empty() {
        request.r#ref = format!("refs/heads/{name}");
    }
    let mut numbers = Vec::new();
    loop {
        let page = registry.scans.list_revisions(request.clone()).await.expect("listed").into_inner();
        numbers.extend(page.revisions.iter().map(|r| hex::decode(&r.commit_id).expect("hex")[0]));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return numbers;
        }
    }
}

async fn registry_with(commits: &[(u8, &[u8])]) -> Registry {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let revisions = commits.iter().map(|(n, parents)| commit(*n, parents)).collect();
    registry.runs.put_revisions(put(token("a", 1), revisions)).await.expect("stored");
    registry
}

async fn set_refs(registry: &mut Registry, refs: &[(&str, u8)]) {
    let refs: Vec<Ref> = refs.iter().map(|(name, n)| reference(name, *n)).collect();
    registry.runs.swap_refs(swap(token("a", 1), refs)).await.expect("swapped");
}

#[tokio::test]
async fn revisions_are_listed_newest_first_and_as_they_were_sent() {
    let mut registry = registry_with(&[(1, &[]), (2, &[1]), (3, &[1]), (4, &[2, 3])]).await;
    assert_eq!(listed(&mut registry, "").await, [0; 0], "not visible before the refs are");
    set_refs(&mut registry, &[("main", 4), ("side", 3)]).await;
    assert_eq!(listed(&mut registry, "").await, [4, 3, 2, 1]);
    assert_eq!(listed(&mut registry, "side").await, [3, 1]);
    assert_eq!(listed(&mut registry, "missing").await, [0; 0]);
    let request = ListRevisionsRequest { import_id: "a".to_owned(), page_size: 1, ..Default::default() };
    let newest = registry.scans.list_revisions(request).await.expect("listed").into_inner().revisions;
    assert_eq!(newest, [commit(4, &[2, 3])]);
}

#[tokio::test]
async fn force_pushed_away_revisions_are_not_listed() {
    let mut registry = registry_with(&[(1, &[]), (2, &[1]), (3, &[2])]).await;
    set_refs(&mut registry, &[("main", 3)]).await;
    registry.runs.put_revisions(put(token("a", 1), vec![commit(4, &[1])])).await.expect("stored");
    set_refs(&mut registry, &[("main", 4)]).await;
    assert_eq!(listed(&mut registry, "").await, [4, 1]);
    // What comes back is sent again, and listed again.
    registry.runs.put_revisions(put(token("a", 1), vec![commit(2, &[1]), commit(3, &[2])])).await.expect("stored");
    set_refs(&mut registry, &[("main", 3)]).await;
    assert_eq!(listed(&mut registry, "").await, [3, 2, 1]);
}

#[tokio::test]
async fn a_merged_branch_may_be_deleted_without_losing_its_history() {
    let mut registry = registry_with(&[(1, &[]), (2, &[1]), (3, &[1]), (4, &[2, 3])]).await;
    set_refs(&mut registry, &[("main", 4), ("side", 3)]).await;
    set_refs(&mut registry, &[("main", 4)]).await;
    assert_eq!(listed(&mut registry, "").await, [4, 3, 2, 1]);
    set_refs(&mut registry, &[]).await;
    assert_eq!(listed(&mut registry, "").await, [0; 0]);
}

/// A fixed sequence of arbitrary numbers: the same history in every run of the test.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u8) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from((self.0 >> 33) % u64::from(bound)).expect("below the bound")
    }
}

fn reachable(parents: &BTreeMap<u8, Vec<u8>>, tips: impl IntoIterator<Item = u8>) -> BTreeSet<u8> {
    let mut found = BTreeSet::new();
    let mut open: Vec<u8> = tips.into_iter().collect();
    while let Some(n) = open.pop() {
        if found.insert(n) {
            open.extend(&parents[&n]);
        }
    }
    found
}

#[tokio::test]
async fn whatever_is_pushed_forced_and_deleted_the_list_is_what_refs_lead_to() {
    const NAMES: [&str; 4] = ["a", "b", "c", "d"];
    let mut registry = registry_with(&[]).await;
    let mut numbers = Numbers(7);
    let mut parents: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    let mut refs: BTreeMap<&str, u8> = BTreeMap::new();
    for n in 1..=60 {
        // A new commit on one or two earlier ones, and a few refs moved anywhere or deleted.
        let mut on: Vec<u8> = (0..numbers.below(3)).map(|_| numbers.below(n)).filter(|p| *p > 0).collect();
        on.dedup();
        parents.insert(n, on);
        refs.insert(NAMES[usize::from(numbers.below(4))], n);
        if numbers.below(3) == 0 {
            refs.remove(NAMES[usize::from(numbers.below(4))]);
        }
        if numbers.below(3) == 0 {
            refs.insert(NAMES[usize::from(numbers.below(4))], 1 + numbers.below(n));
        }
        // A worker sends all that its refs lead to; what is there already is skipped.
        let expected = reachable(&parents, refs.values().copied());
        let revisions = expected.iter().map(|n| commit(*n, &parents[n])).collect();
        registry.runs.put_revisions(put(token("a", 1), revisions)).await.expect("stored");
        let now: Vec<_> = refs.iter().map(|(name, n)| (*name, *n)).collect();
        set_refs(&mut registry, &now).await;
        let found: BTreeSet<u8> = listed_in_pages(&mut registry, "", 1000).await.into_iter().collect();
        assert_eq!(found, expected, "after step {n}: {refs:?} in {parents:?}");
    }
}
