//! The local bare repository of one import: a cache of objects between source and target.
//!
//! It may vanish, be damaged, or be that of another worker yesterday: whatever is wrong with it is mended by throwing
//! it away. Its ref names are its own (`refs/tips/<object id>`): names of the source would collide as soon as a branch
//! `a` becomes a branch `a/b`.
//!
//! Invariant: at most one run uses it at a time (an advisory lock beside it), and its refs are only raised to objects
//! that are completely there.

use crate::{ConvertError, Watch};
use codeimport_core::{ImportId, Outcome, Stage};
use gix::{ObjectId, Repository};
use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long to wait for an earlier run of the same import that is still stopping.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// From how many packs on the cache is repacked: every fetch adds one, and each makes every look-up slower.
const MAX_PACKS: usize = 50;

/// An import's cache, locked for this run.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    /// Whether it is the target itself: then its refs and objects are not ours to throw away.
    is_target: bool,
    _lock: File,
}

impl Cache {
    /// Opens the cache of an import below `dir`, and creates it if it is missing or unusable.
    ///
    /// # Errors
    ///
    /// [`Outcome::Failure`] if the disk refuses, or another run keeps the cache locked.
    pub fn open(dir: &Path, import: &ImportId, watch: &Watch) -> Result<Self, ConvertError> {
        fs::create_dir_all(dir).map_err(|e| ConvertError::disk(Stage::Fetch, dir, e))?;
        let lock = lock(&dir.join(format!("{import}.lock")), watch)?;
        let cache = Self { path: dir.join(format!("{import}.git")), is_target: false, _lock: lock };
        cache.remove_leftovers();
        if cache.repository().is_err() {
            cache.reset()?;
        }
        Ok(cache)
    }

    /// A target on this machine as its own cache: objects are written where they belong, not copied there. A folder that is
    /// missing or empty becomes a bare repository.
    ///
    /// # Errors
    ///
    /// [`Outcome::Invalid`] if something else is there, [`Outcome::Failure`] if the disk refuses or another run is at it.
    pub fn of_target(path: &Path, watch: &Watch) -> Result<Self, ConvertError> {
        let disk = |e| ConvertError::disk(Stage::Publish, path, e);
        fs::create_dir_all(path).map_err(disk)?;
        if fs::read_dir(path).map_err(disk)?.next().is_none() {
            init_bare(path).map_err(|error| unusable(path, error))?;
        }
        open_isolated(path).map_err(|error| {
            let text = format!("{} is there and is no bare Git repository: choose another folder.", path.display());
            ConvertError::new(Outcome::Invalid, Stage::Publish, text).caused_by(error)
        })?;
        let lock = lock(&path.join("codeimport.lock"), watch)?;
        let cache = Self { path: path.to_owned(), is_target: true, _lock: lock };
        cache.remove_leftovers();
        Ok(cache)
    }

    /// Whether it is the target at this path.
    pub(crate) fn is_target(&self, path: Option<&Path>) -> bool {
        self.is_target && path == Some(&self.path)
    }

    /// Looks after all caches below `dir` that nobody uses now: removes what killed processes left in them, and those
    /// that no run has used for `max_age`. A folder that is not there yet is created.
    ///
    /// # Errors
    ///
    /// [`Outcome::Failure`] if `dir` cannot be written. A single cache that resists is left as it is.
    pub fn sweep(dir: &Path, max_age: Duration) -> Result<(), ConvertError> {
        let disk = |e| ConvertError::disk(Stage::Fetch, dir, e);
        fs::create_dir_all(dir).map_err(disk)?;
        for entry in fs::read_dir(dir).map_err(disk)?.flatten() {
            let lock_path = entry.path();
            if lock_path.extension().is_none_or(|extension| extension != "lock") {
                continue;
            }
            let age = entry.metadata().ok().and_then(|m| m.modified().ok()).and_then(|time| time.elapsed().ok());
            let Ok(lock) = File::open(&lock_path) else { continue };
            if lock.try_lock().is_ok() {
                let cache = Self { path: lock_path.with_extension("git"), is_target: false, _lock: lock };
                cache.sweep_one(age.is_some_and(|age| age > max_age));
            }
        }
        Ok(())
    }

    /// The lock file stays in any case: removing it under a waiting run would let two runs in.
    fn sweep_one(&self, outdated: bool) {
        if outdated {
            tracing::info!(cache.path = %self.path.display(), "cache was not used for long; removed");
            fs::remove_dir_all(&self.path).ok();
        } else {
            self.remove_leftovers();
        }
    }

