//! What a run sees of its source, and how that comes into the ledger.

use super::changeset::{Changeset, Unit};
use super::emit::Emitter;
use super::history::{FileHistory, Histories};
use super::ledger::{Content, FileId, KnownRevision, Ledger, LineId, Manifest, RevId};
use super::place::{LineName, Placed, place};
use super::rcs::Number;
use super::symbols::Symbols;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What was read of the source, and where it belongs.
pub(super) struct Look {
    pub(super) histories: Histories,
    pub(super) ids: Vec<FileId>,
    /// Of each file, the revisions that no line shows.
    unshown: Vec<Vec<Number>>,
    /// Branch without a symbol -> indices of the files that have revisions there.
    pub(super) unlabelled: BTreeMap<Number, Vec<usize>>,
}

/// Contents of revisions, by index of the file.
pub(super) type Contents = HashMap<(usize, Number), Content>;

/// A revision to be put into a changeset; none for one that no line shows.
fn unit(file: usize, history: &FileHistory, placed: Placed) -> Option<Unit> {
    let revision = history.revisions.get(&placed.number)?;
    Some(Unit {
        file,
        number: placed.number,
        seconds: revision.seconds,
        line: placed.line?,
        is_on_trunk: placed.is_on_trunk,
        author: revision.author.clone(),
        log: revision.log.clone(),
        commitid: revision.commitid.clone(),
        after: placed.after,
    })
}

impl Look {
    /// Looks at files, whose ids in the ledger are given, and puts the new ones of their revisions into changesets' units.
    pub(super) fn at(
        histories: Histories,
        ids: Vec<FileId>,
        is_new: impl Fn(FileId, &Number) -> bool,
    ) -> (Self, Vec<Unit>) {
        let mut look = Self { histories, ids, unshown: Vec::new(), unlabelled: BTreeMap::new() };
        let mut units = Vec::new();
        for (index, history) in look.histories.files.iter().enumerate() {
            // What is needed of all of it at once is little: so a file is placed, and forgotten.
            let placed = place(history, &look.histories.names);
            let unshown = placed.iter().filter(|placed| placed.line.is_none());
            look.unshown.push(unshown.map(|placed| placed.number.clone()).collect());
            for branch in placed.iter().filter_map(unlabelled).collect::<BTreeSet<_>>() {
                look.unlabelled.entry(branch.clone()).or_default().push(index);
            }
            let new = placed.into_iter().filter(|placed| is_new(look.ids[index], &placed.number));
            units.extend(new.filter_map(|placed| unit(index, history, placed)));
        }
        (look, units)
    }

    /// Revisions that no line shows and that are not known yet. They are of no changeset, but a symbol may name one.
    pub(super) fn unseen<'l>(&'l self, ledger: &'l Ledger) -> impl Iterator<Item = (usize, &'l Number)> {
        let files = self.unshown.iter().enumerate();
        let all = files.flat_map(|(index, numbers)| numbers.iter().map(move |number| (index, number)));
        all.filter(|(index, number)| ledger.revision(self.ids[*index], number).is_none())
    }

    /// Notes a revision; with the first one of a file also those that no line shows: a branch may begin there.
    pub(super) fn note_with_unseen(
        &self,
        index: usize,
        number: &Number,
        ledger: &mut Ledger,
        contents: &Contents,
    ) -> RevId {
        let is_first = !ledger.has_revisions(self.ids[index]);
        let revision = self.note(index, number, ledger, contents);
        if is_first {
            for number in &self.unshown[index] {
                self.note(index, number, ledger, contents);
            }
        }
        revision
    }

    /// Notes a revision in the ledger.
    pub(super) fn note(&self, index: usize, number: &Number, ledger: &mut Ledger, contents: &Contents) -> RevId {
        let file = self.ids[index];
        let seconds = self.histories.files[index].revisions.get(number).map_or(0, |revision| revision.seconds);
        let content = contents.get(&(index, number.clone())).copied();
        // After an import 1.1 is the vendor's first revision under another number.
        let vendor = Number::parse(b"1.1.1.1").and_then(|vendor| ledger.revision(file, &vendor));
        let like = vendor.filter(|_| number.to_string() == "1.1");
        ledger.add_revision(number.clone(), KnownRevision { file, seconds, content }, like)
    }

    /// A branch that has begun may have files that begin there later: they join it as soon as they are there.
    pub(super) fn join(
        &self,
        symbols: &Symbols<'_>,
        changeset: &Changeset,
        emitter: &mut Emitter<'_>,
    ) -> Result<(), crate::shadow::ShadowError> {
        let mut joined: BTreeMap<LineName, (LineId, Manifest)> = BTreeMap::new();
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

fn unlabelled(placed: &Placed) -> Option<&Number> {
    match &placed.line {
        Some(LineName::Unlabelled(branch)) => Some(branch),
        _ => None,
    }
}
