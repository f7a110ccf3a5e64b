//! `git svn`, the measure that we are compared with.

use anyhow::{bail, ensure};
use codeimport_subprocess::{Command, SubprocessError};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How far it came in a bounded time.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Bounded {
    pub(crate) seconds: f64,
    /// The last revision it converted: it goes one by one from the first.
    pub(crate) revisions: u64,
    /// Whether it came to the end.
    pub(crate) complete: bool,
}

/// A clone made by it.
pub(crate) struct GitSvn {
    dir: PathBuf,
}

impl GitSvn {
    /// Prepares a clone. None if it is not installed.
    pub(crate) fn init(url: &str, dir: PathBuf) -> anyhow::Result<Option<Self>> {
        if !Command::new("git").args(["svn", "--version"]).run()?.success() {
            return Ok(None);
        }
        let output =
            Command::new("git").args(["svn", "init", "--stdlayout", "--prefix=origin/", url]).arg(&dir).run()?;
        ensure!(output.success(), "git svn init {url}: {}", output.stderr);
        Ok(Some(Self { dir }))
    }

    /// Copies, for what can be done to each only once.
    pub(crate) fn copies(&self) -> anyhow::Result<Vec<Self>> {
        Ok(crate::copies(&self.dir)?.into_iter().map(|dir| Self { dir }).collect())
    }

    /// Converts from the first revision on for a bounded time.
    pub(crate) fn fetch_for(&self, limit: Duration) -> anyhow::Result<Bounded> {
        let began = Instant::now();
        let complete = match self.git().args(["svn", "fetch"]).timeout(limit).run() {
            Ok(output) if output.success() => true,
            Ok(output) => bail!("git svn fetch: {}", output.stderr),
            Err(SubprocessError::TimedOut { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        let seconds = if complete { began.elapsed() } else { limit }.as_secs_f64();
        Ok(Bounded { seconds, revisions: self.last_revision()?, complete })
    }

    /// Converts some revisions, or all that are new; gives the seconds it took.
    pub(crate) fn fetch(&self, revisions: Option<(u64, u64)>) -> anyhow::Result<f64> {
        let range = revisions.map(|(first, last)| format!("-r{first}:{last}"));
        let began = Instant::now();
        let output = self.git().args(["svn", "fetch"]).args(range).run()?;
        ensure!(output.success(), "git svn fetch: {}", output.stderr);
        Ok(began.elapsed().as_secs_f64())
    }

    /// The newest revision that any of its commits names.
    fn last_revision(&self) -> anyhow::Result<u64> {
        let log = self.git().args(["log", "--all", "--format=%b"]).run()?.stdout_text();
        let ids = log.lines().filter_map(|line| line.strip_prefix("git-svn-id: ")?.rsplit_once('@'));
        let revisions = ids.filter_map(|(_, rest)| rest.split(' ').next()?.parse().ok());
        Ok(revisions.max().unwrap_or_default())
    }

    fn git(&self) -> Command {
        Command::new("git").arg("-C").arg(Path::new(&self.dir))
    }
}
