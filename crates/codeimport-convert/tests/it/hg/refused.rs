//! Repositories that are not whole by themselves: each is refused with a sentence of its own, and nothing is published.

use super::copy::Copy;
use super::repository::{HgRepository, HgServer};
use codeimport_core::Outcome;
use std::fs;

/// A repository with a file that an extension keeps elsewhere.
fn with_extension(extension: &str, add: &[&str]) -> HgRepository {
    let repository = HgRepository::create();
    repository.commit("f", "one\n");
    fs::write(repository.path.join("large"), "many bytes\n".repeat(1_000)).expect("writable");
    let config = format!("extensions.{extension}=");
    repository.hg(&[&["--config", &config, "add"], add, &["large"]].concat());
    repository.hg(&["--config", &config, "--config", "lfs.track=all()", "commit", "-m", "large"]);
    repository
}

fn assert_refused(url: &str, words: &str) {
    let mut copy = Copy::of(url);
    let error = copy.try_run(false).expect_err(url);
    let is_told = error.outcome == Outcome::UnsupportedFeature && error.message.contains(words);
    assert!(is_told, "{url}: {:?} {}", error.outcome, error.chain());
    assert!(!copy.path().exists() || copy.refs().is_empty(), "{url}");
}

#[test]
fn largefiles_are_refused_whoever_serves_them() {
    let repository = with_extension("largefiles", &["--large"]);
    let server = HgServer::with(&repository, &["--config", "extensions.largefiles="]);
    assert_refused(&server.url(), "largefiles");
    // Where Mercurial itself is asked, it does not know the extension.
    assert_refused(&repository.file_url(), "largefiles");
}

#[test]
fn pointers_of_lfs_are_refused_whoever_serves_them() {
    let repository = with_extension("lfs", &[]);
    let server = HgServer::with(&repository, &["--config", "extensions.lfs="]);
    assert_refused(&server.url(), "LFS");
    assert_refused(&repository.file_url(), "LFS");
}

#[test]
fn a_censored_file_is_refused_whoever_serves_it() {
    let repository = HgRepository::create();
    repository.commit("f", "secret\n");
    repository.commit("f", "no secret\n");
    repository.hg(&["--config", "extensions.censor=", "censor", "-r", "0", "f"]);
    let server = HgServer::start(&repository);
    assert_refused(&server.url(), "censored");
    assert_refused(&repository.file_url(), "censored");
}

#[test]
fn subrepositories_are_refused_or_kept_as_texts() {
    let repository = HgRepository::create();
    repository.commit("f", "one\n");
    fs::create_dir(repository.path.join("s")).expect("ours");
    super::repository::run(&repository.path, &["hg", "init", "s"]);
    repository.commit(".hgsub", "s = s\n");
    let mut copy = Copy::of(&repository.file_url());
    let error = copy.try_run(false).expect_err("refused");
    assert!(error.outcome == Outcome::UnsupportedFeature && error.message.contains(".hgsub"), "{}", error.message);
    copy.options.hg.keep_subrepos = true;
    copy.run(false);
    assert!(copy.git(&["ls-tree", "--name-only", "refs/heads/default"]).contains(".hgsubstate"));
}
