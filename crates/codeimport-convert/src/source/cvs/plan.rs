//! What is to be converted, in order. There is as much of it as there are revisions, so it is put away, and read part by part.

use super::changeset::{Changeset, Unit};
use super::long_list::{LongList, Pair};
use super::look::Look;
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
    changesets: LongList,
    /// The file of each unit, and its place there; doubled, and one more if the trunk shows it, too.
    units: LongList,
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
        let pair = |unit: &Unit| [unit.file, unit.at << 1 | u32::from(unit.is_on_trunk)];
        let units = self.units.extend(changeset.units.iter().map(pair))?;
        let end = u32::try_from(units.end).map_err(io::Error::other)?;
        let line = self.line(&changeset.line);
        self.changesets.extend([[line, end]]).map(drop)
    }

    /// Those at some places, which there are. `look`: what was looked at for them.
    pub(super) fn changesets<'p>(
        &'p self,
        places: Range<usize>,
        look: &'p Look,
    ) -> impl Iterator<Item = io::Result<Changeset>> + 'p {
        let parts = places.clone().step_by(PART).map(move |begin| begin..places.end.min(begin + PART));
        parts.flat_map(|part| match self.read(part, look) {
            Ok(part) => part.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }

    fn read(&self, part: Range<usize>, look: &Look) -> io::Result<Vec<Changeset>> {
        let begin: Vec<Pair> = self.changesets.read(part.start.saturating_sub(1)..part.start)?;
        let mut begin = begin.first().map_or(0, |[_, end]| *end as usize);
        let ends: Vec<Pair> = self.changesets.read(part)?;
        let end = ends.last().map_or(begin, |[_, end]| *end as usize);
        let mut units = self.units.read::<Pair>(begin..end)?.into_iter().map(|pair| unit(pair, look));
        let changeset = |[line, end]: Pair| {
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

/// A unit as it was put away. What had to come before it does so now.
fn unit([file, place]: Pair, look: &Look) -> Unit {
    let (file, at) = (file as usize, (place >> 1) as usize);
    Unit::new(file, at, look.files[file].revisions[at].seconds, place & 1 == 1, [None; 2])
}

#[cfg(test)]
mod tests {
    use super::super::changeset::group;
    use super::super::gathering::Gathering;
    use super::super::history::{FileHistory, Revision};
    use super::super::rcs::Number;
    use super::*;

    /// Two files that were committed together so often.
    fn gathered(scratch: &Path, commits: usize) -> Gathering {
        let mut gathering = Gathering::new(scratch);
        for path in [b"f", b"g"] {
            let revision = |at: usize| Revision {
                number: Number::parse(format!("1.{}", at + 1).as_bytes()).expect("a number"),
                seconds: 1_000 * i64::try_from(at).expect("small"),
                author: 0,
                log: 0,
                commitid: None,
                is_dead: false,
            };
            let revisions = (0..commits).map(revision).collect();
            let file = FileHistory { path: path.to_vec(), revisions, ..FileHistory::default() };
            gathering.add(file, std::iter::empty());
        }
        gathering
    }

    #[test]
    fn what_was_put_away_is_read_as_it_was_from_wherever() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let histories = gathered(dir.path(), 3 * PART + 1).finish().expect("there is room");
        let (look, units) = Look::at(histories, vec![0, 1], dir.path(), |_, _| true).expect("there is room");
        let all: Vec<_> = group(units).into_iter().collect();
        assert!(all.len() == 3 * PART + 1 && all.iter().all(|changeset| changeset.units.len() == 2));
        let mut plan = Plan::new(dir.path());
        all.iter().for_each(|changeset| plan.push(changeset).expect("there is room"));
        for places in [0..0, 0..1, 0..PART, PART - 1..PART + 1, PART..2 * PART, 5..all.len(), 0..all.len()] {
            let read: Vec<_> = plan.changesets(places.clone(), &look).map(|one| one.expect("readable")).collect();
            assert!(read.iter().map(Changeset::key).eq(all[places].iter().map(Changeset::key)));
            assert!(read.iter().all(|changeset| changeset.units.len() == 2 && changeset.units[0].is_on_trunk));
        }
    }
}
