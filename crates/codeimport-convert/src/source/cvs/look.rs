//! What a run sees of its source, and how that comes into the ledger.

use super::changeset::{Changeset, Common, Unit, Units};
use super::emit::Emitter;
use super::history::{Histories, Revision};
use super::interner::Symbol;
use super::ledger::{Content, FileId, KnownRevision, Ledger, LineId, Manifest, RevId};
use super::named::NamedFiles;
use super::place::{LineName, Placed, named_branches, place};
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
    /// Which files have which symbols.
    pub(super) named: NamedFiles,
    /// Of each file the branches that are lines by their names, in order of their numbers.
    pub(super) lines: Vec<Box<[Symbol]>>,
}

/// Contents of revisions, by index of the file.
pub(super) type Contents = HashMap<(usize, Number), Content>;

/// Adds a revision, unless no line shows it.
fn add(units: &mut Units, file: usize, revision: &Revision, placed: Placed) {
    let Placed { number, line: Some(line), is_on_trunk, after } = placed else { return };
    let common = match &revision.commitid {
        Some(id) => Common::Id(id.clone()),
        None => Common::AuthorAndLog(revision.author.clone(), revision.log.clone()),
    };
    units.add(line, common, Unit { file, number, seconds: revision.seconds, is_on_trunk, after });
}

impl Look {
    /// Looks at files, whose ids in the ledger are given, and puts the new ones of their revisions into changesets' units.
    pub(super) fn at(
        histories: Histories,
        ids: Vec<FileId>,
        is_new: impl Fn(FileId, &Number) -> bool,
    ) -> (Self, Units) {
        let (lines, named) = (Vec::new(), NamedFiles::default());
        let mut look = Self { histories, ids, unshown: Vec::new(), unlabelled: BTreeMap::new(), named, lines };
        let mut units = Units::default();
        for (index, history) in look.histories.files.iter().enumerate() {
            // What is needed of all of it at once is little: so a file is placed, and forgotten.
            let branches = named_branches(history, &look.histories.names);
            let placed = place(history, &branches, &look.histories.names);
            look.lines.push(branches.into());
            let unshown = placed.iter().filter(|placed| placed.line.is_none());
            look.unshown.push(unshown.map(|placed| placed.number.clone()).collect());
            for branch in placed.iter().filter_map(unlabelled).collect::<BTreeSet<_>>() {
                look.unlabelled.entry(branch.clone()).or_default().push(index);
            }
            let new = placed.into_iter().filter(|placed| is_new(look.ids[index], &placed.number));
            for placed in new {
                if let Some(revision) = history.revisions.get(&placed.number) {
                    add(&mut units, index, revision, placed);
                }
            }
        }
        look.named = NamedFiles::take(&mut look.histories);
        (look, units)
    }

    /// What the history says of a unit; it is a revision of there.
    pub(super) fn revision(&self, unit: &Unit) -> Option<&Revision> {
        self.histories.files.get(unit.file)?.revisions.get(&unit.number)
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
        for unit in &*changeset.units {
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
