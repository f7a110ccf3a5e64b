//! What symbols name: for each of them a revision of some files.

use super::changeset::Unit;
use super::interner::Symbol;
use super::ledger::{Ledger, LineId, Manifest};
use super::look::Look;
use super::named::NameKind;
use super::place::{LineName, trunk};
use super::rcs::Number;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// The symbols of all files, and the branches without one.
pub(super) struct Symbols<'a> {
    pub(super) look: &'a Look,
    /// Symbol -> its place in the names.
    places: BTreeMap<Arc<[u8]>, u32>,
    /// Symbols that are a branch in some file.
    branches: BTreeSet<Arc<[u8]>>,
}

impl<'a> Symbols<'a> {
    pub(super) fn of(look: &'a Look) -> Self {
        let (mut places, mut branches) = (BTreeMap::new(), BTreeSet::new());
        for (place, name) in (0..).zip(look.names.texts()) {
            let kind = look.named.kind(place);
            if kind != NameKind::Unused {
                places.insert(name.clone(), place);
            }
            if kind == NameKind::Branch {
                branches.insert(name.clone());
            }
        }
        Self { look, places, branches }
    }

    /// The files that have a symbol, and the number that it stands for there.
    fn files(&self, name: &[u8]) -> io::Result<impl Iterator<Item = (usize, &Number)>> {
        let named = self.places.get(name).map_or(Ok(Vec::new()), |place| self.look.named.files(*place))?;
        Ok(named.into_iter().map(|named| (named.file as usize, self.look.names.number_at(named.number))))
    }

