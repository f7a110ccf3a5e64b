//! Without a service: into a repository on this machine, and compared with the source afterwards.

use super::conversion::Conversion;
use super::server::{SvnServer, run};
use codeimport_convert::{
    LocalRun, LocalTarget, PublishError, Scope, SourceOptions, Verdict, Verification, Watch, read_map, verify,
};
use codeimport_core::{Outcome, RcsType, SourceUrl};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct Local {
    dir: TempDir,
    url: SourceUrl,
}

impl Local {
    fn of(server: &SvnServer, name: &str) -> Self {
        let url = SourceUrl::parse(RcsType::Subversion, &server.url(name)).expect("valid");
        Self { dir: tempfile::tempdir().expect("temporary folder"), url }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("copy.git")
    }

    fn run(&self, max_revisions: u64) -> Result<LocalRun, PublishError> {
        let target = LocalTarget::open(&self.path(), &Watch::none())?;
        target.run(&self.url, SourceOptions { max_revisions, ..SourceOptions::default() }, &Watch::none())
    }

    fn run_to_the_end(&self, pieces: u64) {
        while self.run(pieces).expect("converted").outcome == Outcome::Partial {}
    }

    fn verify(&self, scope: Scope) -> Verification {
        verify(&self.url, SourceOptions::default(), &self.path(), scope, &Watch::none()).expect("compared")
    }
}

/// A trunk that grows, a branch, a tag; `odd` is what the third revision says.
fn grow(server: &SvnServer, name: &str, odd: &str) {
    server.create(name);
    server
        .mucc(name, &["mkdir", "trunk", "mkdir", "branches", "mkdir", "tags", "put", &server.file("one\n"), "trunk/f"]);
    server.mucc(name, &["put", &server.file("two\n"), "trunk/g"]);
    server.mucc(name, &["put", &server.file(odd), "trunk/g"]);
    server.mucc(name, &["cp", "3", "trunk", "branches/b"]);
    for number in 5..12 {
        server.mucc(name, &["put", &server.file(&number.to_string()), "trunk/f"]);
    }
}

fn refs(repository: &Path) -> String {
    run(repository, &["git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"])
}

#[test]
fn a_local_conversion_makes_what_a_worker_makes_and_then_finds_nothing_new() {
    let server = SvnServer::start();
    grow(&server, "r", "three\n");
    let mut by_worker = Conversion::of(&server, "r");
    by_worker.run_to_the_end(true);
    for pieces in [1, 4, 100] {
        let local = Local::of(&server, "r");
        local.run_to_the_end(pieces);
        assert_eq!(refs(&local.path()), by_worker.refs());
        assert_eq!(read_map(&local.path()).expect("ours"), by_worker.map());
        assert_eq!(run(&local.path(), &["git", "symbolic-ref", "HEAD"]), "refs/heads/trunk");
        run(&local.path(), &["git", "fsck", "--strict", "--no-progress"]);
        assert_eq!(local.run(pieces).expect("asked").outcome, Outcome::NoChange);
        assert_eq!(local.verify(Scope::All).verdict(), Verdict::Verified);
    }
}

#[test]
fn an_increment_follows_and_a_deleted_branch_goes() {
    let server = SvnServer::start();
    grow(&server, "r", "three\n");
    let local = Local::of(&server, "r");
    local.run_to_the_end(100);
    server.mucc("r", &["rm", "branches/b"]);
    server.mucc("r", &["cp", "4", "branches/b", "tags/v1"]);
    let found = local.verify(Scope::Samples { count: 3, seed: 1 });
    assert_eq!(found.verdict(), Verdict::Partial, "{found:?}");
    assert!(found.reasons[0].contains("r13") && found.reasons[0].contains("r11"), "{:?}", found.reasons);
    assert_eq!(local.run(100).expect("converted").outcome, Outcome::Success);
    let names = refs(&local.path());
    assert!(names.contains("refs/tags/v1") && !names.contains("refs/heads/b"), "{names}");
    assert_eq!(local.verify(Scope::All).verdict(), Verdict::Verified);
}

#[test]
fn a_repository_of_somebody_else_is_not_touched() {
    let server = SvnServer::start();
    grow(&server, "r", "three\n");
    let local = Local::of(&server, "r");
    let path = local.path();
    let text = path.to_str().expect("text");
    run(local.dir.path(), &["git", "init", "-q", "--bare", text]);
    let tree = run(&path, &["git", "mktree"]);
    let who = ["-c", "user.name=A", "-c", "user.email=a@b"];
    let commit = run(&path, &[&["git"], &who[..], &["commit-tree", "-m", "theirs", &tree]].concat());
    run(&path, &["git", "update-ref", "refs/heads/theirs", &commit]);
    let before = refs(&path);
    let refused = local.run(100).expect_err("refused");
    assert!(matches!(&refused, PublishError::Failed(error) if error.outcome == Outcome::Invalid), "{refused}");
    assert_eq!(refs(&path), before);

    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("mine"), "text").expect("writable");
    let error = LocalTarget::open(folder.path(), &Watch::none()).err().expect("no repository");
    assert_eq!(error.outcome, Outcome::Invalid);
}

#[test]
fn the_first_wrong_revision_is_found_from_the_tip() {
    let server = SvnServer::start();
    grow(&server, "r", "three\n");
    grow(&server, "other", "something else\n");
    let uuid = run(&server.path("r"), &["svnlook", "uuid", "."]);
    let local = Local::of(&server, "r");
    local.run_to_the_end(100);
    // The source as if the conversion had got its third revision wrong.
    run(&server.path("other"), &["svnadmin", "setuuid", ".", &uuid]);
    let wrong =
        Local { dir: local.dir, url: SourceUrl::parse(RcsType::Subversion, &server.url("other")).expect("valid") };
    let found = wrong.verify(Scope::Samples { count: 0, seed: 0 });
    assert_eq!((found.verdict(), found.compared), (Verdict::Mismatch, 2), "{found:?}");
    let places: Vec<_> = found.mismatches.iter().map(|m| (&m.entry.branch[..], m.entry.revision.as_str())).collect();
    assert_eq!(places, [(&b"branches/b"[..], "4"), (b"trunk", "3")]);
    let difference = &found.mismatches[1].differences[0];
    assert_eq!((difference.path.to_string().as_str(), found.mismatches[1].differences.len()), ("g", 1));
    assert!(difference.expected.is_some() && difference.got.is_some() && difference.expected != difference.got);
}

#[test]
fn converted_line_ends_are_told_as_the_rule_that_they_are() {
    let server = SvnServer::start();
    server.create("r");
    let text = server.file("one\r\ntwo\r\n");
    server.mucc("r", &["mkdir", "trunk", "put", &text, "trunk/a b", "propset", "svn:eol-style", "native", "trunk/a b"]);
    let local = Local::of(&server, "r");
    local.run_to_the_end(100);
    let found = local.verify(Scope::All);
    assert_eq!(found.verdict(), Verdict::Partial, "{found:?}");
    assert!(found.reasons[0].contains("svn:eol-style") && found.reasons[0].contains("a b"), "{:?}", found.reasons);
}

#[test]
fn a_ref_that_somebody_moved_is_a_mismatch() {
    let server = SvnServer::start();
    grow(&server, "r", "three\n");
    let local = Local::of(&server, "r");
    local.run_to_the_end(100);
    run(&local.path(), &["git", "update-ref", "refs/heads/b", "refs/heads/trunk"]);
    let found = local.verify(Scope::All);
    assert_eq!((found.verdict(), found.faults.len()), (Verdict::Mismatch, 1), "{found:?}");
}
