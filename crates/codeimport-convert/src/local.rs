//! Conversion straight into a bare repository on this machine: no service, no second copy of the objects.
//!
//! The stages are those of every run; the repository is cache and target at once, and locked while it is used. What a
//! killed run leaves are objects that no ref names; the next one makes the same objects again and finds them there.

use crate::target::{Holder, ImportState, PublishError, STATE_REF, Target, TargetSnapshot, remove_abandoned_locks};
use crate::{Cache, Carried, ConvertError, Findings, SourceOptions, Watch, Watermark, open_source, options_digest};
use codeimport_core::{FencingToken, Outcome, RcsType, RefFilter, RunId, SourceUrl, Stage, TargetUrl};
use std::path::Path;

/// A bare repository on this machine, made and kept by codeimport alone.
pub struct LocalTarget {
    cache: Cache,
    target: Target,
    /// The folder was made for it.
    is_new: bool,
}

/// What one run over a local target did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalRun {
    /// [`Outcome::Success`], [`Outcome::NoChange`], or [`Outcome::Partial`] if the run's limits ended it.
    pub outcome: Outcome,
    /// Where the source's history is taken over to.
    pub watermark: Watermark,
    /// Refs created, moved or deleted.
    pub changed_count: usize,
    /// Bytes received from the source.
    pub received_bytes: u64,
    /// What could not be shown, or is odd.
    pub findings: Findings,
    /// The target as it is now.
    pub snapshot: TargetSnapshot,
}

impl LocalTarget {
    /// Opens the repository and locks it; makes it if nothing is there.
    ///
    /// # Errors
    ///
    /// [`Outcome::Invalid`] if something else is there.
    pub fn open(path: &Path, watch: &Watch) -> Result<Self, ConvertError> {
        let disk = |error| ConvertError::disk(Stage::Publish, path, error);
        let is_new = !path.exists();
        std::fs::create_dir_all(path).map_err(disk)?;
        let path = path.canonicalize().map_err(disk)?;
        let url = TargetUrl::local(&path).map_err(|error| {
            ConvertError::new(Outcome::Invalid, Stage::Publish, format!("The folder {} {error}.", path.display()))
        })?;
        let cache = Cache::of_target(&path, watch)?;
        remove_abandoned_locks(&path).map_err(disk)?;
        Ok(Self { cache, target: Target::new(url), is_new })
    }

    /// Takes the repository away again, if it was made for this and nothing was ever published into it.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn abandon(self) -> std::io::Result<()> {
        let path = self.cache.path().to_owned();
        let is_empty = self.cache.repository().is_ok_and(|repository| repository.find_reference(STATE_REF).is_err());
        // Its lock is let go first.
        drop(self.cache);
        if self.is_new && is_empty { std::fs::remove_dir_all(path) } else { Ok(()) }
    }

    /// The target as it is now.
    pub(crate) fn snapshot(&self, filter: &RefFilter, watch: &Watch) -> Result<TargetSnapshot, ConvertError> {
        self.target.read(filter, &self.cache, watch)
    }

    /// The repository, for what else is to be done with it.
    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Converts what is new, within the limits of the options.
    ///
    /// # Errors
    ///
    /// Those of the stages. [`Outcome::Invalid`] if the repository is not this source's copy.
    pub fn run(&self, url: &SourceUrl, options: SourceOptions, watch: &Watch) -> Result<LocalRun, PublishError> {
        let filter = options.filter.clone();
        let digest = options_digest(url, &options);
        let source = open_source(url, options);
        let seen = self.target.read(&filter, &self.cache, watch)?;
        self.check_ours(url, &seen)?;
        let watermark = source.probe(watch)?;
        if seen.is_current(&watermark, digest) {
            return Ok(no_change(seen, watermark));
        }
        self.cache.tidy(watch)?;
        let wanted = source.fetch(&self.cache, seen.carried.map(|Carried { tree, .. }| tree), watch)?;
        if seen.is_current(&wanted.watermark, digest) {
            return Ok(no_change(seen, wanted.watermark));
        }
        let begin = ImportState::begin(url, digest, holder(&seen));
        let published = self.target.publish(&begin, &seen, &wanted, &filter, &self.cache, watch)?;
        Ok(LocalRun {
            outcome: if wanted.complete { Outcome::Success } else { Outcome::Partial },
            watermark: wanted.watermark,
            changed_count: published.changed_count,
            received_bytes: wanted.received_bytes,
            findings: wanted.findings,
            snapshot: published.snapshot,
        })
    }

    /// Refs that the source does not have are deleted, so the repository must be this source's copy and nothing else.
    fn check_ours(&self, url: &SourceUrl, seen: &TargetSnapshot) -> Result<(), ConvertError> {
        let refused = |text: String| Err(ConvertError::new(Outcome::Invalid, Stage::Publish, text));
        let path = self.cache.path().display();
        match &seen.state {
            None if !seen.refs.is_empty() => {
                refused(format!("{path} has branches that codeimport did not make: choose another folder."))
            }
            // A Subversion repository has an identity of its own, whatever its address; that is compared later.
            Some(state) if state.source_url != url.as_str() && url.rcs_type() != RcsType::Subversion => {
                refused(format!("{path} is a copy of {}: choose another folder for {url}.", state.source_url))
            }
            _ => Ok(()),
        }
    }
}

fn no_change(snapshot: TargetSnapshot, watermark: Watermark) -> LocalRun {
    LocalRun {
        outcome: Outcome::NoChange,
        watermark,
        changed_count: 0,
        received_bytes: 0,
        findings: Findings::default(),
        snapshot,
    }
}

/// The lock is the fence here. A token that a service left is kept, so that this run fences nobody who holds a lease.
fn holder(seen: &TargetSnapshot) -> Holder {
    let fencing_token = seen.state.as_ref().map_or(FencingToken(0), |state| state.holder.fencing_token);
    Holder { fencing_token, run_id: RunId(0) }
}
