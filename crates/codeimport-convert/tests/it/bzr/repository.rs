//! Bazaar branches on disk, made by Bazaar's own library and exported by the real `brz`.

use codeimport_subprocess::Command;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Makes histories by dice: a plugin of `brz`, so that it has the library wherever that is.
const DICE: &str = include_str!("dice.py");

/// Runs a program that must succeed; gives what it prints.
pub(super) fn run(dir: &Path, words: &[&str]) -> String {
    let output = command(dir, words).run().expect("the program is installed");
    assert!(output.success(), "{words:?}: {}", output.stderr);
    output.stdout_text().trim_end().to_owned()
}

/// A program with nobody's configuration but what a commit needs.
pub(super) fn command(dir: &Path, words: &[&str]) -> Command {
    Command::new(words[0])
        .args(&words[1..])
        .cwd(dir)
        .env("HOME", dir)
        .env("BRZ_HOME", dir)
        .env("BRZ_LOG", "/dev/null")
        .env("BRZ_EMAIL", "Ada Lovelace <ada@example.org>")
}

/// A folder with branches in it.
pub(super) struct Branches {
    pub(super) dir: TempDir,
}

impl Branches {
    pub(super) fn create() -> Self {
        Self { dir: tempfile::tempdir().expect("temporary folder") }
    }

    /// A new branch with a working tree.
    pub(super) fn with_branch(name: &str) -> Self {
        let branches = Self::create();
        run(branches.dir.path(), &["brz", "init", "-q", name]);
        branches
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The address of a branch as a person on this machine gives it.
    pub(super) fn url(&self, name: &str) -> String {
        format!("file://{}", self.path(name).display())
    }

    /// Runs `brz` in a branch.
    pub(super) fn brz(&self, name: &str, words: &[&str]) -> String {
        run(&self.path(name), &[&["brz"], words].concat())
    }

    /// Writes files and commits all that changed.
    pub(super) fn commit(&self, name: &str, files: &[(&str, &str)], message: &str) {
        for (path, text) in files {
            std::fs::write(self.path(name).join(path), text).expect("writable");
        }
        self.brz(name, &["add", "-q"]);
        self.brz(name, &["commit", "-q", "--unchanged", "-m", message]);
    }

    /// Adds revisions by dice to a branch, which is made if it is not there: the same seed, the same history.
    pub(super) fn roll(&self, name: &str, seed: u64, first: u64, last: u64, format: &str) {
        let plugin = self.dir.path().join("codeimport_dice.py");
        std::fs::write(&plugin, DICE).expect("writable");
        let numbers = [seed, first, last].map(|number| number.to_string());
        let path = self.path(name);
        let words = ["brz", "roll-dice", path.to_str().expect("text"), &numbers[0], &numbers[1], &numbers[2], format];
        let command = command(self.dir.path(), &words);
        let command = command.env("BRZ_PLUGINS_AT", format!("codeimport_dice@{}", plugin.display()));
        let output = command.run().expect("brz is installed");
        assert!(output.success(), "{}", output.stderr);
    }
}
