//! Definitions, their review, and the trail that both leave.

use crate::{
    harness::{Registry, create_request, reason, token, violated_fields},
    queue::wanted,
};
use codeimport_proto::{
    common::ErrorReason,
    queue::ScheduleState,
    registry::{
        DeleteImportRequest, GetImportRequest, Import, ImportEventType, ListImportsRequest, PutRevisionsRequest,
        RefFilter, RetryImportRequest, ReviewImportRequest, ReviewStatus, Revision, Signature, Source, SwapRefsRequest,
        Target, UpdateImportRequest,
    },
};
use std::collections::BTreeSet;
use tonic::Request;

fn review_request(import_id: &str, status: ReviewStatus) -> ReviewImportRequest {
    ReviewImportRequest { import_id: import_id.to_owned(), review_status: status.into(), ..Default::default() }
}

#[tokio::test]
async fn all_field_violations_come_at_once() {
    let mut registry = Registry::start().await;
    let mut request = create_request("not an id");
    request.request_id = "no uuid".to_owned();
    request.import = Some(Import {
        source: Some(Source { url: "file:///etc".to_owned(), ..Default::default() }),
        target: Some(Target { url: "ext::sh".to_owned() }),
        ref_filter: Some(RefFilter { include: vec!["no pattern".to_owned()], exclude: Vec::new() }),
        update_interval: Some(prost_types::Duration { seconds: -1, nanos: 0 }),
        ..Default::default()
    });
    let fields = violated_fields(registry.imports.create_import(request).await);
    let expected = [
        "import_id",
        "request_id",
        "import.source.rcs_type",
        "import.target.url",
        "import.ref_filter.include[0]",
        "import.update_interval",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn an_import_comes_back_as_it_was_stored() {
    let mut registry = Registry::start().await;
    let mut request = create_request("a");
    let wanted = request.import.as_mut().expect("import");
    wanted.display_name = "Grün".to_owned();
    wanted.update_interval = Some(prost_types::Duration { seconds: 3600, nanos: 0 });
    wanted.ref_filter = Some(RefFilter { include: Vec::new(), exclude: vec!["refs/heads/wip/*".to_owned()] });
    let mut request = Request::new(request);
    request.metadata_mut().insert("codeimport-actor", "robin".parse().expect("header"));
    let created = registry.imports.create_import(request).await.expect("valid").into_inner().import.expect("import");
    assert_eq!(created.review_status(), ReviewStatus::Reviewed);
    assert_eq!(created.target.as_ref().expect("target").url, "file:///srv/targets/a.git");
    assert_eq!(created.registrant, "robin");
    assert_eq!(registry.get("a").await, created);
}

#[tokio::test]
async fn create_with_the_same_request_id_makes_one_import() {
    let registry = Registry::start().await;
    let mut request = create_request("");
    request.import.as_mut().expect("import").source.as_mut().expect("source").url = "https://host/same.git".to_owned();
    request.request_id = "01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
    let attempts = (0..4).map(|_| {
        let (mut imports, request) = (registry.imports.clone(), request.clone());
        codeimport_kit::tasks::spawn("test.create", async move { imports.create_import(request).await })
    });
    let mut ids = BTreeSet::new();
    for attempt in attempts.collect::<Vec<_>>() {
        let answer = attempt.await.expect("no panic").expect("each attempt gets the answer of the first");
        ids.insert(answer.into_inner().import.expect("import").import_id);
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(registry.count("SELECT count(*) FROM import").await, 1);
    assert_eq!(registry.count("SELECT count(*) FROM import_event").await, 1);
}

#[tokio::test]
async fn a_taken_id_and_a_taken_target_are_refused() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let again = registry.imports.create_import(create_request("a")).await;
    assert_eq!(reason(again), ErrorReason::ImportAlreadyExists);
    let mut other = create_request("b");
    other.import.as_mut().expect("import").target = Some(Target { url: "/srv/targets/a.git".to_owned() });
    let fields = violated_fields(registry.imports.create_import(other).await);
    assert_eq!(fields, ["import.target.url"]);
}

#[tokio::test]
async fn validate_only_stores_nothing() {
    let mut registry = Registry::start().await;
    let request = codeimport_proto::registry::CreateImportRequest { validate_only: true, ..create_request("a") };
    let shown = registry.imports.create_import(request).await.expect("valid").into_inner().import.expect("import");
    assert_eq!((shown.import_id.as_str(), shown.etag.as_str(), shown.create_time), ("a", "", None));
    let get = registry.imports.get_import(GetImportRequest { import_id: "a".to_owned() }).await;
    assert_eq!(reason(get), ErrorReason::ImportNotFound);
    assert_eq!(registry.count("SELECT count(*) FROM schedule_outbox").await, 0);
}

#[tokio::test]
async fn etag_mismatch_changes_nothing() {
    let mut registry = Registry::start().await;
    let old = registry.create("a").await;
    registry.imports.review_import(review_request("a", ReviewStatus::Suspended)).await.expect("reviewed");
    let before = registry.get("a").await;
    assert_ne!(before.etag, old.etag);

    let mut review = review_request("a", ReviewStatus::Invalid);
    review.etag = old.etag.clone();
    assert_eq!(reason(registry.imports.review_import(review).await), ErrorReason::EtagMismatch);
    let update = UpdateImportRequest {
        import_id: "a".to_owned(),
        etag: old.etag.clone(),
        import: Some(Import { display_name: "x".to_owned(), ..Default::default() }),
        update_paths: vec!["display_name".to_owned()],
        ..Default::default()
    };
    assert_eq!(reason(registry.imports.update_import(update).await), ErrorReason::EtagMismatch);
    let delete = DeleteImportRequest { import_id: "a".to_owned(), etag: old.etag };
    assert_eq!(reason(registry.imports.delete_import(delete).await), ErrorReason::EtagMismatch);
    assert_eq!(registry.get("a").await, before);
}

#[tokio::test]
async fn every_change_leaves_its_trace_with_before_and_after() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let update = UpdateImportRequest {
        import_id: "a".to_owned(),
        import: Some(Import { display_name: "new".to_owned(), ..Default::default() }),
        update_paths: vec!["display_name".to_owned()],
        ..Default::default()
    };
    registry.imports.update_import(update.clone()).await.expect("updated");
    registry.imports.update_import(update).await.expect("the same again is no change");
    registry.imports.review_import(review_request("a", ReviewStatus::Suspended)).await.expect("reviewed");
    registry.imports.review_import(review_request("a", ReviewStatus::Suspended)).await.expect("no change either");
    let events = registry.events("a").await;
    let types: Vec<_> = events.iter().map(|event| event.r#type()).collect();
    assert_eq!(types, [ImportEventType::Created, ImportEventType::Updated, ImportEventType::Reviewed]);
    let change = &events[1].changes[0];
    assert_eq!((change.path.as_str(), change.before.as_str(), change.after.as_str()), ("display_name", "", "new"));
    let change = &events[2].changes[0];
    assert_eq!((change.before.as_str(), change.after.as_str()), ("reviewed", "suspended"));
}

#[tokio::test]
async fn under_a_text_that_is_no_id_there_is_no_import() {
    let mut registry = Registry::start().await;
    for id in ["", "No Id", "a\0b", &"x".repeat(10_000)] {
        let get = registry.imports.get_import(GetImportRequest { import_id: id.to_owned() }).await;
        assert_eq!(reason(get), ErrorReason::ImportNotFound);
    }
}

#[tokio::test]
async fn a_person_cannot_set_failing_nor_retry_what_is_suspended() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let failing = registry.imports.review_import(review_request("a", ReviewStatus::Failing)).await;
    assert_eq!(violated_fields(failing), ["review_status"]);
    registry.imports.review_import(review_request("a", ReviewStatus::Suspended)).await.expect("reviewed");
    let retry =
        registry.imports.retry_import(RetryImportRequest { import_id: "a".to_owned(), ..Default::default() }).await;
    assert_eq!(reason(retry), ErrorReason::ReviewStatusForbids);
}

#[tokio::test]
async fn an_import_says_since_when_it_has_its_review_status() {
    let mut registry = Registry::start().await;
    let created = registry.create("a").await;
    assert_eq!(created.review_time, created.create_time);
    let renamed = UpdateImportRequest {
        import_id: "a".to_owned(),
        import: Some(Import { display_name: "A".to_owned(), ..Default::default() }),
        update_paths: vec!["display_name".to_owned()],
        ..Default::default()
    };
    registry.imports.update_import(renamed).await.expect("updated");
    assert_eq!(registry.get("a").await.review_time, created.review_time);
    registry.imports.review_import(review_request("a", ReviewStatus::Suspended)).await.expect("reviewed");
    let suspended = registry.get("a").await;
    assert_eq!(suspended.review_time, suspended.update_time);
    assert_ne!(suspended.review_time, created.review_time);
}

#[tokio::test]
async fn what_policy_does_not_list_waits_for_a_person() {
    let list =
        |config: &mut codeimport_registry::Config| config.auto_approve_prefixes = vec!["https://good/".to_owned()];
    let mut registry = Registry::start_with(list).await;
    assert_eq!(registry.create("a").await.review_status(), ReviewStatus::New);
    assert_eq!(wanted(&registry.queue.job_since("a", 1).await), ScheduleState::Suspended);
}

#[tokio::test]
async fn pages_of_a_list_make_the_whole_and_their_tokens_are_bound_to_it() {
    let mut registry = Registry::start().await;
    for id in ["a", "b", "c", "d", "e"] {
        registry.create(id).await;
    }
    let mut found = Vec::new();
    let mut request = ListImportsRequest { page_size: 2, ..Default::default() };
    loop {
        let page = registry.imports.list_imports(request.clone()).await.expect("listed").into_inner();
        found.extend(page.imports.into_iter().map(|import| import.import_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
        let other = ListImportsRequest { text: "x".to_owned(), ..request.clone() };
        assert_eq!(violated_fields(registry.imports.list_imports(other).await), ["page_token"]);
    }
    assert_eq!(found, ["a", "b", "c", "d", "e"]);
    let text = ListImportsRequest { text: "HOST/C.".to_owned(), ..Default::default() };
    let found = registry.imports.list_imports(text).await.expect("listed").into_inner().imports;
    assert_eq!(found.len(), 1, "the case of letters does not matter");
}

#[tokio::test]
async fn deleted_import_leaves_only_its_audit_trail() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let signature = Signature { time: Some(prost_types::Timestamp::default()), ..Default::default() };
    let commit = Revision {
        commit_id: "1".repeat(40),
        author: Some(signature.clone()),
        committer: Some(signature),
        ..Default::default()
    };
    let lease_token = token("a", 1);
    let put = PutRevisionsRequest { lease_token: lease_token.clone(), revisions: vec![commit], ..Default::default() };
    registry.runs.put_revisions(put).await.expect("stored");
    let main = codeimport_proto::registry::Ref {
        name: "refs/heads/main".to_owned(),
        object_id: "1".repeat(40),
        commit_id: "1".repeat(40),
    };
    let refs_digest = vec![0; 32];
    let swap = SwapRefsRequest { lease_token, refs: vec![main], refs_digest, ..Default::default() };
    registry.runs.swap_refs(swap).await.expect("swapped");

    let delete = DeleteImportRequest { import_id: "a".to_owned(), ..Default::default() };
    registry.imports.delete_import(delete.clone()).await.expect("deleted");
    // Revisions go by and by; here at once.
    while registry.store.sweep_dropped_history().await.expect("swept") {}
    for table in ["import", "scan", "ref", "revision", "dropped_history"] {
        assert_eq!(registry.count(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    let types: Vec<_> = registry.events("a").await.iter().map(|event| event.r#type()).collect();
    assert_eq!(types, [ImportEventType::Created, ImportEventType::RefsChanged, ImportEventType::Deleted]);
    assert_eq!(wanted(&registry.queue.job_since("a", 2).await), ScheduleState::Deleted);
    assert_eq!(reason(registry.imports.delete_import(delete).await), ErrorReason::ImportNotFound);
}
