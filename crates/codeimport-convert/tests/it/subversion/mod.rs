//! Subversion: every tree of every branch is what Subversion itself exports, however the conversion was cut up.

pub(crate) mod apache;
mod conversion;
mod corpora;
mod export;
mod failures;
mod generated;
mod layouts;
mod local;
mod options;
mod pushing;
pub(crate) mod server;
mod ssh;
mod transports;
mod unreadable;

use codeimport_core::RefFilter;
use conversion::Conversion;
use server::SvnServer;

#[test]
fn branches_tags_and_copies_become_what_they_are() {
    let server = SvnServer::start();
    server.create("r");
    let text = &server.file("hello\n");
    server.mucc("r", &["mkdir", "trunk", "mkdir", "branches", "mkdir", "tags", "mkdir", "trunk/empty"]);
    server.mucc("r", &["mkdir", "trunk/d", "put", text, "trunk/d/f", "propset", "svn:executable", "*", "trunk/d/f"]);
    server.mucc("r", &["cp", "2", "trunk", "branches/b", "put", text, "branches/b/new"]);
    server.mucc("r", &["cp", "2", "trunk/d", "trunk/e"]);
    server.mucc("r", &["cp", "4", "trunk", "tags/v 1"]);
    server.mucc("r", &["rm", "branches/b"]);
    server.mucc("r", &["cp", "3", "branches/b", "branches/b"]);
    server.mucc("r", &["mv", "branches", "old", "mkdir", "branches"]);
    server.mucc("r", &["cp", "8", "old/b", "branches/again"]);
    let mut conversion = Conversion::of(&server, "r");
    conversion.run_to_the_end(false);
    assert_eq!(conversion.assert_faithful(), 7);
    assert_eq!(conversion.ref_names(), ["refs/heads/again", "refs/heads/trunk", "refs/tags/v%201"]);
    let count = |reference: &str| conversion.git(&["rev-list", "--count", reference]);
    assert_eq!((count("refs/heads/trunk").as_str(), count("refs/tags/v%201").as_str()), ("3", "4"));
    assert_eq!(conversion.git(&["symbolic-ref", "HEAD"]), "refs/heads/trunk");
    assert_eq!(conversion.git(&["log", "-1", "--format=%an", "refs/heads/trunk"]), "ada");
}

#[test]
fn a_whole_merge_has_two_parents_and_a_cherry_pick_one() {
    let server = SvnServer::start();
    server.create("r");
    let text = &server.file("text");
    server.mucc("r", &["mkdir", "trunk", "mkdir", "branches", "put", text, "trunk/f"]);
    server.mucc("r", &["cp", "1", "trunk", "branches/b"]);
    server.mucc("r", &["put", text, "branches/b/one"]);
    server.mucc("r", &["put", text, "branches/b/two"]);
    server.mucc("r", &["put", text, "trunk/two", "propset", "svn:mergeinfo", "/branches/b:4", "trunk"]);
    server.mucc("r", &["put", text, "trunk/one", "propset", "svn:mergeinfo", "/branches/b:2-4", "trunk"]);
    let mut conversion = Conversion::of(&server, "r");
    conversion.run_to_the_end(false);
    let log = conversion.git(&["log", "--first-parent", "--format=%h %p", "refs/heads/trunk"]);
    let counts: Vec<_> = log.lines().map(|line| line.split_whitespace().count() - 1).collect();
    assert_eq!(counts, [2, 1, 0], "r6 merges all of the branch, r5 picked its second change");
    conversion.assert_faithful();
}

#[test]
fn a_directory_of_a_larger_repository_is_a_source_of_its_own() {
    let server = SvnServer::start();
    server.create("r");
    let text = &server.file("hello\n");
    server.mucc("r", &["mkdir", "other", "put", text, "other/secret"]);
    server.mucc("r", &["mkdir", "subs", "mkdir", "subs/a", "mkdir", "subs/a/trunk", "put", text, "subs/a/trunk/f"]);
    server.mucc("r", &["cp", "1", "other", "subs/a/trunk/copied"]);
    server.mucc("r", &["mkdir", "subs/a/tags", "cp", "3", "subs/a/trunk", "subs/a/tags/v1"]);
    let mut conversion = Conversion::below(&server, "r", "/subs/a");
    conversion.run_to_the_end(false);
    assert_eq!(conversion.assert_faithful(), 3);
}

#[test]
fn a_trunk_that_was_away_for_a_while_is_no_end_and_one_that_stays_away_is_not_followed() {
    let server = SvnServer::start();
    server.create("r");
    let text = &server.file("hello\n");
    server.mucc("r", &["mkdir", "trunk", "put", text, "trunk/f"]);
    server.mucc("r", &["rm", "trunk"]);
    server.mucc("r", &["mkdir", "elsewhere"]);
    server.mucc("r", &["cp", "1", "trunk", "trunk"]);
    let mut conversion = Conversion::of(&server, "r");
    conversion.options.max_revisions = 1;
    conversion.run_to_the_end(false);
    assert_eq!(conversion.assert_faithful(), 2);
    assert_eq!(conversion.git(&["rev-list", "--count", "refs/heads/trunk"]), "2", "the copy goes on from the original");
    let before = conversion.refs();

    server.mucc("r", &["rm", "trunk"]);
    let error = conversion.try_run(false).expect_err("not followed");
    assert!(error.to_string().contains("no refs any more"), "{error}");
    assert_eq!(conversion.refs(), before);
}

#[test]
fn branches_that_the_filter_leaves_out_can_still_be_copied_from_by_another_worker() {
    let server = SvnServer::start();
    server.create("r");
    let text = &server.file("hello\n");
    server.mucc("r", &["mkdir", "trunk", "mkdir", "branches", "put", text, "trunk/f"]);
    server.mucc("r", &["cp", "1", "trunk", "branches/hidden", "put", text, "branches/hidden/g"]);
    let mut conversion = Conversion::of(&server, "r");
    conversion.options.filter =
        RefFilter::new(vec!["refs/heads/*".to_owned()], vec!["refs/heads/hidden".to_owned()]).expect("valid");
    conversion.run_to_the_end(true);
    assert_eq!(conversion.ref_names(), ["refs/heads/trunk"]);
    server.mucc("r", &["cp", "2", "branches/hidden", "branches/shown"]);
    conversion.run_to_the_end(true);
    assert_eq!(conversion.ref_names(), ["refs/heads/shown", "refs/heads/trunk"]);
    assert_eq!(conversion.assert_faithful(), 3);
}
