//! In which order changesets were made. It is total: the same changesets always come in the same order.
//!
//! By date, but never before what they depend on: clocks of servers and clients differ. Changesets that depend on each other
//! in a circle were none; they are taken apart until no circle is left.
//!
//! Changesets that are newer than all others, and that none of the others depends on, come last and change nothing about the
//! order of the rest. So what was converted once stays as it was when more comes.
//!
//! They come by date from the disk, and go on at once. In memory are only those that wait for one with a later date; where there
//! are circles, once, also all that depends on these.

use super::changeset::{Changeset, Grouped, Unit};
use super::circles::take_circles_apart;
use super::packed;
use super::place::LineName;
use super::sorting::{Sorted, Sorting};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Hands changesets over in order, and tells of each whether `is_settled` holds for it and all that it depends on. `scratch`: a folder
/// for what memory has no room for.
///
/// # Errors
///
/// The disk's, and those of `take`.
pub(super) fn order(
    grouped: &Grouped,
    scratch: &Path,
    is_settled: impl Fn(i64) -> bool,
    mut take: impl FnMut(Changeset, bool) -> io::Result<()>,
) -> io::Result<()> {
    let mut dated = Dated::of(grouped.changesets(), grouped.lines(), scratch)?;
    let left = dated.in_order(|_| Ok(()))?;
    if !left.is_empty() {
        dated = dated.without_circles(&left, scratch)?;
    }
    let mut unsettled = Marks::default();
    dated.in_order(|changeset| {
        let waits = changeset.units.iter().flat_map(Unit::after).any(|key| unsettled.has(key));
        let settled = !waits && is_settled(changeset.seconds());
        if !settled {
            changeset.units.iter().for_each(|unit| unsettled.put(unit.key()));
        }
        take(changeset, settled)
    })?;
    Ok(())
}

/// Changesets by their keys. Those of a changeset's revisions come first in a row.
struct Dated {
    rows: Sorted<ROW>,
    /// In order of their names.
    lines: Vec<Arc<LineName>>,
    /// All revisions.
    revisions: Marks,
}

/// Numbers of a row: the key, and the unit.
const ROW: usize = KEY + Unit::NUMBERS;

/// Numbers of a key.
const KEY: usize = 7;

impl Dated {
    fn of(
        changesets: impl Iterator<Item = io::Result<Changeset>>,
        lines: &[Arc<LineName>],
        scratch: &Path,
    ) -> io::Result<Self> {
        let (mut lines, mut revisions, mut rows) = (lines.to_vec(), Marks::default(), Sorting::new(scratch));
        lines.sort_unstable();
        for changeset in changesets {
            let changeset = changeset?;
            let key = key(&changeset, &lines);
            for unit in &*changeset.units {
                let mut row = [0; ROW];
                row[..KEY].copy_from_slice(&key);
                row[KEY..].copy_from_slice(&unit.numbers());
                rows.push(row)?;
                revisions.put(unit.key());
            }
        }
        Ok(Self { rows: rows.finish()?, lines, revisions })
    }

    /// All by their keys.
    fn changesets(&self) -> impl Iterator<Item = io::Result<Changeset>> {
        let mut rows = self.rows.iter().peekable();
        let unit = |row: [u32; ROW]| Unit::from(std::array::from_fn(|at| row[KEY + at]));
        std::iter::from_fn(move || {
            let first = match rows.next()? {
                Ok(row) => row,
                Err(error) => return Some(Err(error)),
            };
            let is_same = |row: &io::Result<[u32; ROW]>| row.as_ref().is_ok_and(|row| row[..KEY] == first[..KEY]);
            let others = std::iter::from_fn(|| rows.next_if(is_same)?.ok());
            let units = std::iter::once(first).chain(others).map(unit).collect();
            Some(Ok(Changeset::of(self.lines[first[4] as usize].clone(), units)))
        })
    }

    /// Hands over all that are in no circle and depend on none, each behind what it depends on, else by key. Gives the rest.
    fn in_order(&self, mut take: impl FnMut(Changeset) -> io::Result<()>) -> io::Result<Vec<Changeset>> {
        let mut waiting = Waiting { open: self.revisions.clone(), ..Waiting::default() };
        for (place, changeset) in self.changesets().enumerate() {
            let mut next = waiting.come(place, changeset?);
            while let Some(changeset) = next {
                waiting.go(&changeset);
                take(changeset)?;
                next = waiting.next();
            }
        }
        Ok(waiting.held.into_values().map(|(_, changeset)| changeset).collect())
    }

    /// The same revisions in changesets that depend on each other in no circle. `left`: those among which the circles are.
    fn without_circles(&self, left: &[Changeset], scratch: &Path) -> io::Result<Self> {
        let (places, parts) = take_circles_apart(left);
        let first = |changeset: &Changeset| changeset.units[0].key();
        let gone: HashSet<_> = places.into_iter().map(|place| first(&left[place])).collect();
        let stay = |changeset: &io::Result<Changeset>| !changeset.as_ref().is_ok_and(|one| gone.contains(&first(one)));
        Self::of(self.changesets().filter(stay).chain(parts.into_iter().map(Ok)), &self.lines, scratch)
    }
}

