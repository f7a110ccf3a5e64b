//! One run: what is new since the last one, as far as it is settled, or to the run's limit.

use super::changeset::{Changeset, Unit, group};
use super::emit::Emitter;
use super::history::FileHistory;
use super::keywords::{LogEntry, collapse};
use super::ledger::{Content, FileId, KnownRevision, Ledger, LineId, Manifest, RevId};
use super::names::{TRUNK, in_cvs, line_ref, tag_ref};
use super::order::order;
use super::place::{LineName, Placed, place};
use super::rcs::Number;
use super::state::{CvsState, Decisions};
use super::symbols::Symbols;
use super::transport::{Text, Transport, Wanted};
use super::tree::LineTree;
use crate::objects::{ObjectStore, encode_commit};
use crate::{Cache, Carried, ConvertError, Findings, Progress, Refs, SourceOptions, SourceState, Watch, Watermark};
use codeimport_core::{Outcome, Stage};
use gix::ObjectId;
use gix::objs::Kind;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Instant;

/// A revision dated so far in the future is by a clock that was wrong; waiting for that day helps nobody. In seconds.
const WRONG_CLOCK: i64 = 24 * 3600;

/// Changesets converted at a time: what a crash may cost. Each time the files are read anew that have something in it.
const BLOCK: usize = 10_000;

/// Bytes of texts after which they are made safe, so that memory and the loss by a crash stay bounded.
const FLUSH_BYTES: usize = 256 << 20;

/// What a run works with.
pub(super) struct Run<'a> {
    pub(super) transport: &'a dyn Transport,
    pub(super) options: &'a SourceOptions,
    pub(super) cache: &'a Cache,
    pub(super) watch: &'a Watch,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// What was read of the source, and where it belongs.
struct Look {
    histories: Vec<FileHistory>,
    placed: Vec<Vec<Placed>>,
    ids: Vec<FileId>,
}

/// Contents of revisions, by index of the file.
type Contents = HashMap<(usize, Number), Content>;

