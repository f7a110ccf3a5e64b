//! Bazaar: one branch, over `bzr://`, `http(s)://`, or in a folder.
//!
//! ```text
//!   exporter   Bazaar's own library, asked through brz; exporter.py: its side
//!   stream     what it tells, as records                                form only
//!   tree       one revision's changes, on the tree of its base          directories that swap places
//!   commits    who, when, what about                                    pure
//!   converter  records -> commits; every text is checked
//!   ledger     which revisions were converted; only grows
//!   state      what is carried to the next run
//!   run        all of these, once
//!   names      refs of the branch and its tags                          pure
//!   position   where a branch stands                                    pure
//!   smart      the same, asked without any program
//!   export     what Bazaar itself says, for verification; preview: for people
//! ```
//!
//! Promises: each commit's tree is what `brz export` gives (and `.bzrignore`, which that leaves out); the same history gives the
//! same commits, at once or in pieces, with or without a copy of it.

mod commits;
mod converter;
mod export;
mod exporter;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod ledger;
mod names;
mod options;
mod position;
mod preview;
mod run;
mod smart;
mod state;
mod stream;
mod tree;

pub use options::BzrOptions;

use crate::objects::ObjectStore;
use crate::{Cache, ConvertError, MapEntry, Preview, Source, SourceOptions, SourceState, Watch, Watermark};
use codeimport_core::{SourceUrl, Stage};
use exporter::{Exporter, Mode, Next, Request};
use gix::{ObjectId, bstr::BString};
use position::Position;
use std::{collections::BTreeSet, path::Path};
use stream::Record;

/// A Bazaar branch.
pub(super) struct BzrSource {
    exporter: Exporter,
    options: SourceOptions,
}

impl BzrSource {
    pub(super) fn new(url: &SourceUrl, options: SourceOptions) -> Self {
        Self { exporter: Exporter { url: url.clone(), idle_timeout: options.idle_timeout }, options }
    }

    /// Where the branch stands, by Bazaar's own library: for every format, and with its words for what is wrong.
    fn position_by_program(&self, watch: &Watch) -> Result<Watermark, ConvertError> {
        let mut watermark = Watermark(String::new());
        let request = Request::about(Mode::Position, self.options.login.as_ref());
        self.exporter.ask(&request, Stage::Probe, watch, |record| {
            if let Record::Branch(head) = record {
                watermark = Position { tip: head.tip, tags: head.tags }.watermark();
            }
            Ok(Next::More)
        })?;
        Ok(watermark)
    }
}

impl Source for BzrSource {
    fn probe(&self, watch: &Watch) -> Result<Watermark, ConvertError> {
        match smart::position(&self.exporter.url, &self.options, watch)? {
            Some(position) => Ok(position.watermark()),
            None => self.position_by_program(watch),
        }
    }

    fn fetch(&self, cache: &Cache, carried: Option<ObjectId>, watch: &Watch) -> Result<SourceState, ConvertError> {
        run::Run { exporter: &self.exporter, options: &self.options, cache, watch }.fetch(carried)
    }

    fn export(&self, _: &[u8], revision: &str, into: &Path, watch: &Watch) -> Result<(), ConvertError> {
        self.exporter.export(revision, into, watch)
    }

    fn leaves_out(&self, path: &[u8]) -> bool {
        // Bazaar's own files at the root: `.bzrignore`, `.bzrrules`.
        path.starts_with(b".bzr")
    }

    fn translated_paths(&self, _: &[u8], _: &str, _: &Watch) -> Result<BTreeSet<BString>, ConvertError> {
        // Bazaar translates line ends only where rules of the machine ask for it; here there are none.
        Ok(BTreeSet::new())
    }

    fn preview(&self, watch: &Watch) -> Result<Preview, ConvertError> {
        preview::preview(&self.exporter, &self.options, watch)
    }
}

/// The commits made so far, from the tree that a run has carried; none if it cannot be read.
pub(crate) fn read_map(carried: ObjectId, store: &mut ObjectStore) -> Option<Vec<MapEntry>> {
    let state = state::BzrState::read(carried, store)?;
    let entry = |revision: &ledger::Converted| MapEntry {
        branch: names::BRANCH_NAME.into(),
        revision: String::from_utf8_lossy(&revision.id).into_owned(),
        commit: revision.commit,
    };
    Some(state.ledger.revisions().iter().map(entry).collect())
}