/// [`Changeset::key`] in numbers. `lines`: in order of their names.
fn key(changeset: &Changeset, lines: &[Arc<LineName>]) -> [u32; KEY] {
    let (newest, oldest, line, (file, at)) = changeset.key();
    let ([newest, newest_low], [oldest, oldest_low]) = (packed::date(newest), packed::date(oldest));
    // All lines are there; and fewer than revisions.
    let line = u32::try_from(lines.partition_point(|other| **other < *line)).unwrap_or(u32::MAX);
    [newest, newest_low, oldest, oldest_low, line, file, at]
}

/// Changesets that came before something that they depend on.
#[derive(Default)]
struct Waiting {
    /// Revisions that are still to go.
    open: Marks,
    /// By their places: how many revisions each one waits for.
    held: BTreeMap<usize, (usize, Changeset)>,
    /// Revision -> the places of those that wait for it.
    waiting: HashMap<(u32, u32), Vec<usize>>,
    /// The places of those that wait for nothing any more.
    ready: BinaryHeap<Reverse<usize>>,
}

impl Waiting {
    /// The next one by key; given back if it can go.
    fn come(&mut self, place: usize, changeset: Changeset) -> Option<Changeset> {
        let before = changeset.units.iter().flat_map(Unit::after);
        let missing: Vec<_> = before.filter(|key| self.open.has(*key)).collect();
        if missing.is_empty() {
            return Some(changeset);
        }
        self.held.insert(place, (missing.len(), changeset));
        missing.into_iter().for_each(|key| self.waiting.entry(key).or_default().push(place));
        None
    }

    /// One goes: others may have waited for it.
    fn go(&mut self, changeset: &Changeset) {
        for key in changeset.units.iter().map(Unit::key) {
            self.open.remove(key);
            for place in self.waiting.remove(&key).into_iter().flatten() {
                let Some((missing, _)) = self.held.get_mut(&place) else { continue };
                *missing -= 1;
                if *missing == 0 {
                    self.ready.push(Reverse(place));
                }
            }
        }
    }

    /// One that can go now: its key is lower than that of all that are still to come.
    fn next(&mut self) -> Option<Changeset> {
        let Reverse(place) = self.ready.pop()?;
        self.held.remove(&place).map(|(_, changeset)| changeset)
    }
}

/// Marks on revisions, a bit each: by file, and place there.
#[derive(Clone, Default)]
struct Marks(Vec<Vec<u64>>);

impl Marks {
    fn has(&self, (file, at): (u32, u32)) -> bool {
        let word = self.0.get(file as usize).and_then(|words| words.get(at as usize / 64));
        word.is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn put(&mut self, (file, at): (u32, u32)) {
        let (file, word) = (file as usize, at as usize / 64);
        self.0.resize_with(self.0.len().max(file + 1), Vec::new);
        let words = &mut self.0[file];
        words.resize(words.len().max(word + 1), 0);
        words[word] |= 1 << (at % 64);
    }

    fn remove(&mut self, (file, at): (u32, u32)) {
        if let Some(word) = self.0.get_mut(file as usize).and_then(|words| words.get_mut(at as usize / 64)) {
            *word &= !(1 << (at % 64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::changeset::tests::{shown, units};
    use super::*;

    fn ordered(text: &str, now: i64) -> (Vec<String>, usize) {
        let (mut ordered, mut settled) = (Vec::new(), 0);
        let take = |changeset, is_settled| {
            ordered.push(changeset);
            settled += usize::from(is_settled);
            Ok(())
        };
        // Few enough for memory.
        order(&units(text), Path::new("/nowhere"), |seconds| seconds <= now, take).expect("no disk");
        (shown(&ordered), settled)
    }

    #[test]
    fn dates_decide_unless_something_must_come_first() {
        let cases = [
            ("0 1.1 20 a, 1 1.1 10 b", vec!["1:1.1", "0:1.1"]),
            // The clock went back between two revisions.
            ("0 1.1 20 a, 0 1.2 10 b 1.1, 1 1.1 15 c", vec!["1:1.1", "0:1.1", "0:1.2"]),
            // Two that depend on each other: the older one gives what it can.
            ("0 1.1 10 a, 0 1.2 20 b 1.1, 1 1.1 21 b, 1 1.2 11 a 1.1", vec!["0:1.1", "0:1.2 1:1.1", "1:1.2"]),
        ];
        for (text, expected) in cases {
            assert_eq!(ordered(text, 100).0, expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_settled_holds_back_what_depends_on_it() {
        assert_eq!(ordered("0 1.1 50 a, 0 1.2 10 b 1.1, 1 1.1 15 c", 20).1, 1);
        assert_eq!(ordered("0 1.1 50 a, 0 1.2 10 b 1.1, 1 1.1 15 c", 50).1, 3);
    }

    #[test]
    fn what_comes_later_changes_nothing_about_the_order_of_the_rest() {
        let old = "0 1.1 10 a, 0 1.2 20 b 1.1, 1 1.1 21 b, 1 1.2 11 a 1.1, 2 1.1 5 c";
        // One more that is older by its clock, and depends on one that is newer than all.
        let both = format!("{old}, 3 1.1 90 d, 3 1.2 6 e 1.1, 0 1.3 80 f 1.2, 1 1.3 95 g 1.2");
        let ((before, _), (after, settled)) = (ordered(old, 50), ordered(&both, 50));
        assert_eq!((&after[..before.len()], settled), (&before[..], before.len()));
    }
}
