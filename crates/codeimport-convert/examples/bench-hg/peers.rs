//! What else there is: `git-remote-hg`, which feeds `git fast-import` from Mercurial's Python API as hg-fast-export does, and hg-git.

use crate::memory::MemoryWatch;
use crate::repository::{hg, run};
use anyhow::bail;
use codeimport_subprocess::{Command, SubprocessError};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// hg-git, as an extension of Mercurial.
const HGGIT: [&str; 2] = ["--config", "extensions.hggit="];

/// A converter.
#[derive(Clone, Copy)]
pub(crate) enum Peer {
    RemoteHg,
    HgGit,
}

/// A first conversion.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct First {
    pub(crate) seconds: f64,
    /// How many changesets it came through; all of them if it is complete.
    pub(crate) changesets: u64,
    pub(crate) complete: bool,
    /// Largest peak of any process of a name, in bytes.
    pub(crate) peak_bytes: BTreeMap<String, u64>,
}

impl Peer {
    pub(crate) const ALL: [Self; 2] = [Self::RemoteHg, Self::HgGit];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RemoteHg => "git-remote-hg",
            Self::HgGit => "hg-git",
        }
    }

    /// The package of Debian that has it.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::RemoteHg => "git-remote-hg",
            Self::HgGit => "mercurial-git",
        }
    }

    pub(crate) fn is_installed(self) -> anyhow::Result<bool> {
        let asked = match self {
            Self::RemoteHg => Command::new("which").arg("git-remote-hg").run()?,
            Self::HgGit => hg().args(HGGIT).args(["help", "gexport"]).run()?,
        };
        Ok(asked.success())
    }

    /// Converts all for so long at most. `changesets` is how many there are.
    pub(crate) fn convert(
        self,
        url: &str,
        dir: &Path,
        changesets: u64,
        limit: Duration,
        servers: Vec<u32>,
    ) -> anyhow::Result<First> {
        let watch = MemoryWatch::start(servers);
        let began = Instant::now();
        let cut_off = within(self.first(url, dir), limit)?;
        let seconds = began.elapsed().as_secs_f64();
        let peak_bytes = watch.stop();
        let complete = cut_off.is_none();
        let changesets = cut_off.map_or(Ok(changesets), |said| self.so_far(dir, &said))?;
        Ok(First { seconds, changesets, complete, peak_bytes })
    }

    /// Brings what is new into a complete conversion; gives the seconds it took.
    pub(crate) fn follow(self, dir: &Path) -> anyhow::Result<f64> {
        let began = Instant::now();
        for step in self.next(dir) {
            run(step)?;
        }
        Ok(began.elapsed().as_secs_f64())
    }

    fn first(self, url: &str, dir: &Path) -> Vec<Command> {
        match self {
            Self::RemoteHg => {
                let clone = git().args(["clone", "--no-checkout", "--progress", &format!("hg::{url}")]);
                vec![clone.arg(dir)]
            }
            Self::HgGit => vec![hg().args(HGGIT).args(["clone", "--noupdate", url]).arg(dir), gexport(dir)],
        }
    }

    fn next(self, dir: &Path) -> Vec<Command> {
        match self {
            Self::RemoteHg => vec![git().arg("-C").arg(dir).arg("fetch")],
            Self::HgGit => vec![hg().args(HGGIT).arg("pull").cwd(dir), gexport(dir)],
        }
    }

    /// How many changesets it came through before it was ended.
    fn so_far(self, dir: &Path, said: &str) -> anyhow::Result<u64> {
        Ok(match self {
            // `progress revision 100 'default' (100/2000)`
            Self::RemoteHg => {
                let numbers = said.split("progress revision ").skip(1).filter_map(|rest| rest.split(' ').next());
                numbers.filter_map(|number| number.parse().ok()).max().unwrap_or_default()
            }
            Self::HgGit if exported(dir).exists() => {
                let objects = ["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"];
                let types = run(git().arg("-C").arg(exported(dir)).args(objects))?;
                types.lines().filter(|object| *object == "commit").count() as u64
            }
            Self::HgGit => 0,
        })
    }
}

/// Runs steps one after the other; if the time is over before the last one's end, what that one had said.
fn within(steps: Vec<Command>, limit: Duration) -> anyhow::Result<Option<String>> {
    let began = Instant::now();
    for step in steps {
        match step.timeout(limit.saturating_sub(began.elapsed())).run() {
            Ok(output) if output.success() => {}
            Ok(output) => bail!("{}: {}", output.status_text(), output.stderr),
            Err(SubprocessError::TimedOut { stderr_tail, .. }) => return Ok(Some(stderr_tail)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// `git-remote-hg` reads Mercurial's configuration.
fn git() -> Command {
    Command::new("git").env("HGRCPATH", "")
}

fn gexport(dir: &Path) -> Command {
    hg().args(HGGIT).arg("gexport").cwd(dir)
}

/// Where hg-git writes to.
fn exported(dir: &Path) -> PathBuf {
    dir.join(".hg/git")
}
