//! Rows of bytes in a file, each of which begins with an object's name, in order of these. They stay on the disk.

use gix::ObjectId;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Rows read at a time: one reading finds a name among some thirty thousand.
const WINDOW: u32 = 128;

/// How many names begin with each byte, or a lower one.
pub(super) type Counts = Box<[u32; 256]>;

/// Rows of `LEN` bytes.
pub(super) struct NamedRows<const LEN: usize> {
    file: File,
    /// Where in the file they begin.
    begin: u64,
    up_to: Counts,
}

impl<const LEN: usize> NamedRows<LEN> {
    /// The rows in a file from a place on, of which so many begin with which byte.
    pub(super) fn new(file: File, begin: u64, up_to: Counts) -> Self {
        Self { file, begin, up_to }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        self.up_to[255]
    }

    /// How many names begin with each byte, or a lower one.
    pub(super) fn up_to(&self) -> &[u32; 256] {
        &self.up_to
    }

    /// The row with a name, and its place among all; none if there is no such name.
    ///
    /// # Errors
    ///
    /// The file's.
    pub(super) fn find(&self, id: &ObjectId) -> io::Result<Option<(u32, [u8; LEN])>> {
        let first = usize::from(id.first_byte());
        let (mut low, mut high) = (first.checked_sub(1).map_or(0, |below| self.up_to[below]), self.up_to[first]);
        let mut buffer = [[0; LEN]; WINDOW as usize];
        while low < high {
            let count = WINDOW.min(high - low);
            // From the middle, so that each reading leaves half of what is to be searched.
            let begin = low + (high - low - count) / 2;
            let rows = &mut buffer[..count as usize];
            self.read(begin, rows)?;
            match rows.binary_search_by(|row| row[..id.as_bytes().len()].cmp(id.as_bytes())) {
                // No more than there are rows.
                Ok(at) => return Ok(Some((begin + u32::try_from(at).unwrap_or_default(), rows[at]))),
                Err(0) => high = begin,
                Err(at) if at == rows.len() => low = begin + count,
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// All rows, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = io::Result<[u8; LEN]>> {
        let windows = (0..self.len()).step_by(WINDOW as usize).map(|begin| self.window(begin));
        windows.flat_map(|window| match window {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }

    fn window(&self, begin: u32) -> io::Result<Vec<[u8; LEN]>> {
        let mut rows = vec![[0; LEN]; WINDOW.min(self.len() - begin) as usize];
        self.read(begin, &mut rows).map(|()| rows)
    }

    fn read(&self, begin: u32, rows: &mut [[u8; LEN]]) -> io::Result<()> {
        self.file.read_exact_at(rows.as_flattened_mut(), self.begin + u64::from(begin) * LEN as u64)
    }
}
