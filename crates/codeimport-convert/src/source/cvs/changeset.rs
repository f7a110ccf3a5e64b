//! Which revisions were one commit. Pure.
//!
//! Later servers say it (`commitid`). Before them: the same author, the same message, the same line, one shortly after the
//! other, and no file twice.

use super::interner::WordsId;
use super::place::LineName;
use crate::rows::Rows;
use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
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
    after: [u32; 2],
}

impl Unit {
    /// A revision, and those of its file that must come first.
    pub(super) fn new(file: usize, at: usize, seconds: i64, is_on_trunk: bool, after: [Option<usize>; 2]) -> Self {
        let after = after.map(|before| before.map_or(NONE, number));
        let (file, at) = key(file, at);
        Self { file, at, seconds, is_on_trunk, after }
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

/// Revisions that may be of one changeset: they have all in common that its revisions have, but perhaps not the time.
struct Kind {
    line: Arc<LineName>,
    has_id: bool,
    units: Vec<Unit>,
}

/// Revisions to be put into changesets.
#[derive(Default)]
pub(super) struct Units {
    kinds: Rows<Kind>,
    /// The places of kinds: by the place of the line, and what else.
    kind_places: HashMap<(u32, Common), u32>,
    lines: HashMap<Arc<LineName>, u32>,
}

impl Units {
    pub(super) fn add(&mut self, line: LineName, common: Common, unit: Unit) {
        let (line, place) = self.line(line);
        let kind = *self.kind_places.entry((place, common)).or_insert_with(|| {
            self.kinds.push(Kind { line, has_id: matches!(common, Common::Id(_)), units: Vec::new() });
            number(self.kinds.len() - 1)
        });
        self.kinds[kind as usize].units.push(unit);
    }

    /// The line that others have, too, not another one like it; and its place.
    fn line(&mut self, line: LineName) -> (Arc<LineName>, u32) {
        if let Some((line, place)) = self.lines.get_key_value(&line) {
            return (line.clone(), *place);
        }
        let (line, place) = (Arc::new(line), number(self.lines.len()));
        self.lines.insert(line.clone(), place);
        (line, place)
    }
}

/// Puts revisions into changesets.
pub(super) fn group(Units { kinds, .. }: Units) -> Rows<Changeset> {
    kinds.into_iter().flat_map(split).collect()
}

/// Cuts revisions of a kind where, in order of dates, the pause is too long, or a file comes again.
fn split(Kind { line, has_id, mut units }: Kind) -> Vec<Changeset> {
    units.sort_unstable_by_key(|unit| (unit.seconds, unit.key()));
    let (mut files, mut last, mut open) = (HashSet::new(), i64::MIN, Vec::new());
    let mut changesets = Vec::new();
    for unit in units {
        let pauses = !has_id && unit.seconds.saturating_sub(last) > LONGEST_PAUSE;
        last = unit.seconds;
        if !open.is_empty() && (pauses || files.contains(&unit.file)) {
            changesets.push(together(&line, std::mem::take(&mut open)));
            files.clear();
        }
        files.insert(unit.file);
        open.push(unit);
    }
    changesets.push(together(&line, open));
    changesets
}

fn together(line: &Arc<LineName>, mut units: Vec<Unit>) -> Changeset {
    units.sort_unstable_by_key(|unit| unit.file);
    Changeset { line: line.clone(), units: units.into() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `file number seconds author/commitid [after…]`, one after the other. Numbers are of the trunk: `1.2` is the place 2.
    pub(in crate::source::cvs) fn units(text: &str) -> Units {
        let place = |text: &str| text.strip_prefix("1.").and_then(|text| text.parse().ok()).expect("of the trunk");
        // Of one letter each.
        let word = |text: &str| u32::from(text.as_bytes()[0]);
        let mut units = Units::default();
        for line in text.split(',') {
            let words: Vec<_> = line.split_whitespace().collect();
            let common = match words[3].split_once('/') {
                Some((_, id)) => Common::Id(NonZeroU32::new(word(id)).expect("a letter")),
                None => Common::AuthorAndLog(word(words[3]), 0),
            };
            let mut after = words[4..].iter().map(|word| place(word));
            let after = [after.next(), after.next()];
            let (file, seconds) = (words[0].parse().expect("a number"), words[2].parse().expect("a number"));
            units.add(LineName::Trunk, common, Unit::new(file, place(words[1]), seconds, true, after));
        }
        units
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
            assert_eq!(shown(group(units(text)).iter()), expected, "{text}");
        }
    }
}
