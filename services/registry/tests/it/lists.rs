//! Lists of imports: what a filter lets through, and in which order.

use crate::harness::{Registry, create_request, violated_fields};
use codeimport_proto::registry::{Import, ImportOrder, ListImportsRequest};

/// The ids of a whole list, page by page.
async fn ids(registry: &mut Registry, mut request: ListImportsRequest) -> Vec<String> {
    let mut ids = Vec::new();
    request.page_size = 2;
    loop {
        let page = registry.imports.list_imports(request.clone()).await.expect("listed").into_inner();
        ids.extend(page.imports.into_iter().map(|import| import.import_id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return ids;
        }
    }
}

async fn create(registry: &mut Registry, import_id: &str, change: impl FnOnce(&mut Import)) {
    let mut request = create_request(import_id);
    change(request.import.as_mut().expect("import"));
    registry.imports.create_import(request).await.expect("valid");
}

async fn registry_with_imports() -> Registry {
    let mut registry = Registry::start().await;
    for id in ["c", "a", "b"] {
        create(&mut registry, id, |_| {}).await;
    }
    create(&mut registry, "e", |import| {
        import.source.as_mut().expect("source").url = "https://Other.Example/e".to_owned();
        import.owner = "kernel".to_owned();
        import.labels = [("team".to_owned(), "x=y".to_owned()), ("old".to_owned(), String::new())].into();
    })
    .await;
    create(&mut registry, "d", |import| import.labels = [("team".to_owned(), "z".to_owned())].into()).await;
    registry
}

#[tokio::test]
async fn each_filter_lets_through_what_it_says() {
    let mut registry = registry_with_imports().await;
    let by = |change: fn(&mut ListImportsRequest)| {
        let mut request = ListImportsRequest::default();
        change(&mut request);
        request
    };
    assert_eq!(ids(&mut registry, by(|r| r.hosts = vec!["OTHER.example".to_owned()])).await, ["e"]);
    assert_eq!(ids(&mut registry, by(|r| r.owner = "kernel".to_owned())).await, ["e"]);
    assert_eq!(ids(&mut registry, by(|r| r.labels = vec!["team".to_owned()])).await, ["d", "e"]);
    assert_eq!(ids(&mut registry, by(|r| r.labels = vec!["team=x=y".to_owned(), "old".to_owned()])).await, ["e"]);
    assert_eq!(ids(&mut registry, by(|r| r.labels = vec!["team=y".to_owned()])).await, [""; 0]);
    assert_eq!(ids(&mut registry, by(|r| r.text = "EXAMPLE/".to_owned())).await, ["e"]);
}

#[tokio::test]
async fn failing_since_finds_those_that_have_failed_for_longer() {
    let mut registry = registry_with_imports().await;
    let client = registry.db.client().await.expect("connected");
    let sql = "UPDATE import SET failing_since = '2020-01-01Z', consecutive_failure_count = 1 WHERE import_id = 'b'";
    client.execute(sql, &[]).await.expect("changed");
    let since = |seconds| ListImportsRequest {
        failing_since: Some(prost_types::Timestamp { seconds, nanos: 0 }),
        ..Default::default()
    };
    assert_eq!(ids(&mut registry, since(1_577_836_800)).await, ["b"]);
    assert_eq!(ids(&mut registry, since(1_577_836_799)).await, [""; 0]);
}

#[tokio::test]
async fn every_order_goes_on_where_the_page_before_ended() {
    let mut registry = registry_with_imports().await;
    let client = registry.db.client().await.expect("connected");
    let sql = "UPDATE import SET last_success_at = '2020-01-01Z' WHERE import_id IN ('a', 'c')";
    client.execute(sql, &[]).await.expect("changed");
    let expected = [
        (ImportOrder::Unspecified, ["a", "b", "c", "d", "e"]),
        (ImportOrder::CreateTime, ["c", "a", "b", "e", "d"]),
        (ImportOrder::LastSuccessTime, ["b", "d", "e", "a", "c"]),
    ];
    for (order, ascending) in expected {
        let request = ListImportsRequest { order_by: order.into(), ..Default::default() };
        assert_eq!(ids(&mut registry, request.clone()).await, ascending, "{order:?}");
        let backwards: Vec<_> = ascending.iter().rev().copied().collect();
        assert_eq!(
            ids(&mut registry, ListImportsRequest { descending: true, ..request }).await,
            backwards,
            "{order:?}"
        );
    }
}

#[tokio::test]
async fn a_page_of_one_order_does_not_go_on_in_another() {
    let mut registry = registry_with_imports().await;
    let request = ListImportsRequest { page_size: 1, ..Default::default() };
    let page_token = registry.imports.list_imports(request.clone()).await.expect("listed").into_inner().next_page_token;
    let other = ListImportsRequest { page_token, descending: true, ..request };
    assert_eq!(violated_fields(registry.imports.list_imports(other).await), ["page_token"]);
    let wrong = ListImportsRequest { order_by: 99, labels: vec!["A".to_owned()], ..Default::default() };
    assert_eq!(violated_fields(registry.imports.list_imports(wrong).await), ["labels[0]", "order_by"]);
}
