//! Parts of a repository that the account may not read, by a real server's own rules.

use super::conversion::Conversion;
use super::server::SvnServer;
use codeimport_convert::PublishError;
use codeimport_core::Outcome;
use std::fs;

/// Lets everybody read what these rules say (svnserve's `authz`).
fn protect(server: &SvnServer, name: &str, rules: &str) {
    let conf = server.path(name).join("conf");
    fs::write(conf.join("authz"), rules).expect("writable");
    fs::write(conf.join("svnserve.conf"), "[general]\nanon-access = read\nauthz-db = authz\n").expect("writable");
}

fn with_secrets(server: &SvnServer) {
    server.create("r");
    let (one, put) = (server.file("one\n"), "put");
    let words = ["mkdir", "trunk", "mkdir", "trunk/secret", put, &one, "trunk/secret/s", "mkdir", "private"];
    server.mucc("r", &words);
    server.mucc("r", &[put, &one, "trunk/f", put, &one, "private/p"]);
    server.mucc("r", &[put, &server.file("two\n"), "trunk/secret/s"]);
    server.mucc("r", &["cp", "3", "private", "trunk/copied", "cp", "3", "trunk/secret/s", "trunk/s"]);
    server.mucc("r", &[put, &server.file("three\n"), "trunk/copied/p", put, &one, "private/q"]);
}

fn examples(state: &codeimport_convert::SourceState, kind: &str) -> String {
    let found = state.findings.iter().find(|finding| finding.kind.name() == kind);
    found.map(|finding| finding.examples.join(" ")).unwrap_or_default()
}

#[test]
fn what_may_not_be_read_is_absent_and_what_is_copied_from_there_is_there() {
    let server = SvnServer::start();
    with_secrets(&server);
    protect(&server, "r", "[/]\n* = r\n[/trunk/secret]\n* =\n[/private]\n* =\n");
    let mut conversion = Conversion::of(&server, "r");
    let state = conversion.try_run(false).expect("converted");
    assert_eq!(conversion.ref_names(), ["refs/heads/trunk"]);
    assert_eq!(conversion.git(&["ls-tree", "-r", "--name-only", "refs/heads/trunk"]), "copied/p\nf\ns");
    assert_eq!(conversion.git(&["show", "refs/heads/trunk:copied/p"]), "three");
    assert_eq!(conversion.git(&["show", "refs/heads/trunk:s"]), "two");
    assert_eq!(examples(&state, "unreadable_revision"), "r1 r2 r3 r4 r5");
    conversion.assert_sound();
}

#[test]
fn changes_to_what_was_copied_unseen_are_left_out_and_told() {
    let server = SvnServer::start();
    with_secrets(&server);
    server.mucc("r", &["mkdir", "branches", "cp", "5", "trunk", "branches/b"]);
    // Readable there, but the server does not say that it came along.
    server.mucc("r", &["put", &server.file("four\n"), "branches/b/secret/s"]);
    server.mucc("r", &["put", &server.file("five\n"), "branches/b/f"]);
    protect(&server, "r", "[/]\n* = r\n[/trunk/secret]\n* =\n[/private]\n* =\n");
    for forget in [false, true] {
        let mut conversion = Conversion::of(&server, "r");
        conversion.options.max_revisions = if forget { 3 } else { 100 };
        let mut told = String::new();
        loop {
            let state = conversion.try_run(forget).expect("converted");
            told += &examples(&state, "unreadable_path");
            if state.complete {
                break;
            }
        }
        assert_eq!(told, "branches/b/secret/s");
        assert_eq!(conversion.git(&["show", "refs/heads/b:f"]), "five");
    }
}

#[test]
fn a_directory_in_a_repository_that_may_not_be_read_is_a_source_of_its_own() {
    let server = SvnServer::start();
    with_secrets(&server);
    protect(&server, "r", "[/]\n* =\n[/trunk]\n* = r\n[/trunk/secret]\n* =\n");
    let mut conversion = Conversion::below(&server, "r", "/trunk");
    conversion.run_to_the_end(false);
    assert_eq!(conversion.git(&["ls-tree", "-r", "--name-only", "refs/heads/trunk"]), "copied/p\nf\ns");
}

#[test]
fn a_repository_that_may_not_be_read_at_all_wants_a_credential() {
    let server = SvnServer::start();
    with_secrets(&server);
    protect(&server, "r", "[/]\n* =\n");
    match Conversion::of(&server, "r").try_run(false).expect_err("refused") {
        PublishError::Failed(error) => {
            assert_eq!(error.outcome, Outcome::Authentication, "{error}");
            assert!(error.message.contains("without a credential"), "{error}");
        }
        other => panic!("{other}"),
    }
}
