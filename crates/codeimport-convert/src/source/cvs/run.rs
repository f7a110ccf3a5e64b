//! One run: what is new since the last one, as far as it is settled, or to the run's limit.

use super::changeset::{Grouped, Unit};
use super::contents::Contents;
use super::emit::Emitter;
use super::findings::note_changeset;
use super::ledger::Ledger;
use super::look::Look;
use super::order::order;
use super::place::LineName;
use super::plan::Plan;
use super::refs::Converted;
use super::state::{CvsState, Decisions, store_full};
use super::symbols::Symbols;
use super::transport::Transport;
use super::tree::LineTree;
use crate::objects::ObjectStore;
use crate::{Cache, ConvertError, Findings, Progress, SourceOptions, SourceState, Watch, Watermark};
use codeimport_core::{Outcome, Stage};
use gix::ObjectId;
use std::io;
use std::ops::Range;
use std::time::Instant;

/// A revision dated so far in the future is by a clock that was wrong; waiting for that day helps nobody. In seconds.
const WRONG_CLOCK: i64 = 24 * 3600;

/// Changesets converted at a time: what a crash may cost. Each time the files are read anew that have something in it.
const BLOCK: usize = 10_000;

/// Objects kept in memory: the trees of the lines that are committed to. Texts are written and never asked for again.
const RECENT_BYTES: usize = 8 << 20;

/// What a run works with.
pub(super) struct Run<'a> {
    pub(super) transport: &'a dyn Transport,
    pub(super) options: &'a SourceOptions,
    pub(super) cache: &'a Cache,
    pub(super) watch: &'a Watch,
    /// Seconds since 1970.
    pub(super) now: i64,
}

