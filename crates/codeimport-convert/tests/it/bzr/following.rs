//! From one state of a branch to the next, whatever happens in between.

use super::copy::Copy;
use super::repository::Branches;
use codeimport_convert::FindingKind;
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
