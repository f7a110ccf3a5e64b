//! Changesets that were published and that the source has no longer: followed and kept by name, or not followed.

use super::copy::Copy;
use super::repository::HgRepository;
use codeimport_convert::FindingKind;
use codeimport_core::Outcome;

/// A converted repository of two changesets.
fn converted() -> (HgRepository, Copy) {
    let repository = HgRepository::create();
    repository.commit("f", "one\n");
    repository.commit("f", "two\n");
    let mut copy = Copy::of(&repository.file_url());
    copy.run(false);
    (repository, copy)
}

fn strip(repository: &HgRepository, what: &str) {
    repository.hg(&["--config", "extensions.strip=", "strip", "--no-backup", what]);
}

#[test]
fn stripped_history_is_followed_told_and_kept_by_name() {
    let (repository, mut copy) = converted();
    let (node, lost) = (repository.hg(&["id", "-i"]), copy.git(&["rev-parse", "refs/heads/default"]));
    strip(&repository, "tip");
    // Nothing new came: what is gone is noticed all the same.
    let state = copy.try_run(true).expect("converted");
    let found: Vec<_> = state.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(found, [FindingKind::LostChangeset]);
    let backup = format!("refs/codeimport/backup/{node}/default");
    assert_eq!(copy.git(&["rev-parse", &backup]), lost);
    repository.commit("f", "three\n");
    copy.run(true);
    assert_eq!(copy.git(&["rev-parse", &backup]), lost);
    let (mut anew, refs) = (Copy::of(&repository.file_url()), copy.refs());
    anew.run(false);
    assert_eq!(anew.refs(), refs);
    copy.git(&["fsck", "--strict", "--no-dangling"]);
}

#[test]
fn however_much_is_stripped_just_that_is_told_and_kept() {
    let repository = HgRepository::create();
    repository.grow(9, 60);
    let mut copy = Copy::of(&repository.file_url());
    copy.run(false);
    let before = repository.hg(&["log", "-r", "heads(all())", "--template", "{node}\n"]);
    strip(&repository, "3::");
    let left = repository.hg(&["log", "--template", "{node}\n"]);
    let state = copy.try_run(true).expect("converted");
    let lost = state.findings.iter().find(|finding| finding.kind == FindingKind::LostChangeset).expect("some are lost");
    assert_eq!(lost.count, 60 - left.lines().count() as u64);
    let backups = copy.git(&["for-each-ref", "--format=%(refname)", "refs/codeimport/backup"]);
    let lost_heads: Vec<_> = before.lines().filter(|node| !left.contains(node)).collect();
    assert!(lost_heads.iter().all(|node| backups.contains(&node[..12])), "{backups}");
    assert_eq!(backups.lines().count(), lost_heads.len());
    let (mut anew, refs) = (Copy::of(&repository.file_url()), copy.refs());
    anew.run(false);
    assert_eq!(anew.refs(), refs);
}

#[test]
fn an_amended_changeset_of_a_named_branch_is_replaced_and_kept() {
    let (repository, mut copy) = converted();
    repository.hg(&["branch", "-q", "feature/x"]);
    repository.commit("f", "three\n");
    copy.run(false);
    let lost = copy.git(&["rev-parse", "refs/heads/feature/x"]);
    let node = repository.hg(&["id", "-i"]);
    repository.hg(&["commit", "--amend", "-m", "better words", "--config", "experimental.evolution=all"]);
    copy.run(false);
    assert_eq!(copy.git(&["log", "-1", "--format=%s", "refs/heads/feature/x"]), "better words");
    assert_eq!(copy.git(&["rev-parse", &format!("refs/codeimport/backup/{node}/feature/x")]), lost);
}

#[test]
fn rewritten_history_is_not_followed_if_that_was_asked_for() {
    let (repository, mut copy) = converted();
    let before = copy.refs();
    strip(&repository, "tip");
    repository.commit("f", "three\n");
    copy.options.freeze_rewritten = true;
    let error = copy.try_run(false).expect_err("refused");
    assert!(error.outcome == Outcome::RemoteBroken && error.message.contains("was rewritten"), "{}", error.chain());
    assert_eq!(copy.refs(), before);
    // It decides no commit, so it may be allowed at any time.
    copy.options.freeze_rewritten = false;
    copy.run(false);
    assert_ne!(copy.refs(), before);
}

#[test]
fn a_repository_that_lost_all_its_changesets_is_not_followed() {
    let (repository, mut copy) = converted();
    let before = copy.refs();
    strip(&repository, "all()");
    assert_eq!(copy.try_run(false).expect_err("refused").outcome, Outcome::RemoteBroken);
    assert_eq!(copy.refs(), before);
}
