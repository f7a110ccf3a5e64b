//! Subversion, over `svn://` and `http(s)://`.
//!
//! ```text
//!   client    svn and svnrdump, run without anybody's configuration; classify: what they say, as outcomes
//!   dav       http:// without a program: what svn info tells, and svn log
//!   tunnel    svn+ssh:// for both of them
//!   ra_svn    svn:// without a program: what svn info tells, and history as records
//!   chunk     a piece of history, from either, into the converter
//!   log       what svn log tells; survey: added up; detect: the layout it suggests; preview: for people
//!   dump      records of a dump stream                                form only
//!   replay    one revision's records -> shadow tree                    texts, copies, checksums
//!   places    which branch a path belongs to, and its ref's name         pure
//!   branches  what a revision did to each branch
//!   commits   branch changes -> Git commits; mergeinfo: which of them are merges
//!   ancestry  which branch contains which other one                    pure
//!   keeper    commits that only keep what is reachable from them
//!   history   revision <-> root tree, commit; carried in the target for the next run
//!   converter a stream of revisions through all of these
//! ```
//!
//! Promises: each branch's tree at each revision is what `svn export --ignore-keywords` gives, raw text as stored; every
//! checksum in the stream is checked; the same history gives the same commits, in one go or in pieces.

mod ancestry;
mod branches;
#[cfg(test)]
mod broken_streams;
mod checksums;
mod chunk;
mod classify;
mod client;
mod commits;
mod converter;
mod dav;
mod detect;
mod dump;
mod export;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod history;
mod ignores;
mod keeper;
mod late;
mod line_marks;
mod log;
mod mergeinfo;
mod options;
mod places;
mod present;
mod preview;
mod props;
mod ra_svn;
mod ref_part;
mod replay;
mod run;
mod state;
mod survey;
mod svndiff;
mod tunnel;

pub use options::SvnOptions;
pub(super) use ref_part::escape as escape_ref_part;

pub(crate) use history::MapEntry;

use crate::objects::ObjectStore;
use crate::{Cache, ConvertError, Preview, Source, SourceOptions, SourceState, Watch, Watermark};
use client::Client;
use codeimport_core::Stage;
use gix::{ObjectId, bstr::BString};
use std::{collections::BTreeSet, path::Path, sync::OnceLock};

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
    let (_, history) = state::SvnState::read(carried, store)?;
    let history = history::History::read(history, store).ok()??;
    Some(history.map().to_vec())
}

/// The options that the commits were made with, from the tree that a run has carried; none if it cannot be read.
pub(crate) fn read_options(carried: ObjectId, store: &mut ObjectStore) -> Option<SvnOptions> {
    Some(state::SvnState::read(carried, store)?.0.options)
}

/// The position of a repository's newest revision.
fn watermark(uuid: &str, revision: u64) -> Watermark {
    Watermark(format!("r{revision} of {uuid}"))
}
