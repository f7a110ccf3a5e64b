//! The index of a finished pack, version 2 (Git's `gitformat-pack`), asked for one name at a time.

use gix::ObjectId;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Magic number and version.
const HEADER: &[u8; 8] = b"\xfftOc\0\0\0\x02";

/// Where the names begin: behind how many of them begin with which byte.
const NAMES: u64 = HEADER.len() as u64 + 256 * 4;

const NAME_LEN: usize = 20;

/// Names read at a time: one reading finds a name in a pack of some thirty thousand.
const WINDOW: u32 = 128;

/// Set where an offset has its eight bytes in a table of their own.
const IS_LARGE: u32 = 1 << 31;

/// An index that stays on the disk.
pub(super) struct IndexFile {
    file: File,
    /// How many names begin with this byte, or a lower one.
    up_to: Box<[u32; 256]>,
}

impl IndexFile {
    /// Opens an index.
    ///
    /// # Errors
    ///
    /// The file's; [`io::ErrorKind::InvalidData`] if it is of another kind.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut head = [0; HEADER.len() + 256 * 4];
        file.read_exact_at(&mut head, 0)?;
        let counts = head.strip_prefix(HEADER).map(|counts| counts.as_chunks::<4>().0);
        let counts = counts.filter(|counts| counts.is_sorted()).ok_or(io::ErrorKind::InvalidData)?;
        let up_to =
            Box::new(std::array::from_fn(|byte| counts.get(byte).map_or(0, |count| u32::from_be_bytes(*count))));
        Ok(Self { file, up_to })
    }

    /// Where in the pack an object lies; none if it is not in this one.
    ///
    /// # Errors
    ///
    /// The file's.
    pub(super) fn find(&self, id: &ObjectId) -> io::Result<Option<u64>> {
        let first = usize::from(id.first_byte());
        let (mut low, mut high) = (first.checked_sub(1).map_or(0, |below| self.up_to[below]), self.up_to[first]);
        let mut buffer = [[0; NAME_LEN]; WINDOW as usize];
        while low < high {
            let count = WINDOW.min(high - low);
            // From the middle, so that each reading leaves half of what is to be searched.
            let begin = low + (high - low - count) / 2;
            let names = &mut buffer[..count as usize];
            self.file.read_exact_at(names.as_flattened_mut(), NAMES + u64::from(begin) * NAME_LEN as u64)?;
            match names.binary_search_by(|name| name[..].cmp(id.as_bytes())) {
                Ok(at) => return self.offset(u64::from(begin) + at as u64).map(Some),
                Err(0) => high = begin,
                Err(at) if at == names.len() => low = begin + count,
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Shows all names, in order.
    ///
    /// # Errors
    ///
    /// The file's.
    pub(super) fn each(&self, mut see: impl FnMut(&ObjectId)) -> io::Result<()> {
        let mut buffer = [[0; NAME_LEN]; WINDOW as usize];
        let (mut next, end) = (0, self.count());
        while next < end {
            let count = u64::from(WINDOW).min(end - next);
            let names = &mut buffer[..usize::try_from(count).unwrap_or_default()];
            self.file.read_exact_at(names.as_flattened_mut(), NAMES + next * NAME_LEN as u64)?;
            names.iter().for_each(|name| see(&ObjectId::Sha1(*name)));
            next += count;
        }
        Ok(())
    }

    /// How many names there are.
    fn count(&self) -> u64 {
        u64::from(self.up_to[255])
    }

    fn offset(&self, position: u64) -> io::Result<u64> {
        // Behind names and checksums.
        let offsets = NAMES + self.count() * (NAME_LEN as u64 + 4);
        let mut short = [0; 4];
        self.file.read_exact_at(&mut short, offsets + position * 4)?;
        let short = u32::from_be_bytes(short);
        if short & IS_LARGE == 0 {
            return Ok(short.into());
        }
        let mut large = [0; 8];
        self.file.read_exact_at(&mut large, offsets + self.count() * 4 + u64::from(short & !IS_LARGE) * 8)?;
        Ok(u64::from_be_bytes(large))
    }
}
