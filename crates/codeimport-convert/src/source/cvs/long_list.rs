//! A list that may be longer than what there is memory for: only its end is in memory, the rest in a file without a name, which is
//! gone with the list, and with the process, however that ends.

use super::interner::Symbol;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What is in the list: two numbers.
pub(super) type Pair = [u32; 2];

const PAIR_LEN: usize = size_of::<Pair>();

/// Pairs in memory: 128 KB. Shorter lists need no file.
const IN_MEMORY: usize = 1 << 14;

/// A list of pairs, to which more can be added at the end.
pub(super) struct LongList {
    folder: PathBuf,
    file: Option<File>,
    /// How many are in the file.
    filed: usize,
    end: Vec<Pair>,
}

impl LongList {
    /// An empty list, which may put a file into a folder. The file's name, which it has for a moment, is one that is swept if the
    /// process dies in this moment.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), file: None, filed: 0, end: Vec::new() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.filed + self.end.len()
    }

    /// Adds some, and tells where they are.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn extend(&mut self, pairs: impl IntoIterator<Item = impl Into<Pair>>) -> io::Result<Range<usize>> {
        let begin = self.len();
        for pair in pairs {
            self.end.push(pair.into());
            if self.end.len() == IN_MEMORY {
                self.put_away()?;
            }
        }
        Ok(begin..self.len())
    }

    /// Those at some places, which are there.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn read<P: From<Pair>>(&self, places: Range<usize>) -> io::Result<Vec<P>> {
        let filed = places.start.min(self.filed)..places.end.min(self.filed);
        let mut bytes = vec![0; filed.len() * PAIR_LEN];
        if let Some(file) = &self.file {
            file.read_exact_at(&mut bytes, (filed.start * PAIR_LEN) as u64)?;
        }
        let number = |bytes: [u8; 4]| u32::from_le_bytes(bytes);
        let pair = |[a, b, c, d, e, f, g, h]: &[u8; PAIR_LEN]| [number([*a, *b, *c, *d]), number([*e, *f, *g, *h])];
        let filed = bytes.as_chunks().0.iter().map(pair);
        let in_memory = places.start.max(self.filed) - self.filed..places.end.max(self.filed) - self.filed;
        Ok(filed.chain(self.end[in_memory].iter().copied()).map(P::from).collect())
    }

    fn put_away(&mut self) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(nameless(&self.folder)?),
        };
        let bytes: Vec<u8> = self.end.as_flattened().iter().flat_map(|number| number.to_le_bytes()).collect();
        file.write_all_at(&bytes, (self.filed * PAIR_LEN) as u64)?;
        self.filed += self.end.len();
        self.end.clear();
        Ok(())
    }
}

/// A file that nobody else can open.
fn nameless(folder: &Path) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("tmp_list_{}_{number}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

impl From<Symbol> for Pair {
    fn from(symbol: Symbol) -> Self {
        [symbol.name, symbol.number]
    }
}

impl From<Pair> for Symbol {
    fn from([name, number]: Pair) -> Self {
        Self { name, number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter::repeat_n;

    #[test]
    fn what_was_added_is_read_wherever_it_is() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut list = LongList::new(dir.path());
        let number = |n: usize| u32::try_from(n).expect("small");
        let all: Vec<Pair> = (0..3 * IN_MEMORY - 5).map(|n| [number(n), number(n * 7)]).collect();
        for part in all.chunks(1_013) {
            let begin = list.len();
            assert_eq!(list.extend(part.iter().copied()).expect("there is room"), begin..begin + part.len());
        }
        assert_eq!((list.len(), list.filed), (all.len(), 2 * IN_MEMORY));
        let edge = 2 * IN_MEMORY;
        for places in
            [0..0, 0..7, edge - 3..edge, edge - 3..edge + 3, edge..edge + 3, 5..all.len(), all.len()..all.len()]
        {
            assert_eq!(list.read::<Pair>(places.clone()).expect("it is there"), all[places]);
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("readable").count(), 0, "the file has no name");
    }

    #[test]
    fn a_folder_that_is_none_is_told_by_long_lists_only() {
        let no_folder = tempfile::NamedTempFile::new().expect("temporary folder");
        let mut list = LongList::new(no_folder.path());
        assert!(list.extend(repeat_n([1, 2], 5)).is_ok());
        assert!(list.extend(repeat_n([1, 2], IN_MEMORY)).is_err());
    }
}
