//! Mercurial repositories on disk, changed by Mercurial itself, and served by a real `hg serve`.

use crate::subversion::server::{free_port, until_it_listens};
use codeimport_subprocess::{Command, Daemon};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A program that must succeed; gives what it prints.
pub(super) fn run(dir: &Path, words: &[&str]) -> String {
    let command = Command::new(words[0]).args(&words[1..]).cwd(dir).env("HGRCPATH", "").env("HGUSER", "ada <ada@x>");
    let output = command.run().expect("the program is installed");
    assert!(output.success(), "{words:?}: {}", output.stderr);
    output.stdout_text().trim_end().to_owned()
}

/// What Mercurial says of a changeset.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(super) struct Truth {
    pub(super) node: String,
    pub(super) tree: String,
    pub(super) parents: Vec<String>,
    pub(super) user: String,
    pub(super) seconds: i64,
    pub(super) offset: i64,
    pub(super) branch: String,
    pub(super) message: String,
}

#[derive(Deserialize)]
struct Tags {
    tags: BTreeMap<String, String>,
}

/// A repository.
pub(super) struct HgRepository {
    pub(super) path: PathBuf,
    _dir: TempDir,
}

impl HgRepository {
    /// A new one.
    pub(super) fn create() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("r");
        run(dir.path(), &["hg", "init", "r"]);
        Self { path, _dir: dir }
    }

    /// One of an archive; it is nobody else's now.
    pub(super) fn unpack(archive: &Path) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        run(dir.path(), &["tar", "--no-same-owner", "-xf", archive.to_str().expect("text")]);
        let below = || fs::read_dir(dir.path()).expect("ours").flatten().map(|entry| entry.path());
        let path = std::iter::once(dir.path().to_owned()).chain(below()).find(|path| path.join(".hg").is_dir());
        Self { path: path.expect("a repository"), _dir: dir }
    }

    pub(super) fn hg(&self, words: &[&str]) -> String {
        run(&self.path, &[&["hg"], words].concat())
    }

    /// Writes a file and commits all that is changed.
    pub(super) fn commit(&self, file: &str, text: &str) {
        fs::write(self.path.join(file), text).expect("writable");
        self.hg(&["commit", "--addremove", "-m", &format!("change {file}")]);
    }

    /// Adds changesets at random.
    pub(super) fn grow(&self, seed: u64, count: usize) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hg/generate.py");
        self.python(&[script, self.path.to_str().expect("text"), &seed.to_string(), &count.to_string()]);
    }

    /// What Mercurial says of all changesets, and of the tags.
    pub(super) fn truth(&self) -> (Vec<Truth>, BTreeMap<String, String>) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hg/truth.py");
        let scratch = tempfile::tempdir().expect("temporary folder");
        let said = self.python(&[script, self.path.to_str().expect("text"), scratch.path().to_str().expect("text")]);
        let (changesets, tags) = said.rsplit_once('\n').unwrap_or(("", &said));
        let changesets = changesets.lines().map(|line| serde_json::from_str(line).expect("a changeset")).collect();
        (changesets, serde_json::from_str::<Tags>(tags).expect("tags").tags)
    }

    /// Runs a script with the Python that Mercurial itself runs with.
    fn python(&self, words: &[&str]) -> String {
        run(&self.path, &[&["/usr/bin/python3"], words].concat())
    }

    pub(super) fn file_url(&self) -> String {
        format!("file://{}", self.path.display())
    }
}

/// A running `hg serve`.
pub(super) struct HgServer {
    pub(super) port: u16,
    _daemon: Daemon,
}

impl HgServer {
    pub(super) fn start(repository: &HgRepository) -> Self {
        Self::with(repository, &[])
    }

    /// With further words for `hg serve`.
    pub(super) fn with(repository: &HgRepository, words: &[&str]) -> Self {
        let port = free_port();
        let daemon = Command::new("hg")
            .args(["serve", "--address", "127.0.0.1", "--port", &port.to_string()])
            .args(words)
            .cwd(&repository.path)
            .env("HGRCPATH", "")
            .start()
            .expect("hg is installed");
        until_it_listens(port, &daemon);
        Self { port, _daemon: daemon }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}