impl Run<'_> {
    /// Converts what is new.
    pub(super) fn fetch(&self, carried: Option<ObjectId>) -> Result<SourceState, ConvertError> {
        let position = self.transport.position(Stage::Fetch, self.watch)?;
        let mut store = self.ours(ObjectStore::open(self.cache.path()))?;
        let mut ledger = self.open(carried, &mut store)?;
        let histories = self.transport.histories(Stage::Fetch, self.watch)?;
        let placed: Vec<_> = histories.iter().map(place).collect();
        let ids = histories.iter().map(|history| ledger.file(&history.path)).collect();
        let look = Look { histories, placed, ids };
        let (changesets, waiting) = self.plan(&look, &ledger);
        let limit = usize::try_from(self.options.max_revisions).unwrap_or(usize::MAX);
        let now = &changesets[..changesets.len().min(limit)];
        let converted = self.convert(&look, &mut ledger, now, &mut store)?;
        let complete = converted == changesets.len();
        let watermark = match (complete, waiting) {
            (true, false) => position,
            (true, true) => format!("{position}, but for what is younger than {}", self.settled_before()),
            (false, _) => format!("{position}, {converted} of {} changesets", changesets.len()),
        };
        self.state(&look, ledger, store, complete, Watermark(watermark))
    }

    /// Goes on from what an earlier run carried, or begins anew.
    fn open(&self, carried: Option<ObjectId>, store: &mut ObjectStore) -> Result<Ledger, ConvertError> {
        let Some(tree) = carried else { return Ok(Ledger::default()) };
        let Some(state) = CvsState::read(tree, store) else {
            let text = "What the last run left cannot be read: all is converted again.";
            self.watch.note(Stage::Fetch, text);
            return Ok(Ledger::default());
        };
        if state.decisions == self.decisions() {
            return Ok(state.ledger);
        }
        let text = "The target was converted with other options (author map, keywords, charset). Use the same again, or a new target: \
                    published commits are not rewritten.";
        Err(ConvertError::new(Outcome::Invalid, Stage::Fetch, text))
    }

    fn decisions(&self) -> Decisions {
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
    fn plan(&self, look: &Look, ledger: &Ledger) -> (Vec<Changeset>, bool) {
        let mut units = Vec::new();
        for (index, (history, placed)) in look.histories.iter().zip(&look.placed).enumerate() {
            let new = placed.iter().filter(|placed| ledger.revision(look.ids[index], &placed.number).is_none());
            units.extend(new.filter_map(|placed| unit(index, history, placed)));
        }
        let (before, after) = (self.settled_before(), self.now.saturating_add(WRONG_CLOCK));
        let ordered = order(group(units), |seconds| seconds <= before || seconds > after);
        let count = ordered.len();
        let settled: Vec<_> =
            ordered.into_iter().filter_map(|(changeset, settled)| settled.then_some(changeset)).collect();
        let waiting = settled.len() < count;
        (settled, waiting)
    }

    /// Revisions that no line shows and that are not known yet. They are of no changeset, but a symbol may name one.
    fn unseen<'l>(look: &'l Look, ledger: &'l Ledger) -> impl Iterator<Item = (usize, &'l Placed)> {
        let all =
            look.placed.iter().enumerate().flat_map(|(index, placed)| placed.iter().map(move |placed| (index, placed)));
        all.filter(|(index, placed)| {
            placed.line.is_none() && ledger.revision(look.ids[*index], &placed.number).is_none()
        })
    }

    /// Stores the texts of all revisions that are converted now.
    fn read_texts(
        &self,
        look: &Look,
        ledger: &Ledger,
        changesets: &[Changeset],
        contents: &mut Contents,
        store: &mut ObjectStore,
    ) -> Result<(), ConvertError> {
        let units = changesets.iter().flat_map(|changeset| &changeset.units).map(|unit| (unit.file, &unit.number));
        let unseen = Self::unseen(look, ledger).map(|(index, placed)| (index, &placed.number));
        let mut numbers: BTreeMap<usize, HashSet<Number>> = BTreeMap::new();
        let mut total = 0;
        for (index, number) in units.chain(unseen) {
            let is_known = contents.contains_key(&(index, number.clone()));
            if !is_known && look.histories[index].revisions.get(number).is_some_and(|revision| !revision.is_dead) {
                numbers.entry(index).or_default().insert(number.clone());
                total += 1;
            }
        }
        let wanted =
            numbers.into_iter().map(|(index, numbers)| Wanted { index, path: &look.histories[index].path, numbers });
        let wanted: Vec<_> = wanted.collect();
        let (mut unsafe_bytes, mut done) = (0, 0);
        self.transport.texts(&wanted, self.watch, &mut |text| {
            unsafe_bytes += text.bytes.len();
            let key = (text.index, text.number.clone());
            contents.insert(key, self.ours(self.store_text(look, text, store))?);
            if unsafe_bytes > FLUSH_BYTES {
                self.ours(store.flush())?;
                unsafe_bytes = 0;
            }
            done += 1;
            if done % 256 == 0 {
                self.report("texts", done, total);
            }
            Ok(())
        })
    }

    fn store_text(
        &self,
        look: &Look,
        text: Text,
        store: &mut ObjectStore,
    ) -> Result<Content, crate::objects::StoreError> {
        let history = &look.histories[text.index];
        let revision =
            history.revisions.get(&text.number).filter(|_| !history.is_binary && !self.options.cvs.raw_keywords);
        let bytes = match revision {
            Some(revision) => {
                let (author, message) = (&revision.author, &revision.log);
                let entry = LogEntry { number: text.number.to_string(), seconds: revision.seconds, author, message };
                match collapse(&text.bytes, &entry) {
                    std::borrow::Cow::Borrowed(_) => text.bytes,
                    std::borrow::Cow::Owned(collapsed) => collapsed,
                }
            }
            None => text.bytes,
        };
        Ok(Content { blob: store.write(Kind::Blob, bytes)?, is_executable: text.is_executable })
    }

    /// Converts block after block; gives how many changesets were done before the run's time was over.
    fn convert(
        &self,
        look: &Look,
        ledger: &mut Ledger,
        changesets: &[Changeset],
        store: &mut ObjectStore,
    ) -> Result<usize, ConvertError> {
        let began = Instant::now();
        let symbols = Symbols::of(&look.histories, &look.ids, &look.placed);
        let mut contents = Contents::new();
        let mut done = 0;
        loop {
            let rest = &changesets[done..];
            let block = &rest[..rest.len().min(BLOCK)];
            self.read_texts(look, ledger, block, &mut contents, store)?;
            self.emit(look, &symbols, ledger, block, &contents, store)?;
            self.ours(store.flush())?;
            done += block.len();
            if done == changesets.len() {
                break;
            }
            if began.elapsed() > self.options.max_time {
                return Ok(done);
            }
        }
        let unseen: Vec<_> = Self::unseen(look, ledger).map(|(index, placed)| (index, placed.number.clone())).collect();
        for (index, number) in unseen {
            look.note(index, &number, ledger, &contents);
        }
        Ok(done)
    }

    /// Makes the commits of a block.
    fn emit(
        &self,
        look: &Look,
        symbols: &Symbols<'_>,
        ledger: &mut Ledger,
        changesets: &[Changeset],
        contents: &Contents,
        store: &mut ObjectStore,
    ) -> Result<(), ConvertError> {
        let mut emitter = self.emitter(ledger, store);
        for (done, changeset) in changesets.iter().enumerate() {
            if done.is_multiple_of(256) {
                self.watch.check(Stage::Convert)?;
                self.report("changesets", done, changesets.len());
            }
            let note = |unit: &Unit| look.note_with_unseen(unit.file, &unit.number, emitter.ledger, contents);
            let revisions: Vec<_> = changeset.units.iter().map(note).collect();
            let begin = |ledger: &Ledger, line: &LineName| symbols.begin_of(line, ledger);
            self.ours(emitter.commit(changeset, &revisions, begin))?;
            self.ours(look.join(symbols, changeset, &mut emitter))?;
        }
        Ok(())
    }

    fn emitter<'e>(&'e self, ledger: &'e mut Ledger, store: &'e mut ObjectStore) -> Emitter<'e> {
        let (authors, charset) = (&self.options.authors, self.options.cvs.charset);
        Emitter { ledger, store, authors, charset, tree: LineTree::default() }
    }

    /// Refs, and what the next run needs.
    fn state(
        &self,
        look: &Look,
        mut ledger: Ledger,
        mut store: ObjectStore,
        complete: bool,
        watermark: Watermark,
    ) -> Result<SourceState, ConvertError> {
        let symbols = Symbols::of(&look.histories, &look.ids, &look.placed);
        let mut emitter = self.emitter(&mut ledger, &mut store);
        let (mut refs, mut tags) = (Refs::new(), Vec::new());
        for name in symbols.lines() {
            if let Some(commit) = self.ours(line_tip(&symbols, &name, &mut emitter, complete))? {
                refs.insert(line_ref(&name), commit);
                if emitter.ledger.line(&name).is_none() {
                    tags.push((in_cvs(&name), commit));
                }
            }
        }
        for name in symbols.tags() {
            let manifest = symbols.tagged(name, emitter.ledger);
            if let Some(commit) = self.ours(emitter.symbol_commit(&manifest, &self.tagged(name)))? {
                refs.insert(tag_ref(name), commit);
                tags.push((name.to_vec(), commit));
            }
        }
        let state = CvsState { decisions: self.decisions(), ledger, tags };
        let tree = self.ours(state.write(&mut store))?;
        refs.retain(|name, _| self.options.filter.takes(name));
        let kept = self.ours(keep(&state.ledger, &refs, &mut store))?;
        self.ours(store.flush())?;
        self.cache.keep_tips(&refs.values().copied().chain(kept).chain([tree]).collect())?;
        Ok(SourceState {
            watermark,
            default_branch: refs.contains_key(TRUNK.as_bytes()).then(|| TRUNK.into()),
            refs,
            received_bytes: self.transport.received_bytes(),
            carried: Some(Carried { tree, kept }),
            complete,
            findings: Findings::default(),
        })
    }

    fn tagged(&self, name: &[u8]) -> String {
        let name = crate::source::text::decode_from(self.options.cvs.charset, name);
        format!("Tag {name}\n\nCVS names a revision of each file for it; no commit has just these.\n")
    }

    fn report(&self, unit: &'static str, done: usize, total: usize) {
        let mut progress = Progress::begin(Stage::Convert, unit);
        (progress.done, progress.total) = (done as u64, Some(total as u64));
        progress.received_bytes = self.transport.received_bytes();
        self.watch.progress(&progress);
    }

    fn ours<T, E: std::error::Error + Send + Sync + 'static>(&self, result: Result<T, E>) -> Result<T, ConvertError> {
        result.map_err(|error| {
            let text = format!("The worker's cache {} cannot be used.", self.cache.path().display());
            ConvertError::new(Outcome::Failure, Stage::Convert, text).caused_by(error)
        })
    }
}

