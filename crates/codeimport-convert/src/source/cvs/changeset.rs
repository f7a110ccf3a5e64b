//! Which revisions were one commit. Pure.
//!
//! Later servers say it (`commitid`). Before them: the same author, the same message, the same line, one shortly after the
//! other, and no file twice.

use super::place::LineName;
use super::rcs::Number;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Longest pause within a commit, in seconds. CVS works through the files one by one, and a slow server takes its time.
const LONGEST_PAUSE: i64 = 300;

/// A revision to be put into a changeset. There are as many as revisions, so what others have, too, is not in it: who and why
/// tells the file's history, the line the changeset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Unit {
    /// Index of its file; files are in order of their paths.
    pub(super) file: usize,
    pub(super) number: Number,
    pub(super) seconds: i64,
    /// Whether the trunk shows it, too.
    pub(super) is_on_trunk: bool,
    /// Revisions of the same file that must come first.
    pub(super) after: [Option<Number>; 2],
}

/// Revisions that were committed together, each of another file, in order of files. Never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Changeset {
    /// The line that it was committed to.
    pub(super) line: LineName,
    pub(super) units: Box<[Unit]>,
}

impl Changeset {
    /// When it was done: the date of its newest revision.
    pub(super) fn seconds(&self) -> i64 {
        self.units.iter().map(|unit| unit.seconds).max().unwrap_or_default()
    }

    /// By what changesets are ordered where nothing else orders them. No two have the same.
    pub(super) fn key(&self) -> (i64, i64, &LineName, usize, &Number) {
        let first = &self.units[0];
        let oldest = self.units.iter().map(|unit| unit.seconds).min().unwrap_or_default();
        (self.seconds(), oldest, &self.line, first.file, &first.number)
    }
}

/// What the revisions of a changeset have in common.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Common {
    Id(Arc<[u8]>),
    AuthorAndLog(Arc<[u8]>, Arc<[u8]>),
}

/// Revisions to be put into changesets.
#[derive(Default)]
pub(super) struct Units {
    /// Each with the place of its kind.
    units: Vec<(u32, Unit)>,
    /// Kinds, each with its place: only revisions of one kind can be of one changeset.
    kinds: HashMap<(LineName, Common), u32>,
}

impl Units {
    pub(super) fn add(&mut self, line: LineName, common: Common, unit: Unit) {
        // CVS repositories have millions of revisions, not billions.
        let next = u32::try_from(self.kinds.len()).unwrap_or(u32::MAX);
        let kind = *self.kinds.entry((line, common)).or_insert(next);
        self.units.push((kind, unit));
    }
}

/// Puts revisions into changesets.
pub(super) fn group(all: Units) -> Vec<Changeset> {
    let Units { mut units, kinds } = all;
    let mut kinds: Vec<_> = kinds.into_iter().map(|(kind, place)| (place, kind)).collect();
    kinds.sort_unstable_by_key(|(place, _)| *place);
    let key = |(kind, unit): &(u32, Unit)| (*kind, unit.seconds, unit.file);
    units.sort_unstable_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.1.number.cmp(&b.1.number)));
    let groups = units.chunk_by(|a, b| a.0 == b.0);
    groups.zip(&kinds).flat_map(|(group, (_, (line, common)))| split(line, common, group)).collect()
}

/// Cuts a group, in order of dates, where the pause is too long, or a file comes again.
fn split(line: &LineName, common: &Common, group: &[(u32, Unit)]) -> Vec<Changeset> {
    let has_id = matches!(common, Common::Id(_));
    let (mut files, mut last, mut begin) = (HashSet::new(), i64::MIN, 0);
    let mut changesets = Vec::new();
    for (at, (_, unit)) in group.iter().enumerate() {
        let pauses = !has_id && unit.seconds.saturating_sub(last) > LONGEST_PAUSE;
        last = unit.seconds;
        if at > begin && (pauses || files.contains(&unit.file)) {
            changesets.push(together(line, &group[begin..at]));
            files.clear();
            begin = at;
        }
        files.insert(unit.file);
    }
    changesets.push(together(line, &group[begin..]));
    changesets
}

fn together(line: &LineName, units: &[(u32, Unit)]) -> Changeset {
    let mut units: Box<[_]> = units.iter().map(|(_, unit)| unit.clone()).collect();
    units.sort_by_key(|unit| unit.file);
    Changeset { line: line.clone(), units }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `file number seconds author/commitid [after…]`, one after the other.
    pub(in crate::source::cvs) fn units(text: &str) -> Units {
        let number = |text: &str| Number::parse(text.as_bytes()).expect("a number");
        let mut units = Units::default();
        for line in text.split(',') {
            let words: Vec<_> = line.split_whitespace().collect();
            let common = match words[3].split_once('/') {
                Some((_, id)) => Common::Id(id.as_bytes().into()),
                None => Common::AuthorAndLog(words[3].as_bytes().into(), Arc::from(*b"log\n")),
            };
            let mut after = words[4..].iter().map(|word| number(word));
            let unit = Unit {
                file: words[0].parse().expect("a number"),
                number: number(words[1]),
                seconds: words[2].parse().expect("a number"),
                is_on_trunk: true,
                after: [after.next(), after.next()],
            };
            units.add(LineName::Trunk, common, unit);
        }
        units
    }

    /// Each changeset as `file:number` words.
    pub(in crate::source::cvs) fn shown<'a>(changesets: impl IntoIterator<Item = &'a Changeset>) -> Vec<String> {
        let unit = |unit: &Unit| format!("{}:{}", unit.file, unit.number);
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
            assert_eq!(shown(&group(units(text))), expected, "{text}");
        }
    }
}
