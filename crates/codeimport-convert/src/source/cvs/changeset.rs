//! Which revisions were one commit. Pure.
//!
//! Later servers say it (`commitid`). Before them: the same author, the same message, the same line, one shortly after the
//! other, and no file twice.

use super::place::LineName;
use super::rcs::Number;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Longest pause within a commit, in seconds. CVS works through the files one by one, and a slow server takes its time.
const LONGEST_PAUSE: i64 = 300;

/// A revision to be put into a changeset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Unit {
    /// Index of its file; files are in order of their paths.
    pub(super) file: usize,
    pub(super) number: Number,
    pub(super) seconds: i64,
    pub(super) line: LineName,
    /// Whether the trunk shows it, too.
    pub(super) is_on_trunk: bool,
    pub(super) author: Arc<[u8]>,
    pub(super) log: Arc<[u8]>,
    pub(super) commitid: Option<Arc<[u8]>>,
    /// Revisions of the same file that must come first.
    pub(super) after: Vec<Number>,
}

/// Revisions that were committed together, each of another file, in order of files. Never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Changeset {
    pub(super) units: Vec<Unit>,
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
        (self.seconds(), oldest, &first.line, first.file, &first.number)
    }
}

/// What the revisions of a changeset have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Common {
    Id(Arc<[u8]>),
    AuthorAndLog(Arc<[u8]>, Arc<[u8]>),
}

/// Puts revisions into changesets.
pub(super) fn group(units: Vec<Unit>) -> Vec<Changeset> {
    let mut groups: BTreeMap<(LineName, Common), Vec<Unit>> = BTreeMap::new();
    for unit in units {
        let common = match &unit.commitid {
            Some(id) => Common::Id(id.clone()),
            None => Common::AuthorAndLog(unit.author.clone(), unit.log.clone()),
        };
        groups.entry((unit.line.clone(), common)).or_default().push(unit);
    }
    groups.into_values().flat_map(split).collect()
}

/// Cuts a group where the pause is too long, or a file comes again.
fn split(mut group: Vec<Unit>) -> Vec<Changeset> {
    group.sort_by(|a, b| (a.seconds, a.file, &a.number).cmp(&(b.seconds, b.file, &b.number)));
    let mut changesets: Vec<Changeset> = Vec::new();
    let (mut files, mut last) = (HashSet::new(), i64::MIN);
    for unit in group {
        let pauses = unit.commitid.is_none() && unit.seconds.saturating_sub(last) > LONGEST_PAUSE;
        last = unit.seconds;
        if pauses || files.contains(&unit.file) {
            files.clear();
        }
        let begins = files.is_empty();
        files.insert(unit.file);
        match changesets.last_mut() {
            Some(changeset) if !begins => changeset.units.push(unit),
            _ => changesets.push(Changeset { units: vec![unit] }),
        }
    }
    for changeset in &mut changesets {
        changeset.units.sort_by_key(|unit| unit.file);
    }
    changesets
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `file number seconds author/commitid [after…]`, one after the other.
    pub(in crate::source::cvs) fn units(text: &str) -> Vec<Unit> {
        let number = |text: &str| Number::parse(text.as_bytes()).expect("a number");
        let unit = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            let (author, id) = words[3].split_once('/').map_or((words[3], None), |(author, id)| (author, Some(id)));
            Unit {
                file: words[0].parse().expect("a number"),
                number: number(words[1]),
                seconds: words[2].parse().expect("a number"),
                line: LineName::Trunk,
                is_on_trunk: true,
                author: author.as_bytes().into(),
                log: Arc::from(*b"log\n"),
                commitid: id.map(|id| id.as_bytes().into()),
                after: words[4..].iter().map(|word| number(word)).collect(),
            }
        };
        text.split(',').map(unit).collect()
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
