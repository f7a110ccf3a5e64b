//! What CVS itself says that a branch was: for verification.

use super::address::{Access, Address};
use super::ledger::{CommitIndex, Ledger, LineId};
use super::names::in_cvs;
use crate::source::ssh::{no_way_to, with_agent};
use crate::{ConvertError, Watch};
use codeimport_core::{Outcome, Stage};
use codeimport_subprocess::Command;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::Permissions;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest time for an export.
const LONG: Duration = Duration::from_secs(3600);

/// What stands for the revision where the symbol says all.
const TIP: &str = "tip";

/// Behind the name of what CVS cannot be asked for: other commits were under way then, clocks went wrong, or the branch or tag
/// has no name that CVS takes.
const IN_BETWEEN: &str = "~";

/// Whether CVS can be asked for a revision, by its name in the map.
pub(super) fn can_be_exported(revision: &str) -> bool {
    !revision.ends_with(IN_BETWEEN)
}

/// What is exported, and how.
pub(super) struct Export<'a> {
    pub(super) address: &'a Address,
    /// How keywords are to be shown, as an option of `cvs`.
    pub(super) keywords: &'a str,
    /// How a host is reached over SSH, if this one is.
    pub(super) ssh: Option<String>,
    /// A folder that is not there yet.
    pub(super) into: &'a Path,
    pub(super) watch: &'a Watch,
}

impl Export<'_> {
    /// Exports a branch or tag.
    pub(super) fn run(&self, symbol: &[u8], revision: &str) -> Result<(), ConvertError> {
        let disk = |error| ConvertError::disk(Stage::Scan, self.into, error);
        let (parent, name) = (self.into.parent().unwrap_or(Path::new("/")), self.into.file_name().unwrap_or_default());
        let command = self.command(parent)?.args(["export", self.keywords]);
        let date = revision.replace('T', " ").replace('Z', " UTC");
        let command = match (revision, symbol == b"HEAD") {
            (TIP, _) => command.arg("-r").arg(OsStr::from_bytes(symbol)),
            (_, true) => command.args(["-D", date.as_str()]),
            (_, false) => command.arg("-r").arg(OsStr::from_bytes(&[symbol, b":", date.as_bytes()].concat())),
        };
        let command = command.arg("-d").arg(name).arg(&self.address.module).cwd(parent).timeout(LONG);
        let output = command.cancel(self.watch.cancel().clone()).run();
        let output = output.map_err(|error| ConvertError::program(Stage::Scan, error))?;
        // Nothing to export is a folder with nothing in it.
        std::fs::create_dir_all(self.into).map_err(disk)?;
        if output.success() {
            return Ok(());
        }
        let text = format!("CVS cannot export {} at {revision}.", String::from_utf8_lossy(symbol));
        Err(ConvertError::new(Outcome::RemoteBroken, Stage::Scan, text).caused_by(output.stderr))
    }

    /// `cvs`, told where the repository is.
    fn command(&self, folder: &Path) -> Result<Command, ConvertError> {
        let Some(root) = self.address.cvs_root() else {
            let text = "CVS has no way to this address by which it could be compared: give that of its server.";
            return Err(ConvertError::new(Outcome::UnsupportedFeature, Stage::Scan, text));
        };
        let command = Command::new("cvs").args(["-f", "-Q", "-d", &root]).env("HOME", folder);
        match (&self.ssh, self.address.access) {
            (Some(line), _) => Ok(with_agent(command.env("CVS_RSH", write_ssh(line, folder)?))),
            (None, Access::Ssh) => Err(no_way_to(&self.address.url, Stage::Scan)),
            (None, _) => Ok(command),
        }
    }
}

/// A program that is ssh with its options: CVS runs one by its name only. Gives its path.
fn write_ssh(line: &str, folder: &Path) -> Result<PathBuf, ConvertError> {
    let path = folder.join("ssh");
    // CVS puts an option behind: the words must not end here.
    let line = line.strip_suffix(" --").unwrap_or(line);
    let written = std::fs::write(&path, format!("#!/bin/sh\nexec {line} \"$@\"\n"));
    written
        .and_then(|()| std::fs::set_permissions(&path, Permissions::from_mode(0o700)))
        .map_err(|error| ConvertError::disk(Stage::Scan, &path, error))?;
    Ok(path)
}

/// How each commit is called in CVS: by its date, if that is enough.
///
/// # Errors
///
/// The disk's.
pub(super) fn revisions(ledger: &Ledger) -> io::Result<Vec<String>> {
    let mut lines: BTreeMap<LineId, Vec<CommitIndex>> = BTreeMap::new();
    for index in (0..).take(ledger.commit_count()) {
        lines.entry(ledger.line_of(index)).or_default().push(index);
    }
    let mut revisions = vec![String::new(); ledger.commit_count()];
    for (line, commits) in lines {
        // By the dates of file revisions: the newest up to each commit, and the oldest behind it.
        let spans: Vec<_> = commits.iter().map(|commit| span(ledger, *commit)).collect::<Result<_, _>>()?;
        let mut oldest_behind = vec![i64::MAX; spans.len() + 1];
        for at in (0..spans.len()).rev() {
            oldest_behind[at] = oldest_behind[at + 1].min(spans[at].0);
        }
        let mut newest = i64::MIN;
        for (at, commit) in commits.into_iter().enumerate() {
            newest = newest.max(spans[at].1);
            let seconds = ledger.commit(commit)?.seconds;
            let is_enough =
                newest <= seconds && seconds < oldest_behind[at + 1] && is_symbol(&in_cvs(ledger.name(line)));
            revisions[commit as usize] = format!("{}{}", date(seconds), if is_enough { "" } else { IN_BETWEEN });
        }
    }
    Ok(revisions)
}

/// How the tree of a tag is called.
pub(super) fn tip_of(tag: &[u8]) -> String {
    format!("{TIP}{}", if is_symbol(tag) { "" } else { IN_BETWEEN })
}

/// Whether CVS takes a name where it wants a branch or tag: others were put into the files by hand.
fn is_symbol(name: &[u8]) -> bool {
    let is_plain = |b: &u8| b.is_ascii_graphic() && !b"$,.:;@".contains(b);
    name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().all(is_plain)
}

/// The dates of the oldest and the newest revision in a commit.
fn span(ledger: &Ledger, commit: CommitIndex) -> io::Result<(i64, i64)> {
    let (mut oldest, mut newest) = (i64::MAX, i64::MIN);
    for (_, revision) in ledger.changes(commit) {
        let seconds = match revision {
            Some(revision) => ledger.known(revision)?.seconds,
            None => ledger.commit(commit)?.seconds,
        };
        (oldest, newest) = (oldest.min(seconds), newest.max(seconds));
    }
    Ok((oldest, newest))
}

/// A date without spaces, which names of revisions must not have: `2003-01-31T12:00:00Z`.
fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
