//! What is wrong is said clearly: which field, why, what to do; and each kind of bad source has an outcome of its own.

use codeimport_core::Outcome;
use codeimport_integration_tests::{Cluster, GitDaemon, GitRepo, create_request};
use codeimport_proto::queue::Run;
use codeimport_proto::registry::{CreateImportRequest, Import, RefFilter, Source, Target};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// An HTTP server that answers everything in the same way: the shortest thing that misbehaves for real.
fn http_server_that_answers(answer: &'static str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    let port = listener.local_addr().expect("a bound socket has an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            // To the empty line that ends the request's head.
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                line.clear();
            }
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    format!("http://127.0.0.1:{port}/repository.git")
}

async fn run_of(url: &str) -> Run {
    let mut cluster = Cluster::start().await;
    let run = cluster.import_first("it", url).await;
    assert!(!cluster.target("it").join("refs/codeimport").exists(), "a bad source leaves no trace in the target");
    run
}

fn assert_outcome(run: &Run, outcome: Outcome, words: &str) {
    assert_eq!(run.domain_outcome(), Some(outcome), "{}", run.message);
    assert!(run.message.contains(words), "{:?} should mention {words:?}", run.message);
}

fn violations(status: &Status) -> Vec<(String, String)> {
    let bad_request = status.get_details_bad_request().expect("field violations are listed");
    bad_request.field_violations.into_iter().map(|v| (v.field, v.description)).collect()
}

async fn refused(request: CreateImportRequest) -> Status {
    let mut cluster = Cluster::start().await;
    cluster.imports.create_import(request).await.expect_err("the request is bad")
}

#[tokio::test]
async fn all_wrong_fields_of_a_request_are_named_at_once() {
    let import = Import {
        source: Some(Source { url: "file:///etc".to_owned(), ..Default::default() }),
        target: Some(Target { url: "ext::sh".to_owned() }),
        ref_filter: Some(RefFilter { include: vec!["no pattern".to_owned()], exclude: Vec::new() }),
        update_interval: Some(prost_types::Duration { seconds: -1, nanos: 0 }),
        ..Default::default()
    };
    let status =
        refused(CreateImportRequest { import: Some(import), import_id: "Not An Id".to_owned(), ..Default::default() })
            .await;
    assert_eq!(status.code(), Code::InvalidArgument);
    let fields: Vec<_> = violations(&status).into_iter().map(|(field, _)| field).collect();
    for field in [
        "import_id",
        "import.source.rcs_type",
        "import.target.url",
        "import.ref_filter.include",
        "import.update_interval",
    ] {
        assert!(fields.iter().any(|f| f.starts_with(field)), "{field} is missing in {fields:?}");
    }
}

#[tokio::test]
async fn addresses_that_reach_inside_are_refused() {
    let mut cluster = Cluster::start().await;
    let cases = [
        ("file:///srv/git/x", "scheme"),
        ("/srv/git/x", "not a URL"),
        ("ext::sh -c id", "white space"),
        ("gopher://host/x", "scheme"),
        ("https://host/--upload-pack=touch", "dash"),
        ("--upload-pack=touch", "dash"),
        ("https://me:secret@host/x", "password"),
    ];
    for (url, words) in cases {
        let status = cluster.imports.create_import(create_request("it", url)).await.expect_err(url);
        assert_eq!(status.code(), Code::InvalidArgument, "{url}");
        let violations = violations(&status);
        assert_eq!(violations.len(), 1, "{url}: {violations:?}");
        assert_eq!(violations[0].0, "import.source.url", "{url}");
        assert!(violations[0].1.contains(words), "{url}: {:?} should mention {words:?}", violations[0].1);
        assert!(!status.message().contains("secret") && !violations[0].1.contains("secret"), "{url}");
    }
}

#[tokio::test]
async fn a_target_outside_the_allowed_places_is_refused() {
    let mut request = create_request("it", "https://host/x");
    request.import.as_mut().expect("just made").target = Some(Target { url: "file:///etc/passwd".to_owned() });
    let violations = violations(&refused(request).await);
    assert_eq!(violations[0].0, "import.target.url", "{violations:?}");
}

#[tokio::test]
async fn an_unreachable_host_is_unavailable() {
    // Port 1 of loopback: nobody listens, so the answer is at once "connection refused".
    let run = run_of("git://127.0.0.1:1/x.git").await;
    assert_outcome(&run, Outcome::Unavailable, "127.0.0.1");
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_invalid() {
    let repo = GitRepo::with_history();
    let daemon = GitDaemon::serve(&repo).await;
    assert_outcome(&run_of(&daemon.url_of("missing.git")).await, Outcome::Invalid, "missing.git");
}

#[tokio::test]
async fn a_web_page_is_no_repository() {
    let url = http_server_that_answers(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>",
    );
    assert_outcome(&run_of(&url).await, Outcome::Invalid, &url);
}

#[tokio::test]
async fn not_found_is_invalid() {
    let url = http_server_that_answers("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_outcome(&run_of(&url).await, Outcome::Invalid, &url);
}

#[tokio::test]
async fn a_source_that_wants_a_password_says_so() {
    let url = http_server_that_answers(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let run = run_of(&url).await;
    assert_outcome(&run, Outcome::Authentication, &url);
}

#[tokio::test]
async fn a_permanent_failure_stops_the_import_with_a_reason_and_retry_starts_it_again() {
    use codeimport_integration_tests::eventually;
    use codeimport_proto::registry::{RetryImportRequest, ReviewStatus};
    let mut repo = GitRepo::empty();
    repo.commit("first");
    repo.push();
    let daemon = GitDaemon::serve(&repo).await;
    let hidden = repo.base().join("hidden.git");
    std::fs::rename(repo.bare(), &hidden).expect("the folder is ours");
    let mut cluster = Cluster::start().await;
    let run = cluster.import_first("it", &daemon.url()).await;
    assert_eq!(run.domain_outcome(), Some(Outcome::Invalid), "{}", run.message);
    let import = eventually("the import is FAILING", async || {
        let import = cluster.import("it").await;
        (import.review_status() == ReviewStatus::Failing).then_some(import)
    })
    .await;
    assert!(!import.review_reason.is_empty(), "a stopped import says why");

    std::fs::rename(&hidden, repo.bare()).expect("the folder is ours");
    cluster
        .imports
        .retry_import(RetryImportRequest { import_id: "it".to_owned(), ..Default::default() })
        .await
        .expect("it may be retried");
    let again = cluster.finished_run("it", run.run_id).await;
    assert_eq!(again.domain_outcome(), Some(Outcome::Success), "{}", again.message);
    assert_eq!(cluster.import("it").await.review_status(), ReviewStatus::Reviewed);
}
