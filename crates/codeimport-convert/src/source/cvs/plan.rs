//! What is to be converted, in order. There is as much of it as there are revisions, so it is put away, and read part by part.

use super::changeset::{Changeset, Unit};
use super::long_list::LongList;
use super::place::LineName;
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Changesets that are read at a time.
const PART: usize = 256;

/// Changesets in order.
pub(super) struct Plan {
    lines: Vec<Arc<LineName>>,
    line_places: HashMap<Arc<LineName>, u32>,
    /// The place of each changeset's line, and where its units end.
    changesets: LongList<2>,
    units: LongList<{ Unit::NUMBERS }>,
}

impl Plan {
    /// Nothing yet. `scratch`: a folder for what memory has no room for.
    pub(super) fn new(scratch: &Path) -> Self {
        let (changesets, units) = (LongList::new(scratch), LongList::new(scratch));
        Self { lines: Vec::new(), line_places: HashMap::new(), changesets, units }
    }

    /// How many changesets there are.
    pub(super) fn len(&self) -> usize {
        self.changesets.len()
    }

    /// Adds one that comes after all others.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn push(&mut self, changeset: &Changeset) -> io::Result<()> {
        let units = self.units.extend(changeset.units.iter().map(Unit::numbers))?;
        let end = u32::try_from(units.end).map_err(io::Error::other)?;
        let line = self.line(&changeset.line);
        self.changesets.push([line, end])
    }

    /// Those at some places, which there are.
    pub(super) fn changesets(&self, places: Range<usize>) -> impl Iterator<Item = io::Result<Changeset>> {
        let parts = places.clone().step_by(PART).map(move |begin| begin..places.end.min(begin + PART));
        parts.flat_map(|part| match self.read(part) {
            Ok(part) => part.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }

    fn read(&self, part: Range<usize>) -> io::Result<Vec<Changeset>> {
        let begin: Vec<[u32; 2]> = self.changesets.read(part.start.saturating_sub(1)..part.start)?;
        let mut begin = begin.first().map_or(0, |[_, end]| *end as usize);
        let ends: Vec<[u32; 2]> = self.changesets.read(part)?;
        let end = ends.last().map_or(begin, |[_, end]| *end as usize);
        let mut units = self.units.read(begin..end)?.into_iter();
        let changeset = |[line, end]: [u32; 2]| {
            let units = units.by_ref().take(end as usize - begin).collect();
            begin = end as usize;
            Changeset { line: self.lines[line as usize].clone(), units }
        };
        Ok(ends.into_iter().map(changeset).collect())
    }

    /// The place of a line.
    fn line(&mut self, line: &Arc<LineName>) -> u32 {
        let lines = &mut self.lines;
        *self.line_places.entry(line.clone()).or_insert_with(|| {
            lines.push(line.clone());
            // Fewer than revisions.
            u32::try_from(lines.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::changeset::tests::units;
    use super::*;

    #[test]
    fn what_was_put_away_is_read_as_it_was_from_wherever() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let both = |n: usize| format!("0 1.{n} {} a, 1 1.{n} {} a", 1_000 * n, 1_000 * n);
        let text: Vec<_> = (0..3 * PART + 1).map(both).collect();
        let all: Vec<_> = units(&text.join(",")).changesets().map(|one| one.expect("no disk")).collect();
        assert!(all.len() == 3 * PART + 1 && all.iter().all(|changeset| changeset.units.len() == 2));
        let mut plan = Plan::new(dir.path());
        all.iter().for_each(|changeset| plan.push(changeset).expect("there is room"));
        for places in [0..0, 0..1, 0..PART, PART - 1..PART + 1, PART..2 * PART, 5..all.len(), 0..all.len()] {
            let read: Vec<_> = plan.changesets(places.clone()).map(|one| one.expect("readable")).collect();
            assert_eq!(read, all[places]);
        }
    }
}