impl Run<'_> {
    /// Converts what is new.
    pub(super) fn fetch(&self, carried: Option<ObjectId>) -> Result<SourceState, ConvertError> {
        let position = self.transport.position(Stage::Fetch, self.watch)?;
        let mut store = self.ours(ObjectStore::open_with(self.cache.path(), RECENT_BYTES))?;
        let mut ledger = self.open(carried, &mut store)?;
        let (look, grouped) = self.look(&mut ledger)?;
        let (plan, waiting) = self.ours(self.plan(&grouped))?;
        drop(grouped);
        let done = self.convert(&look, &mut ledger, &plan, &mut store)?;
        let complete = done == plan.len();
        let watermark = match (complete, waiting) {
            (true, false) => position,
            (true, true) => format!("{position}, but for what is younger than {}", self.settled_before()),
            (false, _) => format!("{position}, {done} of {} changesets", plan.len()),
        };
        let mut findings = Findings::default();
        for changeset in plan.changesets(0..done) {
            let note = |changeset| note_changeset(&changeset, &look, &self.options.authors, &mut findings);
            self.ours(changeset.and_then(note))?;
        }
        let converted = Converted { ledger, complete, watermark: Watermark(watermark), findings };
        self.state(&look, converted, store)
    }

    /// Looks at the source: what is there, and what of it is new.
    fn look(&self, ledger: &mut Ledger) -> Result<(Look, Grouped), ConvertError> {
        let scratch = self.cache.scratch();
        let histories = self.transport.histories(Stage::Fetch, &scratch, self.watch)?;
        let ids: Vec<_> = histories.files.iter().map(|history| ledger.file(&history.path)).collect();
        ledger.see(ids.iter().copied().zip(histories.files.iter().map(|history| history.numbers.iter())));
        self.ours(Look::at(histories, ids, &scratch, |file, at| ledger.revision(file, at).is_none()))
    }

    /// Goes on from what an earlier run carried, or begins anew.
    fn open(&self, carried: Option<ObjectId>, store: &mut ObjectStore) -> Result<Ledger, ConvertError> {
        let scratch = self.cache.scratch();
        let Some(tree) = carried else { return Ok(Ledger::new(&scratch)) };
        let Some(state) = CvsState::read(tree, store, &scratch) else {
            let text = "What the last run left cannot be read: all is converted again.";
            self.watch.note(Stage::Fetch, text);
            return Ok(Ledger::new(&scratch));
        };
        if state.decisions == self.decisions() {
            return Ok(state.ledger);
        }
        let text = "The target was converted with other options (author map, keywords, charset). Use the same again, or a new target: \
                    published commits are not rewritten.";
        Err(ConvertError::new(Outcome::Invalid, Stage::Fetch, text))
    }

    pub(super) fn decisions(&self) -> Decisions {
        // What is not stored is no decision.
        let options =
            super::CvsOptions { settle_window: super::CvsOptions::default().settle_window, ..self.options.cvs.clone() };
        Decisions { authors: self.options.authors.canonical(), options }
    }

    fn settled_before(&self) -> i64 {
        let window = i64::try_from(self.options.cvs.settle_window.as_secs()).unwrap_or(i64::MAX);
        self.now.saturating_sub(window)
    }

    /// What is to be converted now, in order, and whether there is more that has to settle first.
    fn plan(&self, grouped: &Grouped) -> io::Result<(Plan, bool)> {
        let (before, after) = (self.settled_before(), self.now.saturating_add(WRONG_CLOCK));
        let scratch = self.cache.scratch();
        let (mut plan, mut waiting) = (Plan::new(&scratch), false);
        let is_settled = |seconds| seconds <= before || seconds > after;
        order(grouped, &scratch, is_settled, |changeset, settled| {
            waiting |= !settled;
            if settled { plan.push(&changeset) } else { Ok(()) }
        })?;
        Ok((plan, waiting))
    }

    /// Converts block after block; gives how many changesets were done before the run's limits were reached.
    fn convert(
        &self,
        look: &Look,
        ledger: &mut Ledger,
        plan: &Plan,
        store: &mut ObjectStore,
    ) -> Result<usize, ConvertError> {
        let end = plan.len().min(usize::try_from(self.options.max_revisions).unwrap_or(usize::MAX));
        let began = Instant::now();
        let symbols = Symbols::of(look);
        let mut contents = Contents::new(&self.cache.scratch());
        let mut done = 0;
        loop {
            let block = done..end.min(done + BLOCK);
            self.read_texts(look, ledger, plan.changesets(block.clone()), &mut contents, store)?;
            self.emit(&symbols, ledger, (plan, block.clone()), &contents, store)?;
            self.ours(store.flush())?;
            done = block.end;
            if done == end {
                break;
            }
            if began.elapsed() > self.options.max_time {
                return Ok(done);
            }
        }
        for (index, at) in look.unseen(ledger).collect::<Vec<_>>() {
            self.ours(look.note_unseen(index, at, ledger, &contents))?;
        }
        Ok(done)
    }

    /// Makes the commits of a block.
    fn emit(
        &self,
        symbols: &Symbols<'_>,
        ledger: &mut Ledger,
        (plan, block): (&Plan, Range<usize>),
        contents: &Contents,
        store: &mut ObjectStore,
    ) -> Result<(), ConvertError> {
        let (look, mut emitter) = (symbols.look, self.emitter(ledger, store));
        for (done, changeset) in block.clone().zip(plan.changesets(block)) {
            if done.is_multiple_of(256) {
                self.watch.check(Stage::Convert)?;
                self.report("changesets", done, plan.len());
            }
            let changeset = self.ours(changeset)?;
            let note = |unit: &Unit| look.note_with_unseen(unit, emitter.ledger, contents);
            let revisions: Vec<_> = self.ours(changeset.units.iter().map(note).collect::<Result<_, _>>())?;
            let begin = |ledger: &Ledger, line: &LineName| symbols.begin_of(line, ledger);
            let told = self.ours(look.told(&changeset))?;
            self.ours(emitter.commit(&changeset, told, &revisions, begin))?;
            self.ours(look.join(symbols, &changeset, &mut emitter))?;
            self.ours(store_full(emitter.ledger, emitter.store))?;
        }
        Ok(())
    }

    pub(super) fn emitter<'e>(&'e self, ledger: &'e mut Ledger, store: &'e mut ObjectStore) -> Emitter<'e> {
        let (authors, charset) = (&self.options.authors, self.options.cvs.charset);
        Emitter { ledger, store, authors, charset, tree: LineTree::default() }
    }

    pub(super) fn report(&self, unit: &'static str, done: usize, total: usize) {
        let mut progress = Progress::begin(Stage::Convert, unit);
        (progress.done, progress.total) = (done as u64, Some(total as u64));
        progress.received_bytes = self.transport.received_bytes();
        self.watch.progress(&progress);
    }

    pub(super) fn ours<T, E: std::error::Error + Send + Sync + 'static>(
        &self,
        result: Result<T, E>,
    ) -> Result<T, ConvertError> {
        result.map_err(|error| {
            let text = format!("The worker's cache {} cannot be used.", self.cache.path().display());
            ConvertError::new(Outcome::Failure, Stage::Convert, text).caused_by(error)
        })
    }
}
