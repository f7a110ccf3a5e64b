//! What becomes of a copy as its source changes.

use super::copy::Copy;
use super::repository::{HgRepository, HgServer};
use codeimport_convert::Watch;
use codeimport_core::Outcome;

#[test]
fn a_poll_finds_what_is_new_by_one_question() {
    let repository = HgRepository::create();
    repository.commit("f", "one\n");
    let server = HgServer::start(&repository);
    let copy = Copy::of(&server.url());
    let source = copy.source();
    let first = source.probe(&Watch::none()).expect("asked");
    assert_eq!(source.probe(&Watch::none()).expect("asked"), first);
    repository.hg(&["bookmark", "mark"]);
    let marked = source.probe(&Watch::none()).expect("asked");
    repository.commit("f", "two\n");
    let second = source.probe(&Watch::none()).expect("asked");
    assert!(first != marked && marked != second);
}

#[test]
fn secret_changesets_are_not_served_until_they_are_no_secret() {
    let repository = HgRepository::create();
    repository.commit("f", "one\n");
    repository.commit("f", "two\n");
    repository.hg(&["phase", "--force", "--secret", "tip"]);
    let mut copy = Copy::of(&repository.file_url());
    copy.run(false);
    assert_eq!(copy.map().len(), 1);
    repository.hg(&["phase", "--draft", "tip"]);
    copy.run(false);
    assert_eq!(copy.assert_faithful(&repository), 2);
}

#[test]
fn an_empty_repository_is_converted_and_grows() {
    let repository = HgRepository::create();
    let mut copy = Copy::of(&repository.file_url());
    copy.run(false);
    repository.commit("f", "one\n");
    copy.run(true);
    assert_eq!(copy.assert_faithful(&repository), 1);
}

#[test]
fn users_verification_compares_with_archives() {
    let repository = HgRepository::create();
    repository.grow(7, 20);
    let server = HgServer::start(&repository);
    let mut copy = Copy::of(&server.url());
    copy.run(false);
    let found = copy.verify();
    assert_eq!((found.verdict().name(), found.compared), ("VERIFIED", 20), "{found:?}");
}

#[test]
fn a_preview_tells_branches_and_how_many_changesets_there_are() {
    let repository = HgRepository::create();
    repository.grow(3, 60);
    let server = HgServer::start(&repository);
    for url in [server.url(), repository.file_url()] {
        let preview = Copy::of(&url).source().preview(&Watch::none()).expect("asked");
        assert_eq!(preview.revision_count, Some(60));
        assert!(preview.branches.contains(&"default".to_owned()), "{preview:?}");
    }
}

#[test]
fn options_stay_what_they_were_at_the_first_run() {
    let repository = HgRepository::create();
    repository.commit("f", "one\n");
    let mut copy = Copy::of(&repository.file_url());
    copy.run(false);
    copy.options.hg.keep_subrepos = true;
    assert_eq!(copy.try_run(false).expect_err("refused").outcome, Outcome::Invalid);
}
