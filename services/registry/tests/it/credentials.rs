//! Secrets go in, are sealed, and come out for the holder of a lease alone.

use crate::harness::{Registry, create_request, reason, token, violated_fields};
use codeimport_proto::{
    common::ErrorReason,
    registry::{
        CreateCredentialRequest, CreateImportRequest, Credential, DeleteCredentialRequest, DeleteImportRequest,
        GetRunSpecRequest, Import, ListCredentialsRequest, Login, RotateCredentialRequest, Source, UpdateImportRequest,
    },
};
use tonic::Request;

fn login(username: &str, password: &str) -> Option<Login> {
    Some(Login { username: username.to_owned(), password: password.to_owned() })
}

fn credential(id: &str, url_prefix: &str) -> CreateCredentialRequest {
    CreateCredentialRequest {
        credential_id: id.to_owned(),
        credential: Some(Credential { url_prefix: url_prefix.to_owned(), ..Default::default() }),
        login: login("ada", "hunter2"),
    }
}

fn import_with(id: &str, url: &str, credential_id: &str) -> CreateImportRequest {
    let mut request = create_request(id);
    let source = request.import.as_mut().expect("import").source.as_mut().expect("source");
    url.clone_into(&mut source.url);
    credential_id.clone_into(&mut source.credential_id);
    request
}

fn from<T>(actor: &'static str, request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.metadata_mut().insert("codeimport-actor", actor.parse().expect("header"));
    request
}

async fn login_of(registry: &mut Registry, import_id: &str, fencing_token: i64) -> Option<Login> {
    let request = GetRunSpecRequest { lease_token: token(import_id, fencing_token) };
    registry.runs.get_run_spec(request).await.expect("held").into_inner().login
}

#[tokio::test]
async fn only_the_holder_of_the_lease_is_told_a_secret() {
    let mut registry = Registry::start().await;
    registry.credentials.create_credential(credential("c", "https://host")).await.expect("valid");
    registry.imports.create_import(import_with("a", "https://host/x", "c")).await.expect("valid");
    assert_eq!(login_of(&mut registry, "a", 7).await, login("ada", "hunter2"));
    let former = registry.runs.get_run_spec(GetRunSpecRequest { lease_token: token("a", 6) }).await;
    assert_eq!(reason(former), ErrorReason::LeaseLost);
    let listed = registry.credentials.list_credentials(ListCredentialsRequest::default()).await.expect("listed");
    let shown = format!("{:?} {:?}", listed.into_inner().credentials, registry.get("a").await);
    assert!(shown.contains("\"c\"") && !shown.contains("hunter2") && !shown.contains("\"ada\""), "{shown}");
    let stored = "SELECT count(*) FROM credential WHERE position('hunter2'::bytea IN sealed) > 0";
    assert_eq!(registry.count(stored).await, 0);
}

#[tokio::test]
async fn a_password_in_an_address_becomes_a_credential_and_is_shown_nowhere() {
    let mut registry = Registry::start().await;
    let request = import_with("a", "https://ada:hunter2@host/x", "");
    let created = registry.imports.create_import(request).await.expect("valid").into_inner().import.expect("import");
    let source = created.source.clone().expect("source");
    assert_eq!(source.url, "https://host/x");
    assert!(source.credential_id.starts_with("host-"), "{}", source.credential_id);
    assert_eq!(login_of(&mut registry, "a", 1).await, login("ada", "hunter2"));
    let trail = format!("{created:?} {:?}", registry.events("a").await);
    assert!(!trail.contains("hunter2"), "{trail}");

    let moved = Source { url: "https://bob:other@host/y".to_owned(), ..source };
    let update = UpdateImportRequest {
        import_id: "a".to_owned(),
        import: Some(Import { source: Some(moved), ..Default::default() }),
        update_paths: vec!["source".to_owned()],
        ..Default::default()
    };
    registry.imports.update_import(update).await.expect("valid");
    assert_eq!(login_of(&mut registry, "a", 2).await, login("bob", "other"));
    let delete = DeleteImportRequest { import_id: "a".to_owned(), ..Default::default() };
    registry.imports.delete_import(delete).await.expect("deleted");
    assert_eq!(registry.count("SELECT count(*) FROM import").await, 0);
}

