//! What a run sees of its source, and how that comes into the ledger.

use super::changeset::{Changeset, Common, Unit, Units, key};
use super::emit::{EmitError, Emitter};
use super::history::{FileHistory, Histories, Revision};
use super::interner::{Names, Symbol, Words};
use super::ledger::{Content, FileId, KnownRevision, Ledger, LineId, Manifest, RevId};
use super::long_list::LongList;
use super::named::NamedFiles;
use super::place::{LineName, Placed, named_branches, place};
use super::rcs::Number;
use super::symbols::Symbols;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::ops::Range;
use std::path::Path;

/// What was read of the source, and where it belongs.
pub(super) struct Look {
    /// In order of their paths. Elsewhere a file is its index here.
    pub(super) files: Vec<FileHistory>,
    /// What symbols are called.
    pub(super) names: Names,
    /// Accounts and messages.
    pub(super) words: Words,
    /// The files' ids in the ledger.
    pub(super) ids: Vec<FileId>,
    /// Of each file, the revisions that no line shows.
    unshown: Vec<Box<[usize]>>,
    /// Branch without a symbol -> the files that have revisions there.
    pub(super) unlabelled: BTreeMap<Number, Vec<usize>>,
    /// Which files have which symbols.
    pub(super) named: NamedFiles,
    /// Of all files the branches that are lines by their names, and where those of each file are.
    branches: LongList,
    branches_of: Vec<Range<usize>>,
}

/// Contents of revisions, by file and place in its history.
pub(super) type Contents = HashMap<(u32, u32), Content>;

/// A unit for a revision, unless no line shows it.
fn add(units: &mut Units, (file, at): (usize, usize), revision: &Revision, placed: Placed) {
    let Placed { line: Some(line), is_on_trunk, after } = placed else { return };
    let common = match revision.commitid {
        Some(id) => Common::Id(id),
        None => Common::AuthorAndLog(revision.author, revision.log),
    };
    units.add(line, common, Unit::new(file, at, revision.seconds, is_on_trunk, after));
}

impl Look {
    /// Looks at files, whose ids in the ledger are given, and puts the new ones of their revisions into changesets' units.
    /// `scratch`: a folder for what memory has no room for.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn at(
        histories: Histories,
        ids: Vec<FileId>,
        scratch: &Path,
        is_new: impl Fn(FileId, usize) -> bool,
    ) -> io::Result<(Self, Units)> {
        let named = NamedFiles::of(&histories, scratch)?;
        let Histories { files, names, words, symbols } = histories;
        let (mut units, mut unlabelled) = (Units::default(), BTreeMap::<_, Vec<_>>::new());
        let (mut branches, mut branches_of, mut unshown) = (LongList::new(scratch), Vec::new(), Vec::new());
        for (index, history) in files.iter().enumerate() {
            // What is needed of all of it at once is little: so a file is placed, and forgotten.
            let named = named_branches(&symbols.read::<Symbol>(history.symbols.clone())?, &names);
            let placed = place(history, &named, &names);
            branches_of.push(branches.extend(named)?);
            unshown.push((0..placed.len()).filter(|at| placed[*at].line.is_none()).collect());
            for branch in placed.iter().filter_map(without_name).collect::<BTreeSet<_>>() {
                unlabelled.entry(branch.clone()).or_default().push(index);
            }
            let all = history.revisions.iter().zip(placed).enumerate();
            for (at, (revision, placed)) in all.filter(|(at, _)| is_new(ids[index], *at)) {
                add(&mut units, (index, at), revision, placed);
            }
        }
        Ok((Self { files, names, words, ids, unshown, unlabelled, named, branches, branches_of }, units))
    }

    /// The revision of a unit.
    pub(super) fn revision(&self, unit: &Unit) -> &Revision {
        &self.files[unit.file as usize].revisions[unit.at as usize]
    }

    /// The branches of a file that are lines by their names, in order of their numbers.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn branches(&self, index: usize) -> io::Result<Vec<Symbol>> {
        self.branches.read(self.branches_of[index].clone())
    }

    /// Revisions that no line shows and that are not known yet: file and place. They are of no changeset, but a symbol may name
    /// one.
    pub(super) fn unseen(&self, ledger: &Ledger) -> impl Iterator<Item = (usize, usize)> {
        let files = self.unshown.iter().enumerate();
        let all = files.flat_map(|(index, places)| places.iter().map(move |at| (index, *at)));
        all.filter(|(index, at)| ledger.revision(self.ids[*index], *at).is_none())
    }

    /// Notes a revision; with the first one of a file also those that no line shows: a branch may begin there.
    pub(super) fn note_with_unseen(&self, unit: &Unit, ledger: &mut Ledger, contents: &Contents) -> RevId {
        let index = unit.file as usize;
        let is_first = !ledger.has_revisions(self.ids[index]);
        let revision = self.note(index, unit.at as usize, ledger, contents);
        if is_first {
            for at in &self.unshown[index] {
                self.note(index, *at, ledger, contents);
            }
        }
        revision
    }

    /// Notes a revision in the ledger.
    pub(super) fn note(&self, index: usize, at: usize, ledger: &mut Ledger, contents: &Contents) -> RevId {
        let (file, history) = (self.ids[index], &self.files[index]);
        let Revision { number, seconds, .. } = &history.revisions[at];
        let content = contents.get(&key(index, at)).copied();
        // After an import 1.1 is the vendor's first revision under another number.
        let vendor = Number::parse(b"1.1.1.1").filter(|_| matches!(*number.parts(), [1, 1]));
        let like = vendor.and_then(|vendor| self.find(index, &vendor, ledger));
        ledger.add_revision(at, number, KnownRevision { file, seconds: *seconds, content }, like)
    }

    /// The revision of a file that has a number, if it was converted.
    pub(super) fn find(&self, index: usize, number: &Number, ledger: &Ledger) -> Option<RevId> {
        match self.files[index].find(number) {
            Some(at) => ledger.revision(self.ids[index], at),
            None => ledger.unseen_revision(self.ids[index], number),
        }
    }

    /// A branch that has begun may have files that begin there later: they join it as soon as they are there.
    pub(super) fn join(
        &self,
        symbols: &Symbols<'_>,
        changeset: &Changeset,
        emitter: &mut Emitter<'_>,
    ) -> Result<(), EmitError> {
        let mut joined: BTreeMap<LineName, (LineId, Manifest)> = BTreeMap::new();
        for unit in &*changeset.units {
            let file = self.ids[unit.file as usize];
            let Some(revision) = emitter.ledger.revision(file, unit.at as usize) else { continue };
            if emitter.ledger.known(revision).content.is_none() {
                continue;
            }
            for (name, line) in symbols.joined_by(unit, emitter.ledger)? {
                let manifest = &mut joined.entry(name).or_insert_with(|| (line, emitter.ledger.manifest(line))).1;
                manifest.insert(file, revision);
            }
        }
        let message = "Files that were added to the branch later\n";
        joined.into_values().try_for_each(|(line, manifest)| emitter.bring_to(line, &manifest, message))
    }
}

fn without_name(placed: &Placed) -> Option<&Number> {
    match &placed.line {
        Some(LineName::Unlabelled(branch)) => Some(branch),
        _ => None,
    }
}
