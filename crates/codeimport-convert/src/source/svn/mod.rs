//! Subversion, over `svn://` and `http(s)://`.
//!
//! ```text
//!   wire      how it is asked: svn://, http(s)://, and Subversion's own programs for the rest
//!   records   what it tells of its history, whatever the wire
//!   layout    which paths are branches and tags; found out from the log         pure
//!   convert   records -> shadow tree -> branches -> commits
//!   history   revision <-> root tree, commit; carried in the target for the next run
//!   run       all of these, from where the last run stopped
//!   preview   what people want to know before; export: what verification compares with
//! ```
//!
//! Promises: each branch's tree at each revision is what `svn export --ignore-keywords` gives, raw text as stored; every
//! checksum in the stream is checked; the same history gives the same commits, in one go or in pieces.

mod convert;
mod export;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod history;
mod layout;
mod options;
mod paths;
mod preview;
mod records;
mod run;
mod wire;

pub(super) use layout::escape as escape_ref_part;
pub use options::SvnOptions;

pub(crate) use history::MapEntry;

use crate::objects::ObjectStore;
use crate::{Cache, ConvertError, Preview, Source, SourceOptions, SourceState, Watch, Watermark};
use codeimport_core::Stage;
use gix::{ObjectId, bstr::BString};
use std::{collections::BTreeSet, path::Path, sync::OnceLock};
use wire::Client;

/// A Subversion repository, or a directory of one.
pub(super) struct SvnSource {
    client: Client,
    options: SourceOptions,
    /// Root of the repository, once it was asked for.
    root: OnceLock<String>,
}

impl SvnSource {
    pub(super) fn new(url: &str, options: SourceOptions) -> Self {
        Self { client: Client::new(url, &options), options, root: OnceLock::new() }
    }

    fn root(&self, watch: &Watch) -> Result<&str, ConvertError> {
        if self.root.get().is_none() {
            // Two threads that both ask get the same answer.
            drop(self.root.set(self.client.info(Stage::Scan, watch)?.root));
        }
        Ok(self.root.get().map_or("", String::as_str))
    }
}

impl Source for SvnSource {
    fn probe(&self, watch: &Watch) -> Result<Watermark, ConvertError> {
        let info = self.client.info(Stage::Probe, watch)?;
        Ok(watermark(&info.uuid, info.youngest))
    }

    fn fetch(&self, cache: &Cache, carried: Option<ObjectId>, watch: &Watch) -> Result<SourceState, ConvertError> {
        run::Run { client: &self.client, options: &self.options, cache, watch }.fetch(carried)
    }

    fn export(&self, branch: &[u8], revision: &str, into: &Path, watch: &Watch) -> Result<(), ConvertError> {
        let branch = export::At { root: self.root(watch)?, branch, revision };
        self.client.export(&branch, &self.options.svn, into, watch)
    }

    fn translated_paths(
        &self,
        branch: &[u8],
        revision: &str,
        watch: &Watch,
    ) -> Result<BTreeSet<BString>, ConvertError> {
        self.client.paths_with_line_ends(&export::At { root: self.root(watch)?, branch, revision }, watch)
    }

    fn preview(&self, watch: &Watch) -> Result<Preview, ConvertError> {
        let info = self.client.info(Stage::Probe, watch)?;
        let look = preview::Look::take(&self.client, &info, Stage::Probe, watch)?;
        look.preview(&self.client, &info, self.options.svn.layout.as_ref(), watch)
    }
}

/// The commits made so far, from the tree that a run has carried; none if it cannot be read.
pub(crate) fn read_map(carried: ObjectId, store: &mut ObjectStore) -> Option<Vec<MapEntry>> {
    let (_, history) = run::SvnState::read(carried, store)?;
    let history = history::History::read(history, store).ok()??;
    history.map(store).ok()
}

/// The options that the commits were made with, from the tree that a run has carried; none if it cannot be read.
pub(crate) fn read_options(carried: ObjectId, store: &mut ObjectStore) -> Option<SvnOptions> {
    Some(run::SvnState::read(carried, store)?.0.options)
}

/// The position of a repository's newest revision.
fn watermark(uuid: &str, revision: u64) -> Watermark {
    Watermark(format!("r{revision} of {uuid}"))
}
