//! What the loop takes away and what it must leave.

use crate::{
    harness::{Registry, token},
    scans::{commit, put, reference, swap},
};
use codeimport_registry::{
    credential::{Login, NewCredential},
    key_ring::KeyRing,
    maintenance::{Maintenance, Retention},
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn maintenance(registry: &Registry, keys: &KeyRing) -> Maintenance {
    Maintenance::new(registry.store.clone(), keys.clone(), Retention { keep_for: 30 * DAY, kept_results: 4 })
}

#[tokio::test]
async fn old_entries_go_but_never_the_results_that_count_failures() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let client = registry.db.client().await.expect("connected");
    let results = "INSERT INTO import_event (import_id, type, actor, reason, changes)
        SELECT id, 'run_finished', 'system', '', '[]' FROM unnest('{a,a,a,a,a,a,b,b}'::text[]) AS id";
    client.execute(results, &[]).await.expect("stored");
    let keep = maintenance(&registry, &KeyRing::default());
    assert_eq!(keep.prune(Timestamp::now()).await.expect("pruned"), 0, "nothing is old");
    let later = Timestamp::now() + SignedDuration::from_hours(31 * 24);
    assert_eq!(keep.prune(later).await.expect("pruned"), 3, "the creation, and two of the results");
    let kept = "SELECT count(*) FROM import_event WHERE type = 'run_finished' AND import_id = ";
    assert_eq!(registry.count(&format!("{kept}'a'")).await, 4);
    assert_eq!(registry.count(&format!("{kept}'b'")).await, 2);
    assert_eq!(keep.prune(later).await.expect("pruned"), 0, "the same again takes nothing more");
    assert_eq!(registry.get("a").await.consecutive_failure_count, 0);
}

#[tokio::test]
async fn what_runs_changed_long_ago_goes_but_for_the_last_change() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    for n in 1..=3_u8 {
        let run = i64::from(n);
        registry.runs.put_revisions(put(token("a", run), vec![commit(n, &[])])).await.expect("stored");
        let refs = vec![reference("main", n)];
        registry.runs.swap_refs(swap(token("a", run), refs)).await.expect("swapped");
    }
    let keep = maintenance(&registry, &KeyRing::default());
    assert_eq!(keep.prune_swaps(Timestamp::now()).await.expect("pruned"), 0, "nothing is old");
    let later = Timestamp::now() + SignedDuration::from_hours(31 * 24);
    assert_eq!(keep.prune_swaps(later).await.expect("pruned"), 2);
    assert_eq!(registry.count("SELECT max(swap_number) FROM ref_change").await, 3);
    assert_eq!(registry.count("SELECT count(*) FROM ref_change").await, 1);
}

#[tokio::test]
async fn after_a_new_key_everything_is_sealed_with_it_and_the_old_one_may_go() {
    let registry = Registry::start().await;
    let (old, new) = ("1".repeat(64), "2".repeat(64));
    let id = "c".parse().expect("id");
    let login = Login { username: "ada".into(), password: "hunter2".into() };
    let sealed = login.seal(&KeyRing::parse(&old).expect("key"), &id, 1).expect("sealed");
    let (description, owner, url_prefix) = (String::new(), "ada".to_owned(), "https://host/".to_owned());
    let credential =
        NewCredential { credential_id: id.clone(), description, owner, url_prefix, is_implicit: false, sealed };
    registry.store.create_credential(&credential, "ada").await.expect("stored");

    let both = KeyRing::parse(&format!("{new} {old}")).expect("keys");
    maintenance(&registry, &both).reseal().await.expect("sealed anew");
    let only_new = KeyRing::parse(&new).expect("key");
    let others = registry.store.sealed_by_other_keys(only_new.sealing_key_id().expect("a key"), 10).await;
    assert!(others.expect("read").is_empty());
    let stored = registry.store.sealed_by_other_keys("none", 10).await.expect("read").remove(0);
    assert_eq!(Login::open(&only_new, &id, 1, &stored.1), Some(login));
}
