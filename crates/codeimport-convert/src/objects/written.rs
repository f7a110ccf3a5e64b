//! What a pack that is being written has by now, and where in it. There may be a million objects, so only the last ones are in memory.
//!
//! The others are on the disk, in runs, each in order of names. Of each length of run there are few: then they are made one that is
//! longer. So memory holds no more than the filters, and each object is written a few times over.

use super::filter::Filter;
use super::index::IndexEntry;
use super::named_rows::{Counts, NamedRows};
use crate::merge::merge;
use crate::scratch::nameless;
use gix::ObjectId;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// Objects in memory, at most: what a table of this size has room for.
const FEW: usize = 3_500;

/// So many runs of a length become one.
const MOST_RUNS: usize = 8;

/// All objects, in order of their names.
pub(super) type Sorted = NamedRows<{ IndexEntry::LEN }>;

/// All objects in the file.
pub(super) struct Written {
    folder: PathBuf,
    last: HashMap<ObjectId, IndexEntry>,
    /// The longer ones first.
    runs: Vec<Run>,
}

/// Objects that were put away together.
struct Run {
    rows: Sorted,
    filter: Filter,
    /// How often runs became one to make it.
    age: u32,
}

impl Written {
    /// Nothing yet. `folder`: where there is room on the disk.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), last: HashMap::new(), runs: Vec::new() }
    }

    /// Adds an object that is not there yet.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn add(&mut self, entry: IndexEntry) -> io::Result<()> {
        self.last.insert(entry.id, entry);
        if self.last.len() >= FEW { self.put_away() } else { Ok(()) }
    }

    /// An object, if it is there.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn get(&self, id: &ObjectId) -> io::Result<Option<IndexEntry>> {
        if let Some(entry) = self.last.get(id) {
            return Ok(Some(*entry));
        }
        for run in self.runs.iter().rev().filter(|run| run.filter.may_have(id)) {
            if let Some((_, row)) = run.rows.find(id)? {
                return Ok(Some(IndexEntry::read(&row)));
            }
        }
        Ok(None)
    }

    /// All in order of their names, once nothing more is added.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn take_sorted(&mut self) -> io::Result<Sorted> {
        self.put_away()?;
        Ok(match self.runs.pop() {
            Some(run) if self.runs.is_empty() => run.rows,
            last => self.together(self.runs.iter().chain(&last))?.rows,
        })
    }

    fn put_away(&mut self) -> io::Result<()> {
        let mut last: Vec<_> = self.last.drain().map(|(_, entry)| entry.row()).collect();
        last.sort_unstable();
        self.runs.push(self.run(last.into_iter().map(Ok), 0)?);
        while let Some(first) = self.runs.len().checked_sub(MOST_RUNS)
            && self.runs[first].age == self.runs[self.runs.len() - 1].age
        {
            let longer = self.together(self.runs[first..].iter())?;
            self.runs.truncate(first);
            self.runs.push(longer);
        }
        Ok(())
    }

    /// One run of several.
    fn together<'r>(&self, runs: impl Iterator<Item = &'r Run>) -> io::Result<Run> {
        let (rows, ages): (Vec<_>, Vec<_>) = runs.map(|run| (run.rows.iter(), run.age)).unzip();
        self.run(merge(rows), ages.into_iter().max().map_or(0, |age| age + 1))
    }

    /// Writes a run of rows that come in order.
    fn run(&self, rows: impl Iterator<Item = io::Result<[u8; IndexEntry::LEN]>>, age: u32) -> io::Result<Run> {
        let mut to = BufWriter::new(nameless(&self.folder)?);
        let mut up_to: Counts = Box::new([0; 256]);
        for row in rows {
            let row = row?;
            up_to[usize::from(row[0])] += 1;
            to.write_all(&row)?;
        }
        (1..256).for_each(|byte| up_to[byte] += up_to[byte - 1]);
        let rows = NamedRows::new(to.into_inner()?, 0, up_to);
        let mut filter = Filter::with_room(rows.len() as usize);
        rows.iter().try_for_each(|row| row.map(|row| filter.put(&IndexEntry::read(&row).id)))?;
        Ok(Run { rows, filter, age })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::object_id;
    use gix::objs::Kind;

    fn entry(n: u32) -> IndexEntry {
        IndexEntry::new(object_id(Kind::Blob, &n.to_be_bytes()), u64::from(n) << 20, n)
    }

    #[test]
    fn what_was_added_is_found_and_comes_out_in_order() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let count = u32::try_from(FEW * (MOST_RUNS * MOST_RUNS + MOST_RUNS + 1) + 77).expect("small");
        let mut written = Written::new(dir.path());
        for n in 0..count {
            let found = |written: &Written, n: u32| written.get(&entry(n).id).expect("readable");
            if n % 97 == 0 {
                assert_eq!(found(&written, n), None);
            }
            written.add(entry(n)).expect("there is room");
            if n % 97 == 0 {
                assert_eq!([0, n / 2, n].map(|known| found(&written, known)), [0, n / 2, n].map(|n| Some(entry(n))));
            }
        }
        assert_eq!(written.runs.iter().map(|run| run.age).collect::<Vec<_>>(), [2, 1, 0]);
        let sorted = written.take_sorted().expect("readable");
        let sorted: Vec<_> = sorted.iter().map(|row| IndexEntry::read(&row.expect("readable"))).collect();
        assert!(sorted.len() == count as usize && sorted.iter().is_sorted_by(|a, b| a.id < b.id));
        assert!(sorted.iter().all(|found| entry(found.crc32) == *found));
    }

    #[test]
    fn nothing_is_in_order_too() {
        let dir = tempfile::tempdir().expect("temporary folder");
        assert_eq!(Written::new(dir.path()).take_sorted().expect("readable").len(), 0);
    }
}
