//! A repository made by git itself, as a source to import.

use codeimport_subprocess::Command;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Runs git and gives what it prints.
///
/// # Panics
///
/// If it fails.
pub fn git(dir: &Path, args: &[&str]) -> String {
    let output = git_command(dir, args).run().expect("git can be run");
    assert!(output.success(), "git {args:?}: {}", output.stderr);
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

fn git_command(dir: &Path, args: &[&str]) -> Command {
    let identity = [("AUTHOR", "Ada Lovelace", "ada@example.org"), ("COMMITTER", "Grace Hopper", "grace@example.org")];
    let mut command = Command::new("git").cwd(dir).args(args);
    for (role, name, email) in identity {
        command = command.env(format!("GIT_{role}_NAME"), name).env(format!("GIT_{role}_EMAIL"), email);
    }
    command
}

/// A source repository: a work tree, and the bare repository that is served.
pub struct GitRepo {
    dir: TempDir,
    commits: u32,
}

impl GitRepo {
    /// A repository without any commit, whose HEAD names `main`.
    #[must_use]
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let repo = Self { dir, commits: 0 };
        git(repo.dir.path(), &["init", "-q", "--bare", "-b", "main", "source.git"]);
        git(repo.dir.path(), &["init", "-q", "-b", "main", "work"]);
        git(&repo.work(), &["remote", "add", "origin", "../source.git"]);
        repo
    }

    /// A repository with a little of everything: three branches, a merge, an annotated and a lightweight tag.
    #[must_use]
    pub fn with_history() -> Self {
        let mut repo = Self::empty();
        repo.commit("first");
        repo.git(&["tag", "-a", "v1", "-m", "version one"]);
        repo.git(&["switch", "-q", "-c", "topic/one"]);
        repo.commit("on the topic");
        repo.git(&["switch", "-q", "main"]);
        repo.commit("second");
        repo.git(&["merge", "-q", "--no-ff", "-m", "merge the topic", "topic/one"]);
        repo.git(&["tag", "light"]);
        repo.git(&["switch", "-q", "-c", "stable", "v1"]);
        repo.commit("a fix for version one");
        repo.git(&["switch", "-q", "main"]);
        repo.push();
        repo
    }

    /// A repository with so many commits that no stage is over at once.
    #[must_use]
    pub fn with_commits(count: u32) -> Self {
        let mut repo = Self::empty();
        for i in 0..count {
            repo.commit(&format!("commit {i}"));
        }
        repo.push();
        repo
    }

    /// Folder of the work tree.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// The bare repository that is served.
    #[must_use]
    pub fn bare(&self) -> PathBuf {
        self.dir.path().join("source.git")
    }

    /// Folder that the daemon serves.
    #[must_use]
    pub fn base(&self) -> &Path {
        self.dir.path()
    }

    /// Runs git in the work tree.
    pub fn git(&self, args: &[&str]) -> String {
        git(&self.work(), args)
    }

    /// Makes a commit on the present branch; its date moves on by an hour with each.
    pub fn commit(&mut self, message: &str) -> String {
        self.commits += 1;
        let name = format!("file-{}.txt", self.commits % 50);
        std::fs::write(self.work().join(name), format!("{message}, number {}\n", self.commits))
            .expect("work tree is ours");
        self.git(&["add", "-A"]);
        let date = format!("{} +0230", 1_600_000_000 + self.commits * 3_600);
        let commit = git_command(&self.work(), &["commit", "-q", "-m", message])
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .run()
            .expect("git can be run");
        assert!(commit.success(), "{}", commit.stderr);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Publishes all branches and tags of the work tree as they are; what it no longer has, goes.
    pub fn push(&self) {
        self.git(&[
            "push",
            "-q",
            "--force",
            "--prune",
            "origin",
            "refs/heads/*:refs/heads/*",
            "refs/tags/*:refs/tags/*",
        ]);
    }
}