#[tokio::test]
async fn an_import_that_is_refused_leaves_no_secret_behind() {
    let mut registry = Registry::start().await;
    registry.imports.create_import(import_with("a", "https://host/x", "")).await.expect("valid");
    let again = registry.imports.create_import(import_with("b", "https://ada:hunter2@host/x", "")).await;
    assert_eq!(reason(again), ErrorReason::SourceAlreadyImported);
    assert_eq!(registry.count("SELECT count(*) FROM credential").await, 0);
}

#[tokio::test]
async fn a_rotation_touches_no_import_but_its_trail() {
    let mut registry = Registry::start().await;
    registry.credentials.create_credential(credential("c", "https://host")).await.expect("valid");
    registry.imports.create_import(import_with("a", "https://host/x", "c")).await.expect("valid");
    let before = registry.get("a").await;
    let rotate =
        RotateCredentialRequest { credential_id: "c".to_owned(), login: login("ada", "new"), ..Default::default() };
    let rotated = registry.credentials.rotate_credential(rotate).await.expect("rotated").into_inner();
    assert_eq!(rotated.credential.expect("credential").version, 2);
    assert_eq!(login_of(&mut registry, "a", 1).await, login("ada", "new"));
    assert_eq!(registry.get("a").await, before);
    assert_eq!(registry.events("a").await[1].reason, "credential rotated");
}

#[tokio::test]
async fn a_secret_goes_only_where_it_is_for_and_to_whom_it_belongs() {
    let mut registry = Registry::start_with(|config| {
        config.operators = ["olga".to_owned()].into();
        config.trust_actor_header = true;
    })
    .await;
    registry.credentials.create_credential(from("ada", credential("c", "https://host/ada"))).await.expect("valid");
    let stolen = registry.imports.create_import(from("mallory", import_with("a", "https://host/ada/x", "c"))).await;
    assert_eq!(reason(stolen), ErrorReason::CredentialNotFound);
    let astray = registry.imports.create_import(from("ada", import_with("a", "https://host.evil/ada/x", "c"))).await;
    assert_eq!(violated_fields(astray), ["import.source.credential_id"]);
    registry.imports.create_import(from("ada", import_with("a", "https://host/ada/x", "c"))).await.expect("hers");
    let seen = registry.credentials.list_credentials(from("mallory", ListCredentialsRequest::default())).await;
    assert!(seen.expect("listed").into_inner().credentials.is_empty());
    let delete = DeleteCredentialRequest { credential_id: "c".to_owned(), ..Default::default() };
    let in_use = registry.credentials.delete_credential(from("ada", delete.clone())).await;
    assert_eq!(reason(in_use), ErrorReason::CredentialInUse);
    let other = registry.credentials.delete_credential(from("mallory", delete)).await;
    assert_eq!(reason(other), ErrorReason::CredentialNotFound);
}

#[tokio::test]
async fn without_a_key_nothing_secret_is_taken() {
    let mut registry = Registry::start_with(|config| config.credential_keys = "".into()).await;
    let refused = registry.credentials.create_credential(credential("c", "https://host")).await;
    assert_eq!(violated_fields(refused), ["login"]);
    let refused = registry.imports.create_import(import_with("a", "https://ada:hunter2@host/x", "")).await;
    assert!(!format!("{refused:?}").contains("hunter2"));
    assert_eq!(violated_fields(refused), ["import.source.url"]);
}

#[tokio::test]
async fn bad_credentials_are_named_and_not_repeated() {
    let mut registry = Registry::start().await;
    let mut request = credential("No Id", "https://ada:pw@host");
    request.login = login("a\nb", &"hunter2".repeat(2_000));
    let refused = registry.credentials.create_credential(request).await;
    assert!(!format!("{refused:?}").contains("hunter2"));
    assert_eq!(
        violated_fields(refused),
        ["credential.url_prefix", "credential_id", "login.username", "login.password"]
    );
}
