//! `,v` files by rsync: brought into a folder beside the worker's cache, then read there.

use super::folder::Folder;
use super::history::Histories;
use super::transport::{Take, Transport, Wanted};
use crate::{ConvertError, Watch};
use codeimport_core::{Outcome, Stage};
use codeimport_subprocess::{Command, Output};
use ring::digest::{SHA256, digest};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// Longest time for all files of a first import.
const LONG: Duration = Duration::from_secs(6 * 3600);

/// Only RCS files, in all directories.
const ONLY_FILES: [&str; 3] = ["--include=*/", "--include=*,v", "--exclude=*"];

/// Exit codes of rsync, with what they mean.
const CODES: [(&[u32], Outcome, &str); 3] = [
    (&[10, 12, 30, 35], Outcome::Unavailable, "cannot be reached, or broke the connection"),
    (&[5], Outcome::Authentication, "does not let itself be read"),
    (&[23], Outcome::Invalid, "has no such directory"),
];

/// A folder on an rsync server.
pub(super) struct Rsync {
    pub(super) url: String,
    pub(super) idle_timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) is_root: bool,
    /// Where the files are kept, once that is known.
    pub(super) kept: OnceLock<PathBuf>,
}

impl Rsync {
    fn run(&self, words: &[&str], into: Option<&PathBuf>, stage: Stage, watch: &Watch) -> Result<Output, ConvertError> {
        let seconds = |duration: Duration| duration.as_secs().max(1).to_string();
        let command = Command::new("rsync").args(["--recursive", "--times", "--perms", "--no-motd"]).args(words);
        let command = command.args(ONLY_FILES).arg(format!("--timeout={}", seconds(self.idle_timeout)));
        let command = command.arg(format!("--contimeout={}", seconds(self.connect_timeout)));
        let command = command.arg("--").arg(format!("{}/", self.url.trim_end_matches('/'))).args(into);
        let output = command.timeout(LONG).stdout_limit(1 << 30).cancel(watch.cancel().clone()).run();
        let output = output.map_err(|error| ConvertError::program(stage, error))?;
        if output.success() { Ok(output) } else { Err(self.failed(&output, stage)) }
    }

    fn failed(&self, output: &Output, stage: Stage) -> ConvertError {
        let code = output.code.unwrap_or_default();
        let known = CODES.iter().find(|(codes, ..)| codes.contains(&code));
        let (outcome, words) =
            known.map_or((Outcome::Failure, "cannot be read"), |(_, outcome, words)| (*outcome, words));
        let (outcome, words) = if output.stderr.contains("Unknown module") {
            (Outcome::Invalid, "has no such module")
        } else {
            (outcome, words)
        };
        ConvertError::new(outcome, stage, format!("The rsync server at {} {words}.", self.url))
            .caused_by(output.stderr.clone())
    }

    /// Where the files are kept.
    fn folder(&self, stage: Stage) -> Result<Folder, ConvertError> {
        let Some(path) = self.kept.get() else {
            let text = "Files that come by rsync need a folder to be kept in.";
            return Err(ConvertError::new(Outcome::Failure, stage, text));
        };
        std::fs::create_dir_all(path).map_err(|error| ConvertError::disk(stage, path, error))?;
        Ok(Folder { path: path.clone(), is_root: self.is_root })
    }
}

impl Transport for Rsync {
    fn position(&self, stage: Stage, watch: &Watch) -> Result<String, ConvertError> {
        let listed = self.run(&["--list-only"], None, stage, watch)?.stdout;
        let mut lines: Vec<_> = listed.split(|b| *b == b'\n').filter(|line| line.ends_with(b",v")).collect();
        lines.sort_unstable();
        let text = crate::digest::hex(digest(&SHA256, &lines.join(&b'\n')).as_ref());
        Ok(format!("{} files, {}", lines.len(), &text[..32]))
    }

    fn histories(&self, stage: Stage, scratch: &Path, watch: &Watch) -> Result<Histories, ConvertError> {
        let folder = self.folder(stage)?;
        self.run(&["--delete", "--compress"], Some(&folder.path), stage, watch)?;
        folder.histories(stage, scratch, watch)
    }

    fn texts(&self, wanted: &[Wanted<'_>], watch: &Watch, take: &mut Take<'_>) -> Result<(), ConvertError> {
        self.folder(Stage::Fetch)?.texts(wanted, watch, take)
    }

    fn received_bytes(&self) -> u64 {
        0
    }

    fn keep_in(&self, folder: PathBuf) {
        // A source is opened for one run, on one cache.
        self.kept.set(folder).ok();
    }
}
