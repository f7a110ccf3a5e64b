//! What the queue learns of changes, whoever is down meanwhile.

use crate::{harness::Registry, queue::wanted};
use codeimport_proto::{
    common::Outcome,
    queue::ScheduleState,
    registry::{Import, RetryImportRequest, ReviewImportRequest, ReviewStatus, UpdateImportRequest},
};

async fn review(registry: &mut Registry, import_id: &str, status: ReviewStatus) {
    let request =
        ReviewImportRequest { import_id: import_id.to_owned(), review_status: status.into(), ..Default::default() };
    registry.imports.review_import(request).await.expect("reviewed");
}

async fn rename(registry: &mut Registry, import_id: &str, display_name: &str) {
    let request = UpdateImportRequest {
        import_id: import_id.to_owned(),
        import: Some(Import { display_name: display_name.to_owned(), ..Default::default() }),
        update_paths: vec!["display_name".to_owned()],
        ..Default::default()
    };
    registry.imports.update_import(request).await.expect("updated");
}

#[tokio::test]
async fn change_made_while_the_queue_is_down_reaches_it_later() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    registry.queue.job_since("a", 1).await;
    registry.queue.stop().await;

    review(&mut registry, "a", ReviewStatus::Suspended).await;
    registry.create("b").await;
    let (a, b) = (registry.generation("a").await, registry.generation("b").await);
    assert_eq!(registry.count("SELECT count(*) FROM schedule_outbox").await, 2);

    registry.queue.restart().await;
    assert_eq!(wanted(&registry.queue.job_since("a", a).await), ScheduleState::Suspended);
    assert_eq!(wanted(&registry.queue.job_since("b", b).await), ScheduleState::Active);
}

#[tokio::test]
async fn older_generation_is_never_acknowledged_for_a_newer_one() {
    let mut registry = Registry::start().await;
    registry.queue.stop().await;
    registry.create("a").await;
    let id = "a".parse().expect("id");
    let old = registry.generation("a").await;
    review(&mut registry, "a", ReviewStatus::Suspended).await;
    let new = registry.generation("a").await;
    assert!(new > old);

    // What a relay does that was held up between sending the old generation and noting the answer.
    registry.store.acknowledge_wish(&id, old).await.expect("no trouble");
    let waiting = registry.store.waiting_wishes(0, 10).await.expect("read");
    assert_eq!(waiting.iter().map(|(_, generation, _)| *generation).collect::<Vec<_>>(), [new]);
    registry.store.acknowledge_wish(&id, new).await.expect("no trouble");
    assert!(registry.store.waiting_wishes(0, 10).await.expect("read").is_empty());
}

#[tokio::test]
async fn a_resume_is_not_lost_under_a_later_change() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    registry.queue.run("a", Outcome::Success).await;
    registry.queue.stop().await;

    registry
        .imports
        .retry_import(RetryImportRequest { import_id: "a".to_owned(), ..Default::default() })
        .await
        .expect("retried");
    rename(&mut registry, "a", "renamed").await;
    let newest = registry.generation("a").await;
    registry.queue.restart().await;
    registry.queue.job_since("a", newest).await;
    // The change of the name must not swallow the retry: else the job is not due before the next interval.
    registry.queue.lease("a").await;
}

#[tokio::test]
async fn a_wish_that_the_queue_refuses_does_not_hold_up_others() {
    let mut registry = Registry::start().await;
    registry.queue.stop().await;
    registry.create("a").await;
    registry.create("b").await;
    let name_host = async |name: &str| {
        let client = registry.db.client().await.expect("connected");
        let sql = "UPDATE schedule_outbox SET source_host = $1 WHERE import_id = 'a'";
        client.execute(sql, &[&name]).await.expect("written");
    };
    name_host("no\u{7}host").await;
    registry.queue.restart().await;
    registry.queue.job_since("b", 1).await;
    assert_eq!(registry.queue.job("a").await, None);
    name_host("host").await;
    registry.queue.job_since("a", 1).await;
}
