//! Which revisions were one commit. Pure.
//!
//! Later servers say it (`commitid`). Before them: the same author, the same message, the same line, one shortly after the
//! other, and no file twice.

use super::interner::WordsId;
use super::packed;
use super::place::LineName;
use super::sorting::{Sorted, Sorting};
use std::collections::{HashMap, HashSet};
use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

/// Longest pause within a commit, in seconds. CVS works through the files one by one, and a slow server takes its time.
const LONGEST_PAUSE: i64 = 300;

/// Stands for no revision.
const NONE: u32 = u32::MAX;

/// A revision to be put into a changeset. There are as many as revisions, so what others have, too, is not in it: who and why
/// tells the file's history, the line the changeset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unit {
    /// Index of its file; files are in order of their paths.
    pub(super) file: u32,
    /// Its place among the revisions of its file.
    pub(super) at: u32,
    pub(super) seconds: i64,
    /// Whether the trunk shows it, too.
    pub(super) is_on_trunk: bool,
    /// Whether the file is removed there.
    pub(super) is_dead: bool,
    pub(super) after: [u32; 2],
}

impl Unit {
    /// Numbers of a unit that is put away.
    pub(super) const NUMBERS: usize = 7;

    /// A revision that is no removal, and those of its file that must come first.
    pub(super) fn new(file: usize, at: usize, seconds: i64, is_on_trunk: bool, after: [Option<usize>; 2]) -> Self {
        let after = after.map(|before| before.map_or(NONE, number));
        let (file, at) = key(file, at);
        Self { file, at, seconds, is_on_trunk, is_dead: false, after }
    }

    /// The revision, by its file and its place there.
    pub(super) fn key(&self) -> (u32, u32) {
        (self.file, self.at)
    }

    /// The keys of those that must come first.
    pub(super) fn after(&self) -> impl Iterator<Item = (u32, u32)> {
        let file = self.file;
        self.after.into_iter().filter(|before| *before != NONE).map(move |before| (file, before))
    }

    /// As it is put away: in order of dates, then of files.
    pub(super) fn numbers(&self) -> [u32; Self::NUMBERS] {
        let ([high, low], [after, also]) = (packed::date(self.seconds), self.after);
        let marks = u32::from(self.is_on_trunk) | u32::from(self.is_dead) << 1;
        [high, low, self.file, self.at, marks, after, also]
    }
}

impl From<[u32; Unit::NUMBERS]> for Unit {
    fn from([high, low, file, at, marks, after, also]: [u32; Unit::NUMBERS]) -> Self {
        let (is_on_trunk, is_dead) = (marks & 1 > 0, marks & 2 > 0);
        Self { file, at, seconds: packed::seconds([high, low]), is_on_trunk, is_dead, after: [after, also] }
    }
}

/// A revision by its file and its place there, as units have it.
pub(super) fn key(file: usize, at: usize) -> (u32, u32) {
    (number(file), number(at))
}

/// CVS repositories have millions of files and revisions, not billions.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NONE)
}

/// Revisions that were committed together, each of another file, in order of files. Never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Changeset {
    /// The line that it was committed to.
    pub(super) line: Arc<LineName>,
    pub(super) units: Box<[Unit]>,
}

impl Changeset {
    /// Units in any order.
    pub(super) fn of(line: Arc<LineName>, mut units: Vec<Unit>) -> Self {
        units.sort_unstable_by_key(|unit| unit.file);
        Self { line, units: units.into() }
    }

    /// When it was done: the date of its newest revision.
    pub(super) fn seconds(&self) -> i64 {
        self.units.iter().map(|unit| unit.seconds).max().unwrap_or_default()
    }

    /// By what changesets are ordered where nothing else orders them. No two have the same.
    pub(super) fn key(&self) -> (i64, i64, &LineName, (u32, u32)) {
        let oldest = self.units.iter().map(|unit| unit.seconds).min().unwrap_or_default();
        (self.seconds(), oldest, &self.line, self.units[0].key())
    }
}

/// What the revisions of a changeset have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Common {
    Id(NonZeroU32),
    AuthorAndLog(WordsId, WordsId),
}

impl Common {
    /// The first number of an id.
    const ID: u32 = 0;

    fn numbers(self) -> [u32; KIND - 1] {
        match self {
            Self::Id(id) => [Self::ID, id.get(), 0],
            Self::AuthorAndLog(author, log) => [1, author, log],
        }
    }
}

/// Revisions to be put into changesets. What they have in common comes first in a row, so those that may be of one changeset come
/// together, by their dates.
pub(super) struct Units {
    rows: Sorting<ROW>,
    lines: Vec<Arc<LineName>>,
    line_places: HashMap<Arc<LineName>, u32>,
}

/// Numbers of a row: the kind, and the unit.
const ROW: usize = KIND + Unit::NUMBERS;

/// Numbers of a kind: the place of the line, and what else revisions of a changeset have in common.
const KIND: usize = 4;

/// All revisions, in order.
pub(super) struct Grouped {
    rows: Sorted<ROW>,
    lines: Vec<Arc<LineName>>,
}

impl Units {
    /// None yet. `scratch`: a folder for what memory has no room for.
    pub(super) fn new(scratch: &Path) -> Self {
        Self { rows: Sorting::new(scratch), lines: Vec::new(), line_places: HashMap::new() }
    }

    /// # Errors
    ///
    /// The disk's.
    pub(super) fn add(&mut self, line: LineName, common: Common, unit: Unit) -> io::Result<()> {
        let (line, common) = (self.line(line), common.numbers());
        let mut row = [0; ROW];
        row[0] = line;
        row[1..KIND].copy_from_slice(&common);
        row[KIND..].copy_from_slice(&unit.numbers());
        self.rows.push(row)
    }

