//! One run: from where the last one stopped to where the source is now, or to the run's limit.
//!
//! History is read in chunks. Each chunk is complete before it counts, so a connection that breaks costs one chunk, and what
//! was converted before it is published.

use super::chunk::Meter;
use super::client::{Client, Info};
use super::converter::{ConvertOptions, Converter, Flushed};
use super::keeper::keep_all;
use super::log::LogQuestion;
use super::options::SvnOptions;
use super::places::Places;
use super::preview::Look;
use super::state::SvnState;
use super::watermark;
use crate::objects::ObjectStore;
use crate::{Cache, Carried, ConvertError, Findings, Refs, SourceOptions, SourceState, Watch};
use codeimport_core::{Layout, Outcome, Stage};
use gix::{ObjectId, bstr::BString};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// Revisions asked for at a time. A chunk costs a connection (tens of milliseconds) and one pack.
const CHUNK: u64 = 1_000;

/// Revisions asked for at a time beyond a run's limit, to find a branch to end with.
const BRIDGE: u64 = 20;

/// What a run works with.
pub(super) struct Run<'a> {
    pub(super) client: &'a Client,
    pub(super) options: &'a SourceOptions,
    pub(super) cache: &'a Cache,
    pub(super) watch: &'a Watch,
}

impl Run<'_> {
    /// Converts what is new.
    pub(super) fn fetch(&self, carried: Option<ObjectId>) -> Result<SourceState, ConvertError> {
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
        let flushed = self.ours(converter.flush())?;
        let authors = self.options.authors.canonical();
        let options = SvnOptions { layout: Some(layout), ..self.options.svn.clone() };
        let state = SvnState::new(info.uuid.clone(), authors, options);
        let findings = converter.findings().clone();
        findings.iter().for_each(|finding| self.watch.note(Stage::Convert, finding.sentence()));
        let state = self.state(&state, &flushed, &info, converted, meter.received)?;
        Ok(SourceState { findings, ..state })
    }

    /// Goes on from what an earlier run carried, or begins anew.
    fn open(&self, carried: Option<ObjectId>, info: &Info) -> Result<(Converter, Layout), ConvertError> {
        let mut store = self.ours(ObjectStore::open(self.cache.path()))?;
        let before = match carried {
            Some(tree) => SvnState::read(tree, &mut store),
            None => None,
        };
        if let Some((state, history)) = before {
            if state.uuid != info.uuid {
                return Err(self.replaced(&state.uuid, &info.uuid));
            }
            self.check_version(&state)?;
            self.check_options(&state, info)?;
            let layout = state.options.layout.unwrap_or_else(|| Layout::single(&info.path));
            match Converter::open(self.cache.path(), Some(history), &info.uuid, self.convert_options(&layout, info)) {
                Ok(converter) => return Ok((converter, layout)),
                Err(error) => self.watch.note(
                    Stage::Fetch,
                    format!(
                        "What the last run left cannot be read ({error}): all is converted again, to the same commits."
                    ),
                ),
            }
        }
        let layout = choose_layout(self.client, self.options, info, self.watch)?;
        let converter =
            self.ours(Converter::open(self.cache.path(), None, &info.uuid, self.convert_options(&layout, info)))?;
        Ok((converter, layout))
    }

    /// Another version of the converter may make other commits of the same history.
    fn check_version(&self, state: &SvnState) -> Result<(), ConvertError> {
        if state.is_of_this_version() {
            return Ok(());
        }
        let text = "The target was converted by another version of codeimport, whose commits this one would not make. \
                    Use that version again, or a new target: published commits are not rewritten.";
        Err(ConvertError::new(Outcome::Invalid, Stage::Fetch, text))
    }

    /// Options decide the ids of commits, so they stay what they were at the first run.
    fn check_options(&self, state: &SvnState, info: &Info) -> Result<(), ConvertError> {
        let layout = self.options.svn.layout.as_ref().map(|layout| layout.below(&info.path));
        let asked = SvnOptions { layout: layout.or(state.options.layout.clone()), ..self.options.svn.clone() };
        if asked == state.options && self.options.authors.canonical() == state.authors {
            return Ok(());
        }
        let text = "The target was converted with other options (layout, author map, git-svn-id trailers, ignores, externals, line ends). \
                    Use the same again, or a new target: published commits are not rewritten.";
        Err(ConvertError::new(Outcome::Invalid, Stage::Fetch, text))
    }

    fn convert_options(&self, layout: &Layout, info: &Info) -> ConvertOptions {
        ConvertOptions {
            places: Arc::new(Places::new(layout.clone())),
            authors: self.options.authors.clone(),
            svn: self.options.svn.clone(),
            git_svn_id: self.options.svn.git_svn_id_trailers.then(|| info.root.clone()),
        }
    }

    /// Converts what is new, and meanwhile asks for the log of what was converted last: is it still what it was?
    fn convert_and_look_back(
        &self,
        converter: &mut Converter,
        root: &str,
        meter: &mut Meter,
    ) -> Result<(), ConvertError> {
        let recent = converter.recent().filter(|_| converter.next_revision() <= meter.youngest);
        let ask = |(first, last)| {
            let question = LogQuestion { first, last, paths: false, messages: true };
            self.client.log(root, &question, Stage::Fetch, self.watch)
        };
        let (converted, log) = std::thread::scope(|scope| {
            let asked = recent.map(|range| scope.spawn(move || ask(range)));
            let converted = self.convert(converter, meter);
            (converted, asked.and_then(|asked| asked.join().ok()))
        });
        match log {
            Some(Ok(log)) => converter.note_late_changes(&log),
            // Nothing depends on it; the next run asks again.
            Some(Err(error)) => {
                tracing::debug!(error = %error.chain(), "the log of what was converted could not be read");
            }
            None => {}
        }
        converted
    }

    /// Reads chunk after chunk until all is there or the run's limit is reached.
    ///
    /// A run does not end where the source has no branch just then, its trunk being deleted in one revision and made again
    /// in a later one: that would ask for a target without any ref.
    fn convert(&self, converter: &mut Converter, meter: &mut Meter) -> Result<(), ConvertError> {
        let began = Instant::now();
        let limit = converter.next_revision().saturating_add(self.options.max_revisions);
        loop {
            let first = converter.next_revision();
            let may_end = first >= limit || began.elapsed() >= self.options.max_time;
            if first > meter.youngest || (may_end && !converter.is_between_branches()) {
                return Ok(());
            }
            self.watch.check(Stage::Fetch)?;
            let wanted = if may_end { BRIDGE } else { CHUNK.min(limit - first) };
            let last = (first + wanted - 1).min(meter.youngest);
            self.convert_chunk(converter, &(first..=last), meter)?;
            // Ends a pack, so that memory and the loss by a crash stay bounded.
            self.ours(converter.flush())?;
        }
    }

    fn state(
        &self,
        state: &SvnState,
        flushed: &Flushed,
        info: &Info,
        next: u64,
        received_bytes: u64,
    ) -> Result<SourceState, ConvertError> {
        let layout = state.options.layout.clone();
        let mut store = self.ours(ObjectStore::open(self.cache.path()))?;
        let tree = self.ours(state.write(flushed.state, &mut store))?;
        let (refs, unnamed): (Refs, Refs) =
            flushed.refs.clone().into_iter().partition(|(name, _)| self.options.filter.takes(name));
        // Tips that no ref will name, because the filter does not take them, are kept too: later branches may begin there.
        let kept: Vec<_> = flushed.kept.iter().copied().chain(unnamed.into_values()).collect();
        let kept = self.ours(keep_all(&kept, &mut store))?;
        self.ours(store.flush())?;
        let tips: BTreeSet<ObjectId> = refs.values().copied().chain(kept).chain([tree]).collect();
        self.cache.keep_tips(&tips)?;
        Ok(SourceState {
            watermark: watermark(&info.uuid, next.saturating_sub(1)),
            default_branch: layout.and_then(|layout| default_branch(layout, &refs)),
            refs,
            received_bytes,
            carried: Some(Carried { tree, kept }),
            findings: Findings::default(),
            complete: next > info.youngest,
        })
    }

    pub(super) fn replaced(&self, expected: &str, got: &str) -> ConvertError {
        let url = &self.client.url;
        let text = format!(
            "{url} now has another repository (UUID {got}) than the one imported so far ({expected}). To follow it, delete this import and define a new one."
        );
        ConvertError::new(Outcome::RemoteBroken, Stage::Fetch, text)
    }

    fn ours<T, E: std::error::Error + Send + Sync + 'static>(&self, result: Result<T, E>) -> Result<T, ConvertError> {
        result.map_err(|error| self.our_failure(error))
    }

    pub(super) fn our_failure(&self, error: impl std::error::Error + Send + Sync + 'static) -> ConvertError {
        let text = format!("The worker's cache {} cannot be used.", self.cache.path().display());
        ConvertError::new(Outcome::Failure, Stage::Convert, text).caused_by(error)
    }
}

/// The first project's trunk that there is.
fn default_branch(layout: Layout, refs: &Refs) -> Option<BString> {
    let trunks: Vec<_> = Places::new(layout).trunk_refs().map(BString::from).collect();
    trunks.into_iter().find(|trunk| refs.contains_key(trunk))
}

/// As asked for; else what the log suggests.
fn choose_layout(client: &Client, options: &SourceOptions, info: &Info, watch: &Watch) -> Result<Layout, ConvertError> {
    if let Some(layout) = &options.svn.layout {
        return Ok(layout.below(&info.path));
    }
    let detected = Look::take(client, info, Stage::Fetch, watch)?.detect();
    let text = format!("Layout: {} ({} % sure). {}", detected.layout, detected.confidence, detected.reasons.join(" "));
    watch.note(Stage::Fetch, text);
    Ok(detected.layout.below(&info.path))
}
