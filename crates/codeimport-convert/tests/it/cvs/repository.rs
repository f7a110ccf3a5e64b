//! CVS repositories on disk, changed and exported by the real `cvs`.

use codeimport_subprocess::Command;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Runs a program that must succeed; gives what it prints.
pub(super) fn run(dir: &Path, words: &[&str]) -> String {
    try_run(dir, words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

/// Runs a program; what it says on standard error if it fails.
pub(super) fn try_run(dir: &Path, words: &[&str]) -> Result<String, String> {
    let command = Command::new(words[0]).args(&words[1..]).cwd(dir).env("HOME", dir).env("LOGNAME", "ada");
    let output = command.run().expect("the program is installed");
    if output.success() { Ok(output.stdout_text().trim_end().to_owned()) } else { Err(output.stderr) }
}

/// A CVSROOT with modules in it.
pub(super) struct CvsRoot {
    pub(super) dir: TempDir,
}

impl CvsRoot {
    /// A new one, without modules.
    pub(super) fn create() -> Self {
        let root = Self { dir: tempfile::tempdir().expect("temporary folder") };
        root.cvs(root.dir.path(), &["init"]);
        root
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    /// Runs `cvs` without anybody's configuration.
    pub(super) fn try_cvs(&self, dir: &Path, words: &[&str]) -> Result<String, String> {
        let root = self.path();
        try_run(dir, &[&["cvs", "-f", "-Q", "-d", root.to_str().expect("text")], words].concat())
    }

    pub(super) fn cvs(&self, dir: &Path, words: &[&str]) -> String {
        self.try_cvs(dir, words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// The tree that Git makes of what CVS exports; what CVS says if it refuses.
    pub(super) fn exported(&self, module: &str, which: &[&str]) -> Result<String, String> {
        self.with_export(module, which, &["write-tree"])
    }

    /// The same as a list of files.
    pub(super) fn listing(&self, module: &str, which: &[&str]) -> String {
        self.with_export(module, which, &["ls-files", "-s"]).unwrap_or_else(|error| error)
    }

    fn with_export(&self, module: &str, which: &[&str], git: &[&str]) -> Result<String, String> {
        let scratch = tempfile::tempdir().expect("temporary folder");
        let (here, files) = (scratch.path(), scratch.path().join("files"));
        self.try_cvs(here, &[&["export", "-kk"], which, &["-d", "files", module]].concat())?;
        // Nothing to export is a folder with nothing in it.
        fs::create_dir_all(&files).expect("writable");
        run(here, &["git", "init", "-q", "--bare", "git"]);
        let base = ["git", "-c", "core.fileMode=true", "--git-dir=../git", "--work-tree=."];
        run(&files, &[&base[..], &["add", "--all", "--force", "."]].concat());
        Ok(run(&files, &[&base[..], git].concat()))
    }
}
