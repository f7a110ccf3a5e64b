//! Mercurial, over `http(s)://`, `ssh://`, and in a folder of this machine.
//!
//! ```text
//!   wire      how a server is asked
//!   bundle    history as it comes: parts, changegroups, deltas          form only
//!   records   what the texts of revisions say                           pure
//!   convert   changegroup -> blobs, trees, commits
//!   history   node -> object; carried in the target for the next run
//!   names     refs for branches, heads, bookmarks, tags                 pure
//!   shown     what of history the refs show; lost: what the source has no longer
//!   run       all of these, from where the last run stopped
//!   preview   what people want to know before; export: what verification compares with
//! ```
//!
//! Promises: the name of every changeset, manifest and file revision is worked out anew and compared; each tree is what
//! `hg archive` gives; the same history gives the same commits, in one go or in pieces.

mod bundle;
mod convert;
mod error;
mod explain;
mod export;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod history;
mod lost;
mod names;
mod node;
mod options;
mod preview;
mod records;
mod run;
mod shown;
mod wire;

pub use options::HgOptions;

use crate::objects::ObjectStore;
use crate::{Cache, ConvertError, MapEntry, Preview, Source, SourceOptions, SourceState, Watch, Watermark};
use codeimport_core::{SourceUrl, Stage};
use export::Clone;
use gix::{ObjectId, bstr::BString};
use records::Changeset;
use std::sync::{Mutex, PoisonError};
use std::{collections::BTreeSet, path::Path};
use wire::Wire;

/// A Mercurial repository.
pub(super) struct HgSource {
    url: SourceUrl,
    wire: Wire,
    options: SourceOptions,
    /// For exports, once one was asked for.
    clone: Mutex<Option<std::sync::Arc<Clone>>>,
}

impl HgSource {
    pub(super) fn new(url: &SourceUrl, options: SourceOptions) -> Self {
        Self { url: url.clone(), wire: Wire::to(url, &options), options, clone: Mutex::default() }
    }

    /// Made once, whoever asks first; others wait.
    fn clone(&self, watch: &Watch) -> Result<std::sync::Arc<Clone>, ConvertError> {
        let mut clone = self.clone.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*clone {
            return Ok(made.clone());
        }
        let SourceOptions { login, ssh, connect_timeout, .. } = &self.options;
        let made = Clone::make(&self.url, login.as_ref(), ssh, *connect_timeout, watch)?;
        Ok(clone.insert(made.into()).clone())
    }
}

impl Source for HgSource {
    fn probe(&self, watch: &Watch) -> Result<Watermark, ConvertError> {
        Ok(self.wire.position(Stage::Probe, watch)?.watermark())
    }

    fn fetch(&self, cache: &Cache, carried: Option<ObjectId>, watch: &Watch) -> Result<SourceState, ConvertError> {
        run::Run { wire: &self.wire, url: &self.url, options: &self.options, cache, watch }.fetch(carried)
    }

    fn export(&self, _: &[u8], revision: &str, into: &Path, watch: &Watch) -> Result<(), ConvertError> {
        self.clone(watch)?.export(&self.url, revision, into, watch)
    }

    fn translated_paths(&self, _: &[u8], _: &str, _: &Watch) -> Result<BTreeSet<BString>, ConvertError> {
        // Mercurial keeps texts as they are, and exports them so.
        Ok(BTreeSet::new())
    }

    fn preview(&self, watch: &Watch) -> Result<Preview, ConvertError> {
        preview::preview(&self.wire, watch)
    }
}

/// The commits made so far, from the tree that a run has carried; none if it cannot be read.
pub(crate) fn read_map(carried: ObjectId, store: &mut ObjectStore) -> Option<Vec<MapEntry>> {
    let history = history::HgState::read(carried, store)?.history;
    let entry = |known: &history::KnownChangeset| {
        let branch = Changeset::parse(&known.text).ok()?.branch;
        Some(MapEntry { branch, revision: known.node.to_string(), commit: known.commit })
    };
    history.changesets.iter().map(entry).collect()
}