/// A revision to be put into a changeset; none for one that no line shows.
pub(super) fn unit(file: usize, history: &FileHistory, placed: &Placed) -> Option<Unit> {
    let revision = history.revisions.get(&placed.number)?;
    Some(Unit {
        file,
        number: placed.number.clone(),
        seconds: revision.seconds,
        line: placed.line.clone()?,
        is_on_trunk: placed.is_on_trunk,
        author: revision.author.clone(),
        log: revision.log.clone(),
        commitid: revision.commitid.clone(),
        after: placed.after.clone(),
    })
}

impl Look {
    /// Notes a revision; with the first one of a file also those that no line shows: a branch may begin there.
    fn note_with_unseen(&self, index: usize, number: &Number, ledger: &mut Ledger, contents: &Contents) -> RevId {
        let is_first = !ledger.has_revisions(self.ids[index]);
        let revision = self.note(index, number, ledger, contents);
        if is_first {
            for placed in self.placed[index].iter().filter(|placed| placed.line.is_none()) {
                self.note(index, &placed.number, ledger, contents);
            }
        }
        revision
    }

    /// Notes a revision in the ledger.
    fn note(&self, index: usize, number: &Number, ledger: &mut Ledger, contents: &Contents) -> RevId {
        let file = self.ids[index];
        let seconds = self.histories[index].revisions.get(number).map_or(0, |revision| revision.seconds);
        let content = contents.get(&(index, number.clone())).copied();
        // After an import 1.1 is the vendor's first revision under another number.
        let vendor = Number::parse(b"1.1.1.1").and_then(|vendor| ledger.revision(file, &vendor));
        let like = vendor.filter(|_| number.to_string() == "1.1");
        ledger.add_revision(number.clone(), KnownRevision { file, seconds, content }, like)
    }

