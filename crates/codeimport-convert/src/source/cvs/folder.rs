//! A folder of `,v` files on this machine.

use super::gathering::Gathering;
use super::history::Histories;
use super::rcs::{RcsError, RcsFile};
use super::transport::{Take, Text, Transport, Wanted, can_be_shown, without_attic};
use crate::{ConvertError, Watch};
use codeimport_core::{Outcome, Stage};
use ring::digest::{Context, SHA256};
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::ops::ControlFlow;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Texts that were worked out and are not stored yet: enough that nobody waits for long.
const AHEAD: usize = 32;

/// Threads that work out texts, at most. Storing them is the work of another one.
const MOST_READERS: usize = 4;

/// The folder that stands for the import's root.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// Whether it is the root of the repository, with its configuration.
    pub(super) is_root: bool,
}

/// A `,v` file.
struct Found {
    file: PathBuf,
    /// How its history ends: size, date and place change with every commit and symbol.
    size: u64,
    modified: (i64, i64),
    is_executable: bool,
    is_attic: bool,
}

impl Folder {
    /// All `,v` files by the path that they have for users. Of two with the same the one outside of `Attic` counts, as for CVS.
    fn find(&self, stage: Stage) -> Result<BTreeMap<Vec<u8>, Found>, ConvertError> {
        let mut found = BTreeMap::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(below) = folders.pop() {
            let folder = self.path.join(&below);
            let entries = fs::read_dir(&folder).map_err(|error| self.missing(stage, &folder, error))?;
            for entry in entries {
                let entry = entry.map_err(|error| self.missing(stage, &folder, error))?;
                let path = below.join(entry.file_name());
                let meta = entry.metadata().map_err(|error| self.missing(stage, &entry.path(), error))?;
                if meta.is_dir() {
                    if !self.is_root || path != Path::new("CVSROOT") {
                        folders.push(path);
                    }
                } else if meta.is_file() {
                    add(&mut found, path, entry.path(), &meta);
                }
            }
        }
        Ok(found)
    }

    fn missing(&self, stage: Stage, path: &Path, error: std::io::Error) -> ConvertError {
        let outcome = if path == self.path { Outcome::Invalid } else { Outcome::Failure };
        ConvertError::new(outcome, stage, format!("{} cannot be read: {error}.", path.display())).caused_by(error)
    }
}

fn add(found: &mut BTreeMap<Vec<u8>, Found>, path: PathBuf, file: PathBuf, meta: &Metadata) {
    let bytes = path.into_os_string().into_vec();
    let Some(stored) = bytes.strip_suffix(b",v") else { return };
    let (path, is_attic) = without_attic(stored);
    if !can_be_shown(&path) || (is_attic && found.contains_key(&path)) {
        return;
    }
    let modified = (meta.mtime(), meta.mtime_nsec());
    let is_executable = meta.mode() & 0o111 != 0;
    found.insert(path, Found { file, size: meta.len(), modified, is_executable, is_attic });
}

impl Transport for Folder {
    fn position(&self, stage: Stage, _watch: &Watch) -> Result<String, ConvertError> {
        let mut context = Context::new(&SHA256);
        let found = self.find(stage)?;
        for (path, Found { size, modified, is_executable, is_attic, .. }) in &found {
            context.update(path);
            context.update(format!("\n{size} {modified:?} {is_executable} {is_attic}\n").as_bytes());
        }
        let digest = crate::digest::hex(context.finish().as_ref());
        Ok(format!("{} files, {}", found.len(), &digest[..32]))
    }

    fn histories(&self, stage: Stage, scratch: &Path, watch: &Watch) -> Result<Histories, ConvertError> {
        let mut gathering = Gathering::new(scratch);
        for (path, found) in self.find(stage)? {
            watch.check(stage)?;
            let bytes = fs::read(&found.file).map_err(|error| self.missing(stage, &found.file, error))?;
            let file = RcsFile::parse(&bytes).map_err(|error| damaged(stage, &path, &error))?;
            let added = gathering.add_rcs(path.clone(), &file);
            added.map_err(|number| damaged(stage, &path, &RcsError::MissingText(number)))?;
        }
        gathering.finish().map_err(|error| ConvertError::disk(stage, scratch, error))
    }

    fn texts(&self, wanted: &[Wanted<'_>], watch: &Watch, take: &mut Take<'_>) -> Result<(), ConvertError> {
        let found = self.find(Stage::Fetch)?;
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(MOST_READERS) {
                let sender = sender.clone();
                scope.spawn(|| {
                    let sender = sender;
                    while let Some(wanted) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let read = read_texts(&found, wanted, watch, &sender);
                        // A receiver that is gone wants no more.
                        if read.is_err_and(|error| sender.send(Err(error)).is_err()) {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            receiver.into_iter().try_for_each(|text| take(text?))
        })
    }

    fn received_bytes(&self) -> u64 {
        0
    }
}

fn read_texts(
    found: &BTreeMap<Vec<u8>, Found>,
    wanted: &Wanted<'_>,
    watch: &Watch,
    sender: &mpsc::SyncSender<Result<Text, ConvertError>>,
) -> Result<(), ConvertError> {
    let gone = || ConvertError::new(Outcome::Failure, Stage::Fetch, format!("{} is gone.", shown(wanted.path)));
    let found = found.get(wanted.path).ok_or_else(gone)?;
    let bytes = fs::read(&found.file).map_err(|error| gone().caused_by(error))?;
    let file = RcsFile::parse(&bytes).map_err(|error| damaged(Stage::Fetch, wanted.path, &error))?;
    let take = |number: &_, bytes| {
        let text = wanted.key(number).map(|key| Text { key, is_executable: found.is_executable, bytes });
        match watch.cancel().is_cancelled() || text.is_some_and(|text| sender.send(Ok(text)).is_err()) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    file.texts(&wanted.numbers().cloned().collect(), take)
        .map_err(|error| damaged(Stage::Fetch, wanted.path, &error))?;
    watch.check(Stage::Fetch)
}

/// A file that is not as it should be.
fn damaged(stage: Stage, path: &[u8], error: &RcsError) -> ConvertError {
    let text = format!("The source's file {},v is damaged: {error}.", shown(path));
    ConvertError::new(Outcome::RemoteBroken, stage, text).caused_by(error.clone())
}

fn shown(path: &[u8]) -> std::path::Display<'_> {
    Path::new(std::ffi::OsStr::from_bytes(path)).display()
}
