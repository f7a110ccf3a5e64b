//! Who follows the audit trail is told everything, once, in order.

use crate::{
    harness::{Registry, create_request, reason, token},
    run_events::{apply, event, stop},
    scans::{commit, put, reference, swap},
};
use codeimport_proto::{
    common::{ErrorReason, Outcome},
    registry::{
        DeleteImportRequest, FieldChange, ImportEvent, ImportEventFilter, ImportEventType, RetryImportRequest,
        ReviewImportRequest, ReviewStatus, WatchImportEventsRequest, WatchImportEventsResponse,
    },
};
use std::{collections::BTreeSet, time::Duration};
use tonic::Streaming;

/// Somebody who follows.
struct Follower(Streaming<WatchImportEventsResponse>);

impl Follower {
    async fn begin(registry: &mut Registry, after: Option<i64>, filter: ImportEventFilter) -> Self {
        let request = WatchImportEventsRequest { after_event_id: after, filter: Some(filter) };
        Self(registry.imports.watch_import_events(request).await.expect("begun").into_inner())
    }

    /// The next events, at least as many as are wanted, and the cursor behind them.
    async fn next(&mut self, wanted: usize) -> (Vec<ImportEvent>, i64) {
        let (mut events, mut cursor) = (Vec::new(), 0);
        while events.len() < wanted {
            let answer = tokio::time::timeout(Duration::from_secs(20), self.0.message()).await;
            let answer = answer.expect("in time").expect("no error").expect("it never ends");
            cursor = answer.cursor;
            events.extend(answer.events);
        }
        (events, cursor)
    }
}

fn all() -> ImportEventFilter {
    ImportEventFilter::default()
}

fn types(events: &[ImportEvent]) -> Vec<ImportEventType> {
    events.iter().map(ImportEvent::r#type).collect()
}

async fn delete(registry: &mut Registry, import_id: &str) {
    let request = DeleteImportRequest { import_id: import_id.to_owned(), ..Default::default() };
    registry.imports.delete_import(request).await.expect("deleted");
}

#[tokio::test]
async fn the_life_of_an_import_is_told_as_it_happens() {
    let mut registry =
        Registry::start_with(|config| config.run_log_url = "https://ui/{import_id}/{run_id}".into()).await;
    let mut follower = Follower::begin(&mut registry, None, all()).await;
    registry.create("a").await;
    let generation = registry.generation("a").await;
    apply(&registry, &[event(1, "a", Outcome::Success, generation), stop(2, "a", generation)]).await;
    let retry = RetryImportRequest { import_id: "a".to_owned(), ..Default::default() };
    registry.imports.retry_import(retry).await.expect("retried");
    let generation = registry.generation("a").await;
    apply(&registry, &[event(3, "a", Outcome::NoChange, generation)]).await;
    delete(&mut registry, "a").await;

    use ImportEventType::{Created, Deleted, FirstSuccess, Recovered, Retried, Reviewed, RunFinished};
    let (events, _) = follower.next(9).await;
    let expected =
        [Created, RunFinished, FirstSuccess, RunFinished, Reviewed, Retried, RunFinished, Recovered, Deleted];
    assert_eq!(types(&events), expected);
    let failing = &events[4];
    let change = FieldChange { path: "review_status".into(), before: "reviewed".into(), after: "failing".into() };
    assert_eq!((failing.run_id, failing.changes.as_slice()), (102, &[change][..]));
    assert!(failing.reason.contains("event 2"), "{}", failing.reason);
    assert_eq!(failing.log_url, "https://ui/a/102");
    assert_eq!((events[0].run_id, events[0].log_url.as_str()), (0, ""));
}

#[tokio::test]
async fn changed_refs_are_told_with_what_they_were_and_are() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let mut follower = Follower::begin(&mut registry, None, all()).await;
    registry.runs.put_revisions(put(token("a", 1), vec![commit(1, &[])])).await.expect("stored");
    registry.runs.swap_refs(swap(token("a", 1), vec![reference("main", 1)])).await.expect("swapped");
    registry.runs.put_revisions(put(token("a", 2), vec![commit(2, &[1])])).await.expect("stored");
    registry.runs.swap_refs(swap(token("a", 2), vec![reference("main", 2)])).await.expect("swapped");
    registry.runs.swap_refs(swap(token("a", 3), vec![reference("main", 2)])).await.expect("nothing new");
    delete(&mut registry, "a").await;
    let (events, _) = follower.next(3).await;
    let (first, second) = (&reference("main", 1), &reference("main", 2));
    assert_eq!(types(&events)[2], ImportEventType::Deleted, "a swap that changes nothing is no event");
    assert_eq!(events[0].changes[0].after, first.object_id);
    let moved =
        FieldChange { path: second.name.clone(), before: first.object_id.clone(), after: second.object_id.clone() };
    assert_eq!((events[1].run_id, events[1].changes.as_slice()), (2, &[moved][..]));
}