    /// All of them.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn finish(self) -> io::Result<Grouped> {
        Ok(Grouped { rows: self.rows.finish()?, lines: self.lines })
    }

    /// The place of a line.
    fn line(&mut self, line: LineName) -> u32 {
        if let Some(place) = self.line_places.get(&line) {
            return *place;
        }
        let (line, place) = (Arc::new(line), number(self.lines.len()));
        self.lines.push(line.clone());
        self.line_places.insert(line, place);
        place
    }
}

impl Grouped {
    /// The lines that they were committed to.
    pub(super) fn lines(&self) -> &[Arc<LineName>] {
        &self.lines
    }

    /// The changesets, in no order that means anything.
    pub(super) fn changesets(&self) -> impl Iterator<Item = io::Result<Changeset>> {
        let (mut rows, mut open) = (self.rows.iter(), Open::default());
        std::iter::from_fn(move || {
            loop {
                let row = match rows.next() {
                    Some(Ok(row)) => row,
                    Some(Err(error)) => return Some(Err(error)),
                    None => return open.close(&self.lines).map(Ok),
                };
                if let Some(changeset) = open.add(row, &self.lines) {
                    return Some(Ok(changeset));
                }
            }
        })
    }
}

/// The changeset that the next revision may be of.
#[derive(Default)]
struct Open {
    kind: [u32; KIND],
    units: Vec<Unit>,
    files: HashSet<u32>,
    last: i64,
}

impl Open {
    /// Adds a revision, in order of kinds and dates. Gives the changeset that ends before it: the pause is too long, or a file comes
    /// again.
    fn add(&mut self, row: [u32; ROW], lines: &[Arc<LineName>]) -> Option<Changeset> {
        let kind: [u32; KIND] = std::array::from_fn(|at| row[at]);
        let unit = Unit::from(std::array::from_fn(|at| row[KIND + at]));
        let pauses = kind[1] != Common::ID && unit.seconds.saturating_sub(self.last) > LONGEST_PAUSE;
        let ends = kind != self.kind || pauses || self.files.contains(&unit.file);
        let ended = if ends { self.close(lines) } else { None };
        (self.kind, self.last) = (kind, unit.seconds);
        self.files.insert(unit.file);
        self.units.push(unit);
        ended
    }

    /// Gives what there is, if anything.
    fn close(&mut self, lines: &[Arc<LineName>]) -> Option<Changeset> {
        self.files.clear();
        let units = std::mem::take(&mut self.units);
        (!units.is_empty()).then(|| Changeset::of(lines[self.kind[0] as usize].clone(), units))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `file number seconds author/commitid [after…]`, one after the other. Numbers are of the trunk: `1.2` is the place 2.
    pub(in crate::source::cvs) fn units(text: &str) -> Grouped {
        let place = |text: &str| text.strip_prefix("1.").and_then(|text| text.parse().ok()).expect("of the trunk");
        // Of one letter each.
        let word = |text: &str| u32::from(text.as_bytes()[0]);
        // Few enough for memory.
        let mut units = Units::new(Path::new("/nowhere"));
        for line in text.split(',') {
            let words: Vec<_> = line.split_whitespace().collect();
            let common = match words[3].split_once('/') {
                Some((_, id)) => Common::Id(NonZeroU32::new(word(id)).expect("a letter")),
                None => Common::AuthorAndLog(word(words[3]), 0),
            };
            let mut after = words[4..].iter().map(|word| place(word));
            let after = [after.next(), after.next()];
            let (file, seconds) = (words[0].parse().expect("a number"), words[2].parse().expect("a number"));
            let unit = Unit::new(file, place(words[1]), seconds, true, after);
            units.add(LineName::Trunk, common, unit).expect("no disk");
        }
        units.finish().expect("no disk")
    }

    /// Each changeset as `file:number` words.
    pub(in crate::source::cvs) fn shown<'a>(changesets: impl IntoIterator<Item = &'a Changeset>) -> Vec<String> {
        let unit = |unit: &Unit| format!("{}:1.{}", unit.file, unit.at);
        let show = |changeset: &Changeset| changeset.units.iter().map(unit).collect::<Vec<_>>().join(" ");
        changesets.into_iter().map(show).collect()
    }

    #[test]
    fn revisions_are_grouped_as_they_were_committed() {
        let cases = [
            ("0 1.1 10 a, 1 1.1 12 a, 2 1.1 400 a", vec!["0:1.1 1:1.1", "2:1.1"]),
            ("0 1.1 0 a, 1 1.1 300 a, 2 1.1 600 a", vec!["0:1.1 1:1.1 2:1.1"]),
            ("0 1.1 10 a, 1 1.1 12 b", vec!["0:1.1", "1:1.1"]),
            ("0 1.1 10 a, 0 1.2 11 a, 1 1.1 12 a", vec!["0:1.1", "0:1.2 1:1.1"]),
            ("0 1.1 10 a/x, 1 1.1 9999 a/x, 2 1.1 10 a/y", vec!["0:1.1 1:1.1", "2:1.1"]),
            ("0 1.1 10 a/x, 0 1.2 11 a/x", vec!["0:1.1", "0:1.2"]),
        ];
        for (text, expected) in cases {
            let changesets: Vec<_> = units(text).changesets().map(|one| one.expect("no disk")).collect();
            assert_eq!(shown(&changesets), expected, "{text}");
        }
    }
}
