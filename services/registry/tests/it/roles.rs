//! Who may do what, as far as callers see it. The table itself is tested where it stands.

use crate::harness::{Registry, create_request, reason};
use codeimport_proto::{
    common::ErrorReason,
    registry::{
        DeleteImportRequest, Import, RetryImportRequest, ReviewImportRequest, ReviewStatus, UpdateImportRequest,
    },
};
use tonic::Request;
use tonic_types::StatusExt as _;

async fn strict_registry() -> Registry {
    Registry::start_with(|config| {
        config.operators = ["olga".to_owned()].into();
        config.trust_actor_header = true;
    })
    .await
}

fn from<T>(actor: &'static str, roles: &'static str, request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.metadata_mut().insert("codeimport-actor", actor.parse().expect("header"));
    request.metadata_mut().insert("codeimport-roles", roles.parse().expect("header"));
    request
}

fn review(status: ReviewStatus) -> ReviewImportRequest {
    ReviewImportRequest { import_id: "a".to_owned(), review_status: status.into(), ..Default::default() }
}

#[tokio::test]
async fn a_stranger_changes_nothing_and_is_told_whom_to_ask() {
    let mut registry = strict_registry().await;
    registry.imports.create_import(from("robin", "", create_request("a"))).await.expect("anybody may define");
    let before = registry.get("a").await;
    assert_eq!((before.owner.as_str(), before.registrant.as_str()), ("robin", "robin"));

    let refused = registry.imports.review_import(from("mallory", "", review(ReviewStatus::Suspended))).await;
    let status = refused.expect_err("refused");
    let info = status.get_details_error_info().expect("reason");
    assert_eq!((info.reason.as_str(), info.metadata["role"].as_str()), ("ROLE_FORBIDS", "requester"));
    assert!(status.message().ends_with("ask its owner or an operator"), "{}", status.message());
    let delete = DeleteImportRequest { import_id: "a".to_owned(), ..Default::default() };
    let refused = registry.imports.delete_import(from("mallory", "", delete)).await;
    assert_eq!(reason(refused), ErrorReason::RoleForbids);
    assert_eq!(registry.get("a").await, before);
    let retry = RetryImportRequest { import_id: "a".to_owned(), ..Default::default() };
    registry.imports.retry_import(from("mallory", "", retry)).await.expect("anybody may try again");
}

#[tokio::test]
async fn an_owner_pauses_and_only_an_operator_approves_again() {
    let mut registry = strict_registry().await;
    let mut request = create_request("a");
    request.import.as_mut().expect("import").owner = "kernel".to_owned();
    registry.imports.create_import(from("robin", "kernel", request)).await.expect("their team's");
    registry.imports.review_import(from("ada", "kernel", review(ReviewStatus::Suspended))).await.expect("hers, too");
    let again = registry.imports.review_import(from("ada", "kernel", review(ReviewStatus::Reviewed))).await;
    assert_eq!(reason(again), ErrorReason::RoleForbids);
    registry.imports.review_import(from("olga", "", review(ReviewStatus::Reviewed))).await.expect("an operator");
    registry.imports.review_import(from("x", "operator", review(ReviewStatus::Invalid))).await.expect("by role");
    let actors: Vec<_> = registry.events("a").await.into_iter().map(|event| event.actor).collect();
    assert_eq!(actors, ["robin", "ada", "olga", "x"]);
}

#[tokio::test]
async fn an_import_can_be_handed_over_but_not_taken() {
    let mut registry = strict_registry().await;
    registry.imports.create_import(from("robin", "", create_request("a"))).await.expect("valid");
    let to_mallory = UpdateImportRequest {
        import_id: "a".to_owned(),
        import: Some(Import { owner: "mallory".to_owned(), ..Default::default() }),
        update_paths: vec!["owner".to_owned()],
        ..Default::default()
    };
    let taken = registry.imports.update_import(from("mallory", "", to_mallory.clone())).await;
    assert_eq!(reason(taken), ErrorReason::RoleForbids);
    registry.imports.update_import(from("robin", "", to_mallory)).await.expect("given");
    let delete = DeleteImportRequest { import_id: "a".to_owned(), ..Default::default() };
    let gone = registry.imports.delete_import(from("robin", "", delete)).await;
    assert_eq!(reason(gone), ErrorReason::RoleForbids);
}

#[tokio::test]
async fn a_registry_that_knows_nobody_by_name_does_not_start_without_operators() {
    use codeimport_kit::ServiceConfig as _;
    let config = codeimport_registry::Config {
        lease_key: crate::harness::LEASE_KEY.into(),
        database_url: Some("postgresql://x".into()),
        operators: ["olga".to_owned()].into(),
        ..Default::default()
    };
    let error = config.check().expect_err("nobody could approve").to_string();
    assert!(error.contains("operators") && error.contains("trust_actor_header"), "{error}");
}
