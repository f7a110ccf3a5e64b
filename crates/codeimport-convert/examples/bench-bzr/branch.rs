//! Makes the Bazaar branch that is measured with.

use crate::repository::{command, run};
use anyhow::{Context as _, ensure};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A plugin of `brz`, so that it has the library wherever that is.
const HISTORY: &str = include_str!("history.py");

/// Longest time to make up a history.
const MAKE: Duration = Duration::from_secs(3_600);

/// Revisions of the increment.
pub(crate) const INCREMENT: u64 = 10;

/// A branch in a folder.
pub(crate) struct Branch {
    dir: PathBuf,
    path: PathBuf,
    folders: &'static str,
}

impl Branch {
    /// Makes one of so many revisions at `dir/branch`, with directories that are moved now and then or with none such.
    pub(crate) fn make(dir: &Path, revisions: u64, has_moves: bool) -> anyhow::Result<Self> {
        let folders = if has_moves { "moving" } else { "still" };
        std::fs::write(dir.join("codeimport_history.py"), HISTORY)?;
        let branch = Self { dir: dir.to_owned(), path: dir.join("branch"), folders };
        branch.write(0, revisions)?;
        Ok(branch)
    }

    /// Takes a copy of one that there is.
    pub(crate) fn of(dir: &Path, given: &Path) -> anyhow::Result<Self> {
        let branch = Self { dir: dir.to_owned(), path: given.to_owned(), folders: "moving" };
        Ok(Self { path: branch.copy("branch")?, ..branch })
    }

    /// Adds the revisions after the first `revisions`.
    pub(crate) fn grow(&self, revisions: u64) -> anyhow::Result<()> {
        self.write(revisions, revisions + INCREMENT)
    }

    fn write(&self, first: u64, last: u64) -> anyhow::Result<()> {
        let path = self.path.to_str().context("a folder whose name is text")?;
        let (first, last) = (first.to_string(), last.to_string());
        let command = command(&self.dir, &["brz", "make-history", path, &first, &last, self.folders]);
        let plugin = format!("codeimport_history@{}", self.dir.join("codeimport_history.py").display());
        let output = command.env("BRZ_PLUGINS_AT", plugin).env("PYTHONDONTWRITEBYTECODE", "1").timeout(MAKE).run();
        let output = output.context("Bazaar is needed: apt-get install brz")?;
        ensure!(output.success(), "{}", output.stderr);
        Ok(())
    }

    /// A copy, for programs that leave something in the branch which makes them quicker the next time.
    pub(crate) fn copy(&self, name: &str) -> anyhow::Result<PathBuf> {
        let from = self.path.to_str().context("a folder whose name is text")?;
        run(&self.dir, &["cp", "-r", from, name]);
        Ok(self.dir.join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