    /// Removes half-written packs and objects, which a killed fetch or push leaves behind. Nobody else writes here now.
    fn remove_leftovers(&self) {
        let packs = fs::read_dir(self.path.join("objects/pack")).into_iter().flatten().flatten();
        for entry in packs {
            let name = entry.file_name();
            if [".tmp", "tmp_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                fs::remove_file(entry.path()).ok();
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder for files that are needed during this run only. What a killed one leaves there is swept if its name begins with `tmp_`.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.path.join("objects/pack")
    }

    /// Throws all away and begins with an empty repository.
    ///
    /// # Errors
    ///
    /// [`Outcome::Failure`] if the disk refuses, or if it is a target.
    pub fn reset(&self) -> Result<(), ConvertError> {
        if self.is_target {
            let text =
                format!("{} is damaged: see what `git fsck` says, or convert into a new folder.", self.path.display());
            return Err(ConvertError::new(Outcome::Failure, Stage::Fetch, text));
        }
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ConvertError::disk(Stage::Fetch, &self.path, error));
            }
            _ => {}
        }
        init_bare(&self.path).map_err(|error| unusable(&self.path, error))
    }

    /// The repository, opened without any configuration but its own.
    ///
    /// # Errors
    ///
    /// [`Outcome::Failure`] if it cannot be opened.
    pub fn repository(&self) -> Result<Repository, ConvertError> {
        open_isolated(&self.path).map_err(|error| unusable(&self.path, error))
    }

    /// Whether nothing was ever fetched into it that could be thrown away.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_target || fs::metadata(self.packed_refs()).is_ok_and(|m| m.len() == 0) || !self.packed_refs().exists()
    }

    /// Makes these objects, and nothing else, the ends from which everything is kept.
    ///
    /// One file, replaced in one step: tens of thousands of tips cost no more than one. A target keeps what its refs name.
    pub(crate) fn keep_tips(&self, tips: &BTreeSet<ObjectId>) -> Result<(), ConvertError> {
        if self.is_target {
            return Ok(());
        }
        let mut text = String::from("# pack-refs with: sorted \n");
        for id in tips {
            text.push_str(&format!("{id} refs/tips/{id}\n"));
        }
        write_atomically(&self.packed_refs(), text.as_bytes())
            .map_err(|e| ConvertError::disk(Stage::Fetch, &self.path, e))
    }

    /// Whether everything that these objects need is there. Costs a walk over all of history.
    pub(crate) fn is_complete(&self, tips: &BTreeSet<ObjectId>, watch: &Watch) -> Result<bool, ConvertError> {
        let input: String = tips.iter().map(|id| format!("{id}\n")).collect();
        let command = crate::git::command(Some(&self.path))
            .args(["rev-list", "--objects", "--quiet", "--stdin"])
            .stdin(input.into_bytes())
            .timeout(crate::git::LONG);
        Ok(crate::git::attempt(command, Stage::Fetch, watch)?.success())
    }

    /// Puts many small packs together, once there are too many of them.
    ///
    /// # Errors
    ///
    /// [`Outcome::Cancelled`]; a failure to tidy is noted and otherwise ignored.
    pub fn tidy(&self, watch: &Watch) -> Result<(), ConvertError> {
        let packs = fs::read_dir(self.path.join("objects/pack")).map_or(0, |dir| {
            dir.flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "pack")).count()
        });
        if packs <= MAX_PACKS {
            return Ok(());
        }
        let command = crate::git::command(Some(&self.path)).args(["gc", "--quiet"]).timeout(crate::git::LONG);
        let output = crate::git::attempt(command, Stage::Fetch, watch)?;
        if !output.success() {
            tracing::warn!(cache.path = %self.path.display(), error = output.stderr, "cache could not be repacked");
        }
        Ok(())
    }

    fn packed_refs(&self) -> PathBuf {
        self.path.join("packed-refs")
    }
}

fn unusable(path: &Path, error: gix::Error) -> ConvertError {
    let message = format!("The repository {} cannot be used.", path.display());
    ConvertError::new(Outcome::Failure, Stage::Fetch, message).caused_by(error)
}

fn init_bare(path: &Path) -> gix::Result<()> {
    let options = gix::create::Options::default();
    gix::ThreadSafeRepository::init_opts(path, gix::create::Kind::Bare, options, isolated()).map(drop)
}

/// A repository at this very path, opened without any configuration but its own.
pub(crate) fn open_isolated(path: &Path) -> gix::Result<Repository> {
    gix::open_opts(path, isolated().open_path_as_is(true))
}

/// No configuration of user or system, nothing from the environment.
fn isolated() -> gix::open::Options {
    gix::open::Options::isolated()
}

fn lock(path: &Path, watch: &Watch) -> Result<File, ConvertError> {
    let disk = |e| ConvertError::disk(Stage::Fetch, path, e);
    let file = File::create(path).map_err(disk)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(disk(error)),
            Err(TryLockError::WouldBlock) if began.elapsed() > LOCK_PATIENCE => {
                let message = format!("Another run is at it and does not end: {} is locked.", path.display());
                return Err(ConvertError::new(Outcome::Failure, Stage::Fetch, message));
            }
            Err(TryLockError::WouldBlock) => {
                watch.check(Stage::Fetch)?;
                // A lock has no way to wait for it with a deadline, and this happens once in a blue moon.
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)
}
