//! One run: from where the last one stopped to where the source is now, or to the run's limit.
//!
//! History is read in chunks. Each chunk is complete before it counts, so a connection that breaks costs one chunk, and what
//! was converted before it is published.
//!
//! ```text
//!   open    where to go on, and with which layout
//!   follow  chunk after chunk; chunk: a piece of history, from whichever wire, into the converter
//!   state   what identifies the conversion, kept for the next run
//! ```

mod chunk;
mod follow;
mod open;
mod state;

pub(super) use state::SvnState;

use super::convert::Converter;
use super::history::keep_all;
use super::layout::Places;
use super::options::SvnOptions;
use super::watermark;
use super::wire::{Client, Info};
use crate::{Cache, Carried, ConvertError, Findings, Refs, SourceOptions, SourceState, Watch};
use chunk::Meter;
use codeimport_core::{Layout, Outcome, Stage};
use gix::{ObjectId, bstr::BString};
use std::collections::BTreeSet;

/// What a run works with.
pub(crate) struct Run<'a> {
    pub(crate) client: &'a Client,
    pub(crate) options: &'a SourceOptions,
    pub(crate) cache: &'a Cache,
    pub(crate) watch: &'a Watch,
}

impl Run<'_> {
    /// Converts what is new.
    pub(crate) fn fetch(&self, carried: Option<ObjectId>) -> Result<SourceState, ConvertError> {
        let info = self.client.info(Stage::Fetch, self.watch)?;
        let (mut converter, layout) = self.open(carried, &info)?;
        let first = converter.next_revision();
        if first > info.youngest + 1 {
            let url = &self.client.url;
            let text = format!(
                "{url} has r{} as its newest revision, r{} was converted before: it was reset.",
                info.youngest,
                first - 1
            );
            return Err(ConvertError::new(Outcome::RemoteBroken, Stage::Fetch, text));
        }
        let mut meter = Meter { youngest: info.youngest, received: 0 };
        let failed = self.convert_and_look_back(&mut converter, &info.root, &mut meter).err();
        let converted = converter.next_revision();
        match failed {
            // Nothing to show for it, or told to stop: the failure is the result.
            Some(error) if converted == first || error.is_cancelled() => return Err(error),
            Some(error) => {
                let text = format!("{} What was converted before that is published.", error.chain());
                self.watch.note(Stage::Fetch, text);
            }
            None => {}
        }
        let authors = self.options.authors.canonical();
        let options = SvnOptions { layout: Some(layout), ..self.options.svn.clone() };
        let state = SvnState::new(info.uuid.clone(), authors, options);
        let findings = converter.findings().clone();
        findings.iter().for_each(|finding| self.watch.note(Stage::Convert, finding.sentence()));
        let state = self.end(&mut converter, &state, &info, meter.received)?;
        Ok(SourceState { findings, ..state })
    }

    /// Writes the end of a run: all that is converted and the state for the next one become visible together.
    fn end(
        &self,
        converter: &mut Converter,
        state: &SvnState,
        info: &Info,
        received_bytes: u64,
    ) -> Result<SourceState, ConvertError> {
        let (next, layout) = (converter.next_revision(), state.options.layout.clone());
        let converted = self.ours(converter.result())?;
        let tree = self.ours(state.write(converted.history, converter.store()))?;
        let (refs, unnamed): (Refs, Refs) =
            converted.refs.into_iter().partition(|(name, _)| self.options.filter.takes(name));
        // Tips that no ref will name, because the filter does not take them, are kept too: later branches may begin there.
        let kept: Vec<_> = converted.kept.into_iter().chain(unnamed.into_values()).collect();
        let kept = self.ours(keep_all(&kept, converter.store()))?;
        self.ours(converter.store().flush())?;
        let tips: BTreeSet<ObjectId> = refs.values().copied().chain(kept).chain([tree]).collect();
        self.cache.keep_tips(&tips)?;
        Ok(SourceState {
            watermark: watermark(&info.uuid, next.saturating_sub(1)),
            default_branch: layout.and_then(|layout| default_branch(layout, &refs)),
            refs,
            backups: Refs::new(),
            received_bytes,
            carried: Some(Carried { tree, kept }),
            findings: Findings::default(),
            complete: next > info.youngest,
        })
    }

    pub(crate) fn replaced(&self, expected: &str, got: &str) -> ConvertError {
        let url = &self.client.url;
        let text = format!(
            "{url} now has another repository (UUID {got}) than the one imported so far ({expected}). To follow it, delete this import and define a new one."
        );
        ConvertError::new(Outcome::RemoteBroken, Stage::Fetch, text)
    }

    fn ours<T, E: std::error::Error + Send + Sync + 'static>(&self, result: Result<T, E>) -> Result<T, ConvertError> {
        result.map_err(|error| self.our_failure(error))
    }

    pub(crate) fn our_failure(&self, error: impl std::error::Error + Send + Sync + 'static) -> ConvertError {
        let text = format!("The worker's cache {} cannot be used.", self.cache.path().display());
        ConvertError::new(Outcome::Failure, Stage::Convert, text).caused_by(error)
    }
}

/// The first project's trunk that there is.
fn default_branch(layout: Layout, refs: &Refs) -> Option<BString> {
    let trunks: Vec<_> = Places::new(layout).trunk_refs().map(BString::from).collect();
    trunks.into_iter().find(|trunk| refs.contains_key(trunk))
}
