//! The Mercurial repository that is measured with, served by a real `hg serve`.

use crate::serving::{Server, free_port};
use anyhow::{Context as _, ensure};
use codeimport_subprocess::Command;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The Python that Debian's Mercurial runs with.
const PYTHON: &str = "/usr/bin/python3";

/// Longest time to make a history.
const LONG: Duration = Duration::from_secs(3_600);

/// A repository on disk.
pub(crate) struct Repository {
    path: PathBuf,
}

impl Repository {
    /// Makes one of so many changesets at a path.
    pub(crate) fn make(path: PathBuf, changesets: u64) -> anyhow::Result<Self> {
        run(hg().arg("init").arg(&path))?;
        let repository = Self { path };
        repository.grow(changesets)?;
        Ok(repository)
    }

    /// One that is there.
    pub(crate) fn given(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { path: path.canonicalize().with_context(|| path.display().to_string())? })
    }

    /// Adds so many changesets.
    pub(crate) fn grow(&self, changesets: u64) -> anyhow::Result<()> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bench-hg/history.py");
        let history = Command::new(PYTHON).arg(script).arg(&self.path).arg(changesets.to_string());
        run(history.env("HGRCPATH", "").timeout(LONG)).map(drop)
    }

    /// How many changesets there are.
    pub(crate) fn changesets(&self) -> anyhow::Result<u64> {
        Ok(run(hg().args(["log", "--template", "."]).cwd(&self.path))?.len() as u64)
    }

    /// Serves it over HTTP.
    pub(crate) fn serve(&self) -> anyhow::Result<Server> {
        let port = free_port()?;
        let command = hg().args(["serve", "--address", "127.0.0.1", "--port", &port.to_string()]).cwd(&self.path);
        Server::start(command, port, format!("http://127.0.0.1:{port}"))
    }
}

/// Mercurial with no configuration but what stands in its arguments.
pub(crate) fn hg() -> Command {
    Command::new("hg").env("HGRCPATH", "")
}

/// Runs a program that must succeed; gives what it prints.
pub(crate) fn run(command: Command) -> anyhow::Result<String> {
    let output = command.run()?;
    ensure!(output.success(), "{}", output.stderr);
    Ok(output.stdout_text())
}
