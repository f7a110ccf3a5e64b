//! The index of a finished pack, version 2 (Git's `gitformat-pack`), asked for one name at a time.

use crate::objects::named_rows::NamedRows;
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

/// Set where an offset has its eight bytes in a table of their own.
const IS_LARGE: u32 = 1 << 31;

/// An index that stays on the disk.
pub(super) struct IndexFile(NamedRows<NAME_LEN>);

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
        Ok(Self(NamedRows::new(file, NAMES, up_to)))
    }

    /// How many names there are.
    pub(super) fn len(&self) -> u32 {
        self.0.len()
    }

    /// Where in the pack an object lies; none if it is not in this one.
    ///
    /// # Errors
    ///
    /// The file's.
    pub(super) fn find(&self, id: &ObjectId) -> io::Result<Option<u64>> {
        self.0.find(id)?.map(|(place, _)| self.offset(place.into())).transpose()
    }

    /// Shows all names, in order.
    ///
    /// # Errors
    ///
    /// The file's.
    pub(super) fn each(&self, mut see: impl FnMut(&ObjectId)) -> io::Result<()> {
        self.0.iter().try_for_each(|name| name.map(|name| see(&ObjectId::Sha1(name))))
    }

    fn offset(&self, position: u64) -> io::Result<u64> {
        let (file, count) = (self.0.file(), u64::from(self.len()));
        // Behind names and checksums.
        let offsets = NAMES + count * (NAME_LEN as u64 + 4);
        let mut short = [0; 4];
        file.read_exact_at(&mut short, offsets + position * 4)?;
        let short = u32::from_be_bytes(short);
        if short & IS_LARGE == 0 {
            return Ok(short.into());
        }
        let mut large = [0; 8];
        file.read_exact_at(&mut large, offsets + count * 4 + u64::from(short & !IS_LARGE) * 8)?;
        Ok(u64::from_be_bytes(large))
    }
}
