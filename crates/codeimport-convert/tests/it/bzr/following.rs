//! From one state of a branch to the next, whatever happens in between.

use super::copy::Copy;
use super::repository::{Branches, run};
use codeimport_convert::{FindingKind, SourceOptions};
use codeimport_core::Outcome;
use std::fs;

#[test]
fn a_branch_that_was_reset_is_followed_and_told_of() {
    let branches = Branches::with_branch("branch");
    for text in ["one", "two", "three"] {
        branches.commit("branch", &[("f", text)], text);
    }
    let copy = Copy::of(&branches.url("branch"));
    copy.run();
    let old = copy.git(&["rev-parse", "trunk"]);
    branches.brz("branch", &["uncommit", "-q", "--force"]);
    branches.commit("branch", &[("f", "other")], "other");
    let run = copy.run();
    assert!(run.findings.iter().any(|finding| finding.kind == FindingKind::RewrittenHistory), "{:?}", run.findings);
    assert_eq!(copy.git(&["log", "--format=%s", "trunk"]), "other\ntwo\none");
    // What was published before is kept by name, and the map still knows it.
    let backup = format!("refs/codeimport/backup/{}/trunk", &old[..12]);
    assert_eq!(copy.git(&["rev-parse", &backup]), old);
    assert_eq!(copy.map().len(), 4);
    copy.git(&["fsck", "--strict", "--no-dangling"]);
}

#[test]
fn a_branch_that_was_reset_is_not_followed_if_that_was_asked_for() {
    let branches = Branches::with_branch("branch");
    for text in ["one", "two"] {
        branches.commit("branch", &[("f", text)], text);
    }
    let mut copy = Copy::of(&branches.url("branch"));
    copy.run();
    let before = copy.refs();
    branches.brz("branch", &["uncommit", "-q", "--force"]);
    copy.options.freeze_rewritten = true;
    for _ in 0..2 {
        let (outcome, text) = copy.failure();
        assert!(outcome == Outcome::RemoteBroken && text.contains("was rewritten"), "{text}");
        assert_eq!(copy.refs(), before);
        branches.commit("branch", &[("f", "other")], "other");
    }
    copy.options.freeze_rewritten = false;
    copy.run();
    assert_eq!(copy.git(&["log", "--format=%s", "trunk"]), "other\nother\none");
}

#[test]
fn each_run_may_be_another_workers_whose_cache_is_empty() {
    let branches = Branches::create();
    let folder = tempfile::tempdir().expect("temporary folder");
    let options = SourceOptions { max_revisions: 9, ..SourceOptions::default() };
    for number in 1..=3 {
        branches.roll("branch", 23, (number - 1) * 15, number * 15, "2a");
        let url = Copy::of(&branches.url("branch")).url();
        let is_complete_after = |cache: u64| {
            let name = format!("cache-{number}-{cache}");
            crate::worker::run(folder.path(), &name, 1, &url, &options).expect("converted").complete
        };
        assert!((1..9).any(is_complete_after), "it ends");
    }
    let at_once = Copy::of(&branches.url("branch"));
    at_once.run();
    let words = ["git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"];
    assert_eq!(run(&folder.path().join("target.git"), &words), at_once.refs());
}

#[test]
fn what_no_commit_shows_is_found() {
    let branches = Branches::with_branch("branch");
    fs::create_dir(branches.path("branch/empty")).expect("ours");
    branches.commit("branch", &[("f", "one\n")], "one");
    branches
        .brz("branch", &["commit", "-q", "--unchanged", "-m", "two", "--author", "Bob <b@x>", "--author", "Cy <c@x>"]);
    branches.roll("rolled", 21, 0, 40, "2a");
    let run = Copy::of(&branches.url("branch")).run();
    let kinds: Vec<_> = run.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::EmptyDirectory, FindingKind::FurtherAuthors]);
    let kinds: Vec<_> = Copy::of(&branches.url("rolled")).run().findings.iter().map(|finding| finding.kind).collect();
    assert!(kinds.contains(&FindingKind::TagWithoutRevision), "{kinds:?}");
}

#[test]
fn trailers_tell_what_git_has_no_field_for() {
    let branches = Branches::with_branch("branch");
    branches.commit("branch", &[("f", "one\n")], "one");
    branches
        .brz("branch", &["commit", "-q", "--unchanged", "-m", "two", "--author", "Bob <b@x>", "--author", "Cy <c@x>"]);
    let mut copy = Copy::of(&branches.url("branch"));
    copy.options.bzr.trailers = true;
    copy.run();
    let trailers = copy.git(&["log", "-1", "--format=%an|%cn|%(trailers:key=Co-authored-by,valueonly)", "trunk"]);
    assert_eq!(trailers.trim(), "Bob|Ada Lovelace|Cy <c@x>");
    copy.options.bzr.trailers = false;
    branches.commit("branch", &[("f", "two\n")], "three");
    assert!(copy.failure().1.contains("other options"));
}