#[tokio::test]
async fn whatever_happens_side_by_side_a_follower_is_told_each_event_once_and_in_order() {
    let mut registry = Registry::start().await;
    let mut follower = Follower::begin(&mut registry, Some(0), all()).await;
    let writers = (0..8).map(|writer| {
        let mut imports = registry.imports.clone();
        codeimport_kit::tasks::spawn("test.writer", async move {
            for n in 0..10 {
                imports.create_import(create_request(&format!("i-{writer}-{n}"))).await.expect("created");
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let (mut events, cursor) = follower.next(20).await;
    // Comes back with the cursor, as after a broken connection.
    let mut follower = Follower::begin(&mut registry, Some(cursor), all()).await;
    for writer in writers {
        writer.await.expect("no panic");
    }
    events.extend(follower.next(80 - events.len()).await.0);
    let ids: Vec<_> = events.iter().map(|event| event.event_id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let imports: BTreeSet<_> = events.iter().map(|event| &event.import_id).collect();
    assert_eq!((imports.len(), events.len()), (80, 80));
}

#[tokio::test]
async fn a_filter_holds_back_what_is_not_wanted_also_of_imports_that_are_gone() {
    let mut registry = Registry::start().await;
    for (id, owner, team) in [("a", "ada", "core"), ("b", "ada", "docs"), ("c", "bob", "core")] {
        let mut request = create_request(id);
        let import = request.import.as_mut().expect("import");
        owner.clone_into(&mut import.owner);
        import.labels.insert("team".to_owned(), team.to_owned());
        registry.imports.create_import(request).await.expect("created");
        delete(&mut registry, id).await;
    }
    let mut told = async |change: fn(&mut ImportEventFilter), wanted| {
        let mut filter = all();
        change(&mut filter);
        let mut follower = Follower::begin(&mut registry, Some(0), filter).await;
        let (events, _) = follower.next(wanted).await;
        events.iter().map(|event| event.import_id.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(told(|f| f.owner = "ada".to_owned(), 4).await, "a a b b");
    assert_eq!(told(|f| f.labels = vec!["team=core".to_owned()], 4).await, "a a c c");
    assert_eq!(told(|f| f.types = vec![ImportEventType::Deleted.into()], 3).await, "a b c");
    assert_eq!(told(|f| f.import_id = "b".to_owned(), 2).await, "b b");
}

#[tokio::test]
async fn who_was_away_for_too_long_is_told_so() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let review = ReviewImportRequest {
        import_id: "a".to_owned(),
        review_status: ReviewStatus::Suspended.into(),
        ..Default::default()
    };
    registry.imports.review_import(review).await.expect("reviewed");
    let newest = registry.store.event_bounds().await.expect("bounds").newest;
    registry.store.prune_events(0, jiff::Timestamp::MAX, 0).await.expect("pruned");
    let watch = |after| WatchImportEventsRequest { after_event_id: Some(after), filter: None };
    let late = registry.imports.watch_import_events(watch(newest - 1)).await;
    assert_eq!(reason(late), ErrorReason::EventsGone);
    let in_time = registry.imports.watch_import_events(watch(newest)).await;
    assert!(in_time.is_ok(), "nothing was missed");
}

#[tokio::test]
async fn a_filter_that_makes_no_sense_is_refused_with_all_its_flaws() {
    let mut registry = Registry::start().await;
    let filter = ImportEventFilter {
        import_id: "No Id".to_owned(),
        labels: vec!["UPPER".to_owned()],
        types: vec![4711],
        ..Default::default()
    };
    let request = WatchImportEventsRequest { after_event_id: Some(-1), filter: Some(filter) };
    let refused = registry.imports.watch_import_events(request).await;
    let fields = crate::harness::violated_fields(refused);
    assert_eq!(fields, ["filter.import_id", "filter.types[0]", "filter.labels[0]", "after_event_id"]);
}
