//! Makes the Subversion repository that is measured with.

use crate::history::History;
use anyhow::{Context as _, ensure};
use codeimport_subprocess::Command;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest time to load a dump.
const LOAD: Duration = Duration::from_secs(3_600);

/// Revisions of the increment.
pub(crate) const INCREMENT: u64 = 10;

/// A repository, and a dump of what is to come.
pub(crate) struct Repository {
    path: PathBuf,
    increment: PathBuf,
}

impl Repository {
    /// Takes the one of `revisions` revisions that an earlier run has left in a folder, or makes it there. Gives its path.
    pub(crate) fn kept(dir: &Path, revisions: u64) -> anyhow::Result<PathBuf> {
        std::fs::create_dir_all(dir)?;
        let path = dir.canonicalize()?.join(format!("{revisions}-revisions"));
        if !path.exists() {
            // Under another name until it is whole.
            let half = Self::make(dir, &format!("{revisions}-half"), revisions)?;
            std::fs::rename(half.path, &path)?;
        }
        Ok(path)
    }

    /// Makes one of `revisions` revisions at `dir/name`.
    pub(crate) fn make(dir: &Path, name: &str, revisions: u64) -> anyhow::Result<Self> {
        let path = dir.join(name);
        let repository = Self { increment: dir.join(format!("{name}.increment")), path };
        let dump = dir.join(format!("{name}.dump"));
        let mut history = History::new(BufWriter::new(File::create(&dump)?));
        history.write(revisions)?;
        history.more(BufWriter::new(File::create(&repository.increment)?), INCREMENT)?;
        run(Command::new("svnadmin").arg("create").arg(&repository.path))?;
        repository.load(&dump)?;
        std::fs::remove_file(&dump)?;
        Ok(repository)
    }

    /// Adds the revisions to come.
    pub(crate) fn grow(&self) -> anyhow::Result<()> {
        self.load(&self.increment)
    }

    fn load(&self, dump: &Path) -> anyhow::Result<()> {
        let load = Command::new("svnadmin").args(["load", "--quiet", "--no-flush-to-disk", "--file"]);
        run(load.arg(dump).arg(&self.path).timeout(LOAD))
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let output = command.run().context("Subversion's tools are needed: apt-get install subversion")?;
    ensure!(output.success(), "{}", output.stderr);
    Ok(())
}
