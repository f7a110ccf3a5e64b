//! What belongs to a definition besides source and target, and what keeps two imports apart.

use crate::harness::{Registry, create_request, reason, violated_fields};
use codeimport_proto::{
    common::{ErrorReason, Outcome},
    queue::Lease,
    registry::{
        AdaptiveInterval, AddImportNoteRequest, CreateImportRequest, GetImportRequest, GetRunSpecRequest, Import,
        ListImportNotesRequest, Source, UpdateImportRequest,
    },
};
use tonic_types::StatusExt as _;

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn of_source(import_id: &str, url: &str) -> CreateImportRequest {
    let mut request = create_request(import_id);
    url.clone_into(&mut request.import.as_mut().expect("import").source.as_mut().expect("source").url);
    request
}

fn update(import_id: &str, import: Import, paths: &[&str]) -> UpdateImportRequest {
    UpdateImportRequest {
        import_id: import_id.to_owned(),
        import: Some(import),
        update_paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        ..Default::default()
    }
}

fn moved_to(import_id: &str, from: Import, url: &str) -> UpdateImportRequest {
    let source = Source { url: url.to_owned(), ..from.source.unwrap_or_default() };
    update(import_id, Import { source: Some(source), ..Default::default() }, &["source"])
}

#[tokio::test]
async fn care_and_bounds_come_back_as_they_were_stored_and_reach_the_queue() {
    let mut registry = Registry::start().await;
    let mut request = create_request("a");
    let wanted = request.import.as_mut().expect("import");
    wanted.owner = "kernel".to_owned();
    wanted.assignee = "olga".to_owned();
    wanted.labels = [("team".to_owned(), "a b".to_owned()), ("old".to_owned(), String::new())].into();
    wanted.adaptive_interval = Some(AdaptiveInterval { shortest: seconds(600), longest: seconds(86_400) });
    let created = registry.imports.create_import(request).await.expect("valid").into_inner().import.expect("import");
    assert_eq!((created.owner.as_str(), created.labels.len()), ("kernel", 2));
    assert_eq!(registry.get("a").await, created);

    let other = Import { labels: [("x".to_owned(), "y".to_owned())].into(), ..Default::default() };
    let changed = registry.imports.update_import(update("a", other, &["labels", "adaptive_interval"])).await;
    let changed = changed.expect("valid").into_inner().import.expect("import");
    assert_eq!((changed.labels.len(), changed.adaptive_interval, changed.owner), (1, None, "kernel".to_owned()));
    let events = registry.events("a").await;
    let told: Vec<_> =
        events[1].changes.iter().map(|c| (c.path.as_str(), c.before.as_str(), c.after.as_str())).collect();
    assert_eq!(told, [("adaptive_interval", "600s to 86400s", ""), ("labels", "old=, team=a b", "x=y")]);
}

#[tokio::test]
async fn a_second_import_of_a_source_is_told_which_the_first_one_is() {
    let mut registry = Registry::start().await;
    registry.imports.create_import(of_source("a", "https://host/x.git")).await.expect("valid");
    let again = of_source("b", "HTTP://Host:80/x/");
    let refused = registry.imports.create_import(again.clone()).await.expect_err("refused");
    let info = refused.get_details_error_info().expect("reason");
    assert_eq!((info.reason.as_str(), info.metadata["import_id"].as_str()), ("SOURCE_ALREADY_IMPORTED", "a"));
    let preview = CreateImportRequest { validate_only: true, ..again.clone() };
    assert_eq!(reason(registry.imports.create_import(preview).await), ErrorReason::SourceAlreadyImported);

    let wanted = CreateImportRequest { allow_duplicate: true, ..again };
    let second = registry.imports.create_import(wanted).await.expect("wanted").into_inner().import.expect("import");
    assert!(second.is_duplicate && !registry.get("a").await.is_duplicate);
    let alone = CreateImportRequest { allow_duplicate: true, ..of_source("c", "https://host/y") };
    let alone = registry.imports.create_import(alone).await.expect("valid").into_inner().import.expect("import");
    assert!(!alone.is_duplicate, "there is no other one");
}

#[tokio::test]
async fn an_import_does_not_move_onto_the_source_of_another_by_accident() {
    let mut registry = Registry::start().await;
    registry.imports.create_import(of_source("a", "https://host/x")).await.expect("valid");
    registry.imports.create_import(of_source("b", "https://host/y")).await.expect("valid");
    let before = registry.get("b").await;
    let to_a = moved_to("b", before.clone(), "https://host/x.git");
    assert_eq!(reason(registry.imports.update_import(to_a.clone()).await), ErrorReason::SourceAlreadyImported);
    assert_eq!(registry.get("b").await, before);
    let wanted = UpdateImportRequest { allow_duplicate: true, ..to_a };
    let moved = registry.imports.update_import(wanted).await.expect("wanted").into_inner().import.expect("import");
    assert!(moved.is_duplicate);
    let back = registry.imports.update_import(moved_to("b", moved, "https://host/y")).await.expect("free");
    assert!(!back.into_inner().import.expect("import").is_duplicate);
}

