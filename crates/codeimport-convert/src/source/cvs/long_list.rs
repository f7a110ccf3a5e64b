//! A list that may be longer than what there is memory for: only its end is in memory, the rest in a file without a name, which is
//! gone with the list, and with the process, however that ends.

use crate::scratch::nameless;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Numbers in memory: 32 KB. Shorter lists need no file.
const IN_MEMORY: usize = 1 << 13;

/// Rows that are read at a time where many are gone through.
const PART: usize = 256;

/// A list of rows of `N` numbers, to which more can be added at the end.
pub(super) struct LongList<const N: usize> {
    folder: PathBuf,
    file: Option<File>,
    /// How many are in the file.
    filed: usize,
    end: Vec<[u32; N]>,
}

impl<const N: usize> LongList<N> {
    /// Rows in memory, at most.
    const AT_END: usize = IN_MEMORY / N;

    /// An empty list, which may put a file into a folder.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), file: None, filed: 0, end: Vec::new() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.filed + self.end.len()
    }

    /// Adds one.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn push(&mut self, row: impl Into<[u32; N]>) -> io::Result<()> {
        self.end.push(row.into());
        if self.end.len() >= Self::AT_END { self.put_away() } else { Ok(()) }
    }

    /// Adds some, and tells where they are.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn extend(&mut self, rows: impl IntoIterator<Item = impl Into<[u32; N]>>) -> io::Result<Range<usize>> {
        let begin = self.len();
        rows.into_iter().try_for_each(|row| self.push(row))?;
        Ok(begin..self.len())
    }

    /// The one at a place, where there is one.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn get<R: From<[u32; N]>>(&self, place: usize) -> io::Result<R> {
        let Some(file) = self.file.as_ref().filter(|_| place < self.filed) else {
            return Ok(self.end[place - self.filed].into());
        };
        let mut row = [[0; 4]; N];
        file.read_exact_at(row.as_flattened_mut(), Self::offset(place))?;
        Ok(row.map(u32::from_le_bytes).into())
    }

    /// Those at some places, which are there.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn read<R: From<[u32; N]>>(&self, places: Range<usize>) -> io::Result<Vec<R>> {
        let filed = places.start.min(self.filed)..places.end.min(self.filed);
        let mut rows = vec![[[0; 4]; N]; filed.len()];
        if let Some(file) = &self.file {
            file.read_exact_at(rows.as_flattened_mut().as_flattened_mut(), Self::offset(filed.start))?;
        }
        let filed = rows.into_iter().map(|row| row.map(u32::from_le_bytes));
        let in_memory = places.start.max(self.filed) - self.filed..places.end.max(self.filed) - self.filed;
        Ok(filed.chain(self.end[in_memory].iter().copied()).map(R::from).collect())
    }

    /// Those at some places, which are there, one after the other.
    pub(super) fn iter<R: From<[u32; N]>>(&self, places: Range<usize>) -> impl Iterator<Item = io::Result<R>> {
        let parts = places.clone().step_by(PART).map(move |begin| begin..places.end.min(begin + PART));
        parts.flat_map(|part| match self.read(part) {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }

    fn offset(place: usize) -> u64 {
        (place * size_of::<[u32; N]>()) as u64
    }

    fn put_away(&mut self) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(nameless(&self.folder)?),
        };
        let bytes: Vec<u8> = self.end.as_flattened().iter().flat_map(|number| number.to_le_bytes()).collect();
        file.write_all_at(&bytes, Self::offset(self.filed))?;
        self.filed += self.end.len();
        self.end.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter::repeat_n;

    const AT_END: usize = LongList::<2>::AT_END;

    #[test]
    fn what_was_added_is_read_wherever_it_is() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut list = LongList::new(dir.path());
        let number = |n: usize| u32::try_from(n).expect("small");
        let all: Vec<[u32; 2]> = (0..3 * AT_END - 5).map(|n| [number(n), number(n * 7)]).collect();
        for part in all.chunks(1_013) {
            let begin = list.len();
            assert_eq!(list.extend(part.iter().copied()).expect("there is room"), begin..begin + part.len());
        }
        assert_eq!((list.len(), list.filed), (all.len(), 2 * AT_END));
        let edge = 2 * AT_END;
        for places in
            [0..0, 0..7, edge - 3..edge, edge - 3..edge + 3, edge..edge + 3, 5..all.len(), all.len()..all.len()]
        {
            assert_eq!(list.read::<[u32; 2]>(places.clone()).expect("it is there"), all[places.clone()]);
            let one_by_one = places.clone().map(|place| list.get::<[u32; 2]>(place).expect("it is there"));
            assert!(one_by_one.eq(all[places.clone()].iter().copied()));
            let in_order = list.iter::<[u32; 2]>(places.clone()).map(|row| row.expect("it is there"));
            assert!(in_order.eq(all[places].iter().copied()));
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("readable").count(), 0, "the file has no name");
    }

    #[test]
    fn a_folder_that_is_none_is_told_by_long_lists_only() {
        let no_folder = tempfile::NamedTempFile::new().expect("temporary folder");
        let mut list = LongList::new(no_folder.path());
        assert!(list.extend(repeat_n([1, 2], 5)).is_ok());
        assert!(list.extend(repeat_n([1, 2], AT_END)).is_err());
    }
}
