//! Rows brought into order, more of them than there is memory for: parts of them in memory, then all of these parts as one.

use super::long_list::LongList;
use crate::merge::merge;
use std::io;
use std::ops::Range;
use std::path::Path;

/// Rows that are in memory at a time.
const AT_ONCE: usize = 1 << 12;

/// Rows of `N` numbers, in any order.
pub(super) struct Sorting<const N: usize> {
    open: Vec<[u32; N]>,
    sorted: Sorted<N>,
}

/// Rows in order.
pub(super) struct Sorted<const N: usize> {
    rows: LongList<N>,
    /// Where in these there is one part behind the other, each in order.
    parts: Vec<Range<usize>>,
}

impl<const N: usize> Sorting<N> {
    /// None yet. `scratch`: a folder for what memory has no room for.
    pub(super) fn new(scratch: &Path) -> Self {
        Self { open: Vec::new(), sorted: Sorted { rows: LongList::new(scratch), parts: Vec::new() } }
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn push(&mut self, row: [u32; N]) -> io::Result<()> {
        self.open.push(row);
        if self.open.len() >= AT_ONCE { self.close() } else { Ok(()) }
    }

    /// All rows.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn finish(mut self) -> io::Result<Sorted<N>> {
        self.close()?;
        Ok(self.sorted)
    }

    fn close(&mut self) -> io::Result<()> {
        self.open.sort_unstable();
        let part = self.sorted.rows.extend(self.open.drain(..))?;
        self.sorted.parts.push(part);
        Ok(())
    }
}

impl<const N: usize> Sorted<N> {
    /// All rows, from the least.
    pub(super) fn iter(&self) -> impl Iterator<Item = io::Result<[u32; N]>> {
        merge(self.parts.iter().map(|part| self.rows.iter(part.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_order_however_many_there_are() {
        let dir = tempfile::tempdir().expect("temporary folder");
        for count in [0, 1, 5, AT_ONCE, 3 * AT_ONCE + 7] {
            let count = u32::try_from(count).expect("small");
            let row = |n: u32| [n.wrapping_mul(2_654_435_761) % 1_000, n];
            let mut sorting = Sorting::new(dir.path());
            (0..count).for_each(|n| sorting.push(row(n)).expect("there is room"));
            let mut expected: Vec<_> = (0..count).map(row).collect();
            expected.sort_unstable();
            let sorted = sorting.finish().expect("there is room");
            assert!(sorted.iter().map(|row| row.expect("readable")).eq(expected), "{count}");
        }
    }
}