#[tokio::test]
async fn an_update_that_is_only_checked_changes_nothing() {
    let mut registry = Registry::start().await;
    let before = registry.create("a").await;
    let renamed = Import { display_name: "new".to_owned(), ..Default::default() };
    let check = UpdateImportRequest { validate_only: true, ..update("a", renamed, &["display_name"]) };
    let shown =
        registry.imports.update_import(check.clone()).await.expect("valid").into_inner().import.expect("import");
    assert_eq!((shown.display_name.as_str(), &shown.etag), ("new", &before.etag));
    assert_eq!(registry.get("a").await, before);
    let stale = UpdateImportRequest { etag: "g0".to_owned(), ..check };
    assert_eq!(reason(registry.imports.update_import(stale).await), ErrorReason::EtagMismatch);
}

#[tokio::test]
async fn an_import_says_when_it_runs_next_or_that_nobody_can_tell() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    registry.queue.run("a", Outcome::Success).await;
    let request = GetImportRequest { import_id: "a".to_owned() };
    let shown = registry.imports.get_import(request.clone()).await.expect("exists").into_inner();
    let due_time = registry.queue.job("a").await.expect("told").due_time;
    assert_eq!((shown.next_due_time, due_time.is_some()), (due_time, true));
    assert_eq!(shown.what_now, registry.queue.explanation("a").await, "in the queue's own words");
    registry.queue.stop().await;
    let shown = registry.imports.get_import(request).await.expect("the queue is not needed").into_inner();
    assert_eq!((shown.next_due_time, shown.what_now.contains("cannot be asked")), (None, true));
}

#[tokio::test]
async fn a_run_keeps_the_address_that_it_began_with() {
    let mut registry = Registry::start().await;
    let before = registry.create("a").await;
    let spec = |lease: &Lease| GetRunSpecRequest { lease_token: lease.lease_token.clone() };
    let lease = registry.queue.lease("a").await;
    let begun = registry.runs.get_run_spec(spec(&lease)).await.expect("held").into_inner();
    registry.imports.update_import(moved_to("a", before, "https://host/moved")).await.expect("valid");
    // Told once, at its start: what the run under way has is its own.
    assert_eq!(begun.source.expect("source").url, "https://host/a.git");
    registry.queue.finish(&lease, Outcome::Success, "").await;
    // Which is tried at once: this would wait in vain for the next interval.
    let lease = registry.queue.lease("a").await;
    let next = registry.runs.get_run_spec(spec(&lease)).await.expect("held").into_inner();
    assert_eq!(next.source.expect("source").url, "https://host/moved");
}

#[tokio::test]
async fn notes_make_a_thread() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let note = |import_id: &str, text: &str| AddImportNoteRequest { import_id: import_id.into(), text: text.into() };
    for text in ["Is this\nours?", "Yes."] {
        registry.imports.add_import_note(note("a", text)).await.expect("valid");
    }
    for bad in ["", " \n", "a\u{7}", &"x".repeat(4_001)] {
        assert_eq!(violated_fields(registry.imports.add_import_note(note("a", bad)).await), ["text"]);
    }
    assert_eq!(reason(registry.imports.add_import_note(note("b", "x")).await), ErrorReason::ImportNotFound);
    let list = ListImportNotesRequest { import_id: "a".to_owned(), ..Default::default() };
    let notes = registry.imports.list_import_notes(list).await.expect("listed").into_inner().notes;
    let texts: Vec<_> = notes.iter().map(|note| (note.author.as_str(), note.text.as_str())).collect();
    assert_eq!(texts, [("anonymous", "Is this\nours?"), ("anonymous", "Yes.")]);
    let told: Vec<_> = registry.events("a").await.into_iter().skip(1).flat_map(|event| event.changes).collect();
    let told: Vec<_> = told.iter().map(|change| (change.path.as_str(), change.after.as_str())).collect();
    assert_eq!(told, [("note", "Is this\nours?"), ("note", "Yes.")], "and in the trail");
    let list = ListImportNotesRequest { import_id: "b".to_owned(), ..Default::default() };
    assert_eq!(reason(registry.imports.list_import_notes(list).await), ErrorReason::ImportNotFound);
}
