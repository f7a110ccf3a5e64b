//! Many imports at once: each is stored or refused by itself.

use crate::harness::{Registry, create_request, violated_fields};
use codeimport_proto::{
    common::ErrorReason,
    registry::{BatchCreateImportsRequest, CreateImportRequest, create_import_result::Result as Shown},
};

/// Ids of what was stored, reasons of what was not.
async fn create(registry: &mut Registry, requests: Vec<CreateImportRequest>) -> Vec<Result<String, ErrorReason>> {
    let answer = registry.imports.batch_create_imports(BatchCreateImportsRequest { requests }).await;
    let results = answer.expect("taken").into_inner().results;
    let shown = results.into_iter().map(|result| match result.result.expect("a result") {
        Shown::Import(import) => Ok(import.import_id),
        Shown::Refusal(refusal) => Err(refusal.reason()),
    });
    shown.collect()
}

#[tokio::test]
async fn a_bad_item_is_refused_and_the_others_are_stored() {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    let mut bad = create_request("b");
    bad.import.as_mut().expect("import").source.as_mut().expect("source").url = "file:///etc".to_owned();
    let same_source = CreateImportRequest { import_id: "z".to_owned(), ..create_request("c") };
    let preview = CreateImportRequest { validate_only: true, ..create_request("p") };
    let requests =
        vec![create_request("c"), bad, create_request("a"), same_source.clone(), preview, create_request("d")];
    let expected = [
        Ok("c".to_owned()),
        Err(ErrorReason::FieldViolation),
        Err(ErrorReason::ImportAlreadyExists),
        Err(ErrorReason::SourceAlreadyImported),
        Err(ErrorReason::FieldViolation),
        Ok("d".to_owned()),
    ];
    assert_eq!(create(&mut registry, requests).await, expected);
    assert_eq!(registry.count("SELECT count(*) FROM import").await, 3);
    assert_eq!(registry.count("SELECT count(*) FROM import_event").await, 3);
    for id in ["c", "d"] {
        registry.queue.lease(id).await;
    }
    let wanted = CreateImportRequest { allow_duplicate: true, ..same_source };
    assert_eq!(create(&mut registry, vec![wanted]).await, [Ok("z".to_owned())]);
}

#[tokio::test]
async fn a_list_that_is_sent_again_makes_no_import_twice() {
    let mut registry = Registry::start().await;
    let with_request_id = |i: u8| {
        let request_id = format!("01890a5d-ac96-774b-bcce-b302099a80{i:02x}");
        let mut request = create_request(&format!("x{i}"));
        request.import_id.clear();
        CreateImportRequest { request_id, ..request }
    };
    let requests: Vec<_> = (0..5).map(with_request_id).collect();
    let first = create(&mut registry, requests.clone()).await;
    assert!(first.iter().all(Result::is_ok));
    assert_eq!(create(&mut registry, requests).await, first);
    assert_eq!(registry.count("SELECT count(*) FROM import").await, 5);
}

#[tokio::test]
async fn of_two_items_with_one_id_the_first_is_it() {
    let mut registry = Registry::start().await;
    let mut other = create_request("a");
    other.import.as_mut().expect("import").source.as_mut().expect("source").url = "https://host/other".to_owned();
    let results = create(&mut registry, vec![create_request("a"), other]).await;
    assert_eq!(results, [Ok("a".to_owned()), Err(ErrorReason::ImportAlreadyExists)]);
    assert_eq!(registry.get("a").await.source.expect("source").url, "https://host/a.git");
    assert_eq!(registry.count("SELECT count(*) FROM import_event").await, 1);
}

#[tokio::test]
async fn more_than_fit_are_refused_as_a_whole() {
    let mut registry = Registry::start().await;
    let requests = (0..501).map(|i| create_request(&format!("x{i}"))).collect();
    let answer = registry.imports.batch_create_imports(BatchCreateImportsRequest { requests }).await;
    assert_eq!(violated_fields(answer), ["requests"]);
    assert_eq!(registry.count("SELECT count(*) FROM import").await, 0);
}