    /// The files that have revisions on a branch without a name.
    fn unlabelled<'n>(&'n self, number: &'n Number) -> impl Iterator<Item = (usize, &'n Number)> {
        self.look.unlabelled.get(number).into_iter().flatten().map(move |file| (*file, number))
    }

    /// All names that are a tag in every file.
    pub(super) fn tags(&self) -> impl Iterator<Item = &Arc<[u8]>> {
        self.places.keys().filter(|name| !self.branches.contains(*name))
    }

    /// All lines that there are by name, whether they have commits of their own or not.
    pub(super) fn lines(&self) -> Vec<LineName> {
        let named = self.branches.iter().cloned().map(LineName::Branch);
        let unlabelled = self.look.unlabelled.keys().cloned().map(LineName::Unlabelled);
        std::iter::once(LineName::Trunk).chain(named).chain(unlabelled).collect()
    }

    /// The lines that a file comes to with this revision: they have begun, do not show the file, and never did by a revision
    /// of their own.
    pub(super) fn joined_by(&self, unit: &Unit, ledger: &Ledger) -> io::Result<Vec<(LineName, LineId)>> {
        let index = unit.file as usize;
        let (file, history, names) = (self.look.ids[index], &self.look.files[index], &self.look.names);
        let joins = |symbol: Symbol| {
            let (name, branch) = (LineName::Branch(names.text(symbol).clone()), names.number(symbol));
            let (line, _) = ledger.line(&name)?;
            let has_own = history.on_branch(branch).any(|own| ledger.revision(file, own).is_some());
            (!has_own && ledger.shows(line, file).is_none()).then_some((name, line))
        };
        Ok(self.begun_at(unit)?.into_iter().filter_map(joins).collect())
    }

    /// The branches of a file that begin at a revision.
    fn begun_at(&self, unit: &Unit) -> io::Result<Vec<Symbol>> {
        let index = unit.file as usize;
        let (names, branches, number) = (&self.look.names, self.look.branches(index)?, self.look.number(unit));
        // Their numbers begin with the revision's: so they stand together behind it, but for branches of branches.
        let behind = branches.partition_point(|symbol| names.number(*symbol) < number);
        let parts = number.parts();
        let rest = branches[behind..].iter().take_while(|symbol| names.number(**symbol).parts().starts_with(&parts));
        let begins_here = |symbol: &Symbol| -> io::Result<bool> {
            let branch = names.number(*symbol);
            Ok(branch.parts().len() == parts.len() + 1
                && self.begin(index, branch)?.is_some_and(|begin| begin == *number))
        };
        let told = rest.map(|symbol| Ok(begins_here(symbol)?.then_some(*symbol)));
        told.filter_map(io::Result::transpose).collect()
    }

    /// What a tag names, as far as it is converted.
    pub(super) fn tagged(&self, name: &[u8], ledger: &Ledger) -> io::Result<Manifest> {
        self.manifest(self.files(name)?.map(|(file, number)| Ok((file, Some(number.clone())))), ledger)
    }

    /// What a line shows before its first commit, as far as it is converted.
    pub(super) fn begin_of(&self, line: &LineName, ledger: &Ledger) -> io::Result<Manifest> {
        let begin = |(file, number): (usize, &Number)| Ok((file, self.begin(file, number)?));
        match line {
            LineName::Trunk => Ok(Manifest::new()),
            LineName::Branch(name) => self.manifest(self.files(name)?.map(begin), ledger),
            LineName::Unlabelled(number) => self.manifest(self.unlabelled(number).map(begin), ledger),
        }
    }

    /// What CVS shows of a line now, as far as it is converted.
    pub(super) fn tip_of(&self, line: &LineName, ledger: &Ledger) -> io::Result<Manifest> {
        let files = &self.look.files;
        let tip = |(file, number): (usize, &Number)| {
            if number.is_revision() {
                return Ok((file, Some(number.clone())));
            }
            let own = self.first_known(file, files[file].on_branch(number).rev(), ledger);
            Ok((file, own.or_else(|| number.branchpoint())))
        };
        let on_trunk = |file: usize| {
            let trunk = trunk(&files[file], &self.look.revisions(file)?);
            Ok((file, self.first_known(file, trunk.into_iter().rev(), ledger)))
        };
        match line {
            LineName::Trunk => self.manifest((0..files.len()).map(on_trunk), ledger),
            LineName::Branch(name) => self.manifest(self.files(name)?.map(tip), ledger),
            LineName::Unlabelled(number) => self.manifest(self.unlabelled(number).map(tip), ledger),
        }
    }

    /// The first of some places in a file's history whose revision is converted.
    fn first_known(&self, file: usize, mut places: impl Iterator<Item = usize>, ledger: &Ledger) -> Option<Number> {
        let known = places.find(|at| ledger.revision(self.look.ids[file], *at).is_some())?;
        Some(self.look.files[file].numbers[known].clone())
    }

    /// Files that are there, with their revisions; removed ones are not.
    fn manifest(
        &self,
        files: impl Iterator<Item = io::Result<(usize, Option<Number>)>>,
        ledger: &Ledger,
    ) -> io::Result<Manifest> {
        let alive = |(index, number): (usize, Option<Number>)| {
            let revision = self.look.find(index, &number?, ledger)?;
            ledger.is_there(revision).then_some((self.look.ids[index], revision))
        };
        files.filter_map(|file| file.map(alive).transpose()).collect()
    }

    /// What a file shows on a line before its first revision there.
    ///
    /// A vendor's branch begins with nothing. Neither does a file show anything that was added on a branch after it had been
    /// there on the trunk: CVS says so by a removal, in words of its own, in front of the first real revision.
    fn begin(&self, index: usize, number: &Number) -> io::Result<Option<Number>> {
        if number.is_revision() {
            return Ok(Some(number.clone()));
        }
        let first = self.look.files[index].on_branch(number).next();
        let first = first.map(|first| self.look.revision(index, first)).transpose()?;
        let was_added = first.filter(|first| first.is_dead).is_some_and(|first| {
            let log = self.look.words.get(first.log);
            log.starts_with(b"file ") && log.windows(ADDED.len()).any(|words| words == ADDED)
        });
        Ok(if was_added || number.is_vendor_branch() { None } else { number.branchpoint() })
    }
}

/// CVS's words for a file that comes to a branch later.
const ADDED: &[u8] = b" was added on branch ";
