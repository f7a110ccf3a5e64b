//! What a run sees of its source, and how that comes into the ledger.

use super::changeset::{Changeset, Common, Grouped, Unit, Units};
use super::contents::Contents;
use super::emit::{EmitError, Emitter};
use super::history::{FileHistory, Histories, Revision, Revisions};
use super::interner::{Names, Symbol, Words};
use super::ledger::{FileId, KnownRevision, Ledger, LineId, Manifest, RevId};
use super::long_list::LongList;
use super::named::NamedFiles;
use super::place::{LineName, Placed, named_branches, place};
use super::rcs::Number;
use super::symbols::Symbols;
use super::transport::Wanted;
use std::collections::{BTreeMap, BTreeSet};
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
    revisions: Revisions,
    /// The files' ids in the ledger.
    pub(super) ids: Vec<FileId>,
    /// Of each file, the revisions that no line shows.
    unshown: Vec<Box<[usize]>>,
    /// Branch without a symbol -> the files that have revisions there.
    pub(super) unlabelled: BTreeMap<Number, Vec<usize>>,
    /// Which files have which symbols.
    pub(super) named: NamedFiles,
    /// Of all files the branches that are lines by their names, and where those of each file are.
    branches: LongList<2>,
    branches_of: Vec<Range<usize>>,
}

/// A unit for a revision, unless no line shows it.
fn add(units: &mut Units, (file, at): (usize, usize), revision: Revision, placed: Placed) -> io::Result<()> {
    let Placed { line: Some(line), is_on_trunk, after } = placed else { return Ok(()) };
    let common = match revision.commitid {
        Some(id) => Common::Id(id),
        None => Common::AuthorAndLog(revision.author, revision.log),
    };
    let unit = Unit::new(file, at, revision.seconds, is_on_trunk, after);
    units.add(line, common, Unit { is_dead: revision.is_dead, ..unit })
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
    ) -> io::Result<(Self, Grouped)> {
        let named = NamedFiles::of(&histories, scratch)?;
        let Histories { files, names, words, symbols, revisions } = histories;
        let (mut units, mut unlabelled) = (Units::new(scratch), BTreeMap::<_, Vec<_>>::new());
        let (mut branches, mut branches_of, mut unshown) = (LongList::new(scratch), Vec::new(), Vec::new());
        for (index, history) in files.iter().enumerate() {
            // What is needed of all of it at once is little: so a file is placed, and forgotten.
            let named = named_branches(&symbols.read::<Symbol>(history.symbols.clone())?, &names);
            let told = revisions.of(history)?;
            let placed = place(history, &told, &named, &names);
            branches_of.push(branches.extend(named)?);
            unshown.push((0..placed.len()).filter(|at| placed[*at].line.is_none()).collect());
            for branch in placed.iter().filter_map(without_name).collect::<BTreeSet<_>>() {
                unlabelled.entry(branch.clone()).or_default().push(index);
            }
            let all = told.into_iter().zip(placed).enumerate();
            for (at, (revision, placed)) in all.filter(|(at, _)| is_new(ids[index], *at)) {
                add(&mut units, (index, at), revision, placed)?;
            }
        }
        let look = Self { files, names, words, revisions, ids, unshown, unlabelled, named, branches, branches_of };
        Ok((look, units.finish()?))
    }

    /// The number of a unit's revision.
    pub(super) fn number(&self, unit: &Unit) -> &Number {
        &self.files[unit.file as usize].numbers[unit.at as usize]
    }

    /// What is said of a revision.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn revision(&self, index: usize, at: usize) -> io::Result<Revision> {
        self.revisions.get(&self.files[index], at)
    }

    /// What is said of all revisions of a file.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn revisions(&self, index: usize) -> io::Result<Vec<Revision>> {
        self.revisions.of(&self.files[index])
    }

    /// What is to be asked for of a file, by the keys of its revisions.
    pub(super) fn wanted<'w>(&'w self, keys: &'w [(u32, u32)]) -> Wanted<'w> {
        let FileHistory { path, numbers, .. } = &self.files[keys[0].0 as usize];
        Wanted { path, known: numbers, keys }
    }

    /// Author and message of a changeset.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn told(&self, changeset: &Changeset) -> io::Result<(&[u8], &[u8])> {
        // All of its revisions have the same.
        let unit = &changeset.units[0];
        let Revision { author, log, .. } = self.revision(unit.file as usize, unit.at as usize)?;
        Ok((self.words.get(author), self.words.get(log)))
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
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn note_with_unseen(&self, unit: &Unit, ledger: &mut Ledger, contents: &Contents) -> io::Result<RevId> {
        let index = unit.file as usize;
        let is_first = !ledger.has_revisions(self.ids[index]);
        let revision = self.note((index, unit.at as usize), unit.seconds, ledger, contents)?;
        if is_first {
            self.unshown[index].iter().try_for_each(|at| self.note_unseen(index, *at, ledger, contents))?;
        }
        Ok(revision)
    }

    /// Notes a revision that no line shows.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn note_unseen(
        &self,
        index: usize,
        at: usize,
        ledger: &mut Ledger,
        contents: &Contents,
    ) -> io::Result<()> {
        self.note((index, at), self.revision(index, at)?.seconds, ledger, contents).map(drop)
    }

    /// Notes a revision in the ledger.
    fn note(
        &self,
        (index, at): (usize, usize),
        seconds: i64,
        ledger: &mut Ledger,
        contents: &Contents,
    ) -> io::Result<RevId> {
        let (file, history) = (self.ids[index], &self.files[index]);
        let (number, content) = (&history.numbers[at], contents.get(history, at)?);
        // After an import 1.1 is the vendor's first revision under another number.
        let vendor = Number::parse(b"1.1.1.1").filter(|_| matches!(*number.parts(), [1, 1]));
        let like = vendor.and_then(|vendor| self.find(index, &vendor, ledger));
        ledger.add_revision(at, number, KnownRevision { file, seconds, content }, like)
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
            if !emitter.ledger.is_there(revision) {
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