    /// A branch that has begun may have files that begin there later: they join it as soon as they are there.
    fn join(
        &self,
        symbols: &Symbols<'_>,
        changeset: &Changeset,
        emitter: &mut Emitter<'_>,
    ) -> Result<(), crate::shadow::ShadowError> {
        let mut joined: BTreeMap<&LineName, (LineId, Manifest)> = BTreeMap::new();
        for unit in &changeset.units {
            let file = self.ids[unit.file];
            let Some(revision) = emitter.ledger.revision(file, &unit.number) else { continue };
            if emitter.ledger.known(revision).content.is_none() {
                continue;
            }
            for (name, line) in symbols.joined_by(unit.file, &unit.number, emitter.ledger) {
                let manifest = &mut joined.entry(name).or_insert_with(|| (line, emitter.ledger.manifest(line))).1;
                manifest.insert(file, revision);
            }
        }
        let message = "Files that were added to the branch later\n";
        joined.into_values().try_for_each(|(line, manifest)| emitter.bring_to(line, &manifest, message))
    }
}

/// The commit that a line's ref names; none if there is nothing to show.
fn line_tip(
    symbols: &Symbols<'_>,
    name: &LineName,
    emitter: &mut Emitter<'_>,
    complete: bool,
) -> Result<Option<ObjectId>, crate::shadow::ShadowError> {
    let manifest = symbols.tip_of(name, emitter.ledger);
    let Some((line, _)) = emitter.ledger.line(name) else {
        let text = super::emit::begun(name);
        return emitter.symbol_commit(&manifest, &text);
    };
    if complete {
        let text = "What CVS shows now\n\nSymbols were moved, or files were changed in the repository itself.\n";
        emitter.bring_to(line, &manifest, text)?;
    }
    Ok(emitter.ledger.tip(line).map(|tip| emitter.ledger.commits[tip as usize].id))
}

/// A commit from which the tips of all lines can be reached that no ref names: later ones may begin there.
fn keep(ledger: &Ledger, refs: &Refs, store: &mut ObjectStore) -> Result<Option<ObjectId>, crate::objects::StoreError> {
    let shown: BTreeSet<_> = refs.values().collect();
    let tips = ledger.lines().filter_map(|(_, line, _)| Some(ledger.commits[ledger.tip(line)? as usize].id));
    let hidden: BTreeSet<_> = tips.filter(|tip| !shown.contains(tip)).collect();
    if hidden.is_empty() {
        return Ok(None);
    }
    let tree = store.write(Kind::Tree, Vec::new())?;
    let nobody = "codeimport <codeimport@localhost> 0 +0000";
    store
        .write(Kind::Commit, encode_commit(tree, hidden.into_iter(), nobody, b"Branches that are not shown\n"))
        .map(Some)
}
