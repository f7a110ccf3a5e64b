//! The index of a pack, version 2 (Git's `gitformat-pack`).

use super::written::Sorted;
use gix::ObjectId;
use sha1::{Digest as _, Sha1};
use std::io::{self, BufWriter, Write};

/// An object of a pack. There may be a million, so it has no gap in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct IndexEntry {
    pub(super) id: ObjectId,
    /// Over the entry's bytes as they are in the file.
    pub(super) crc32: u32,
    /// Its higher and its lower half.
    offset: [u32; 2],
}

/// Offsets from here on do not fit into 31 bits and stand in a table of their own.
const LARGE: u64 = 1 << 31;

impl IndexEntry {
    /// Bytes of it as a row.
    pub(super) const LEN: usize = 20 + 4 + 8;

    /// `offset`: where in the file it begins.
    pub(super) fn new(id: ObjectId, offset: u64, crc32: u32) -> Self {
        Self { id, crc32, offset: [offset >> 32, offset & u64::from(u32::MAX)].map(half) }
    }

    pub(super) fn offset(&self) -> u64 {
        u64::from(self.offset[0]) << 32 | u64::from(self.offset[1])
    }

    /// As a row: name, checksum, and where it begins.
    pub(super) fn row(&self) -> [u8; Self::LEN] {
        let mut row = [0; Self::LEN];
        row[..20].copy_from_slice(self.id.as_bytes());
        row[20..24].copy_from_slice(&self.crc32.to_be_bytes());
        row[24..].copy_from_slice(&self.offset().to_be_bytes());
        row
    }

    /// What was written as a row.
    pub(super) fn read(row: &[u8; Self::LEN]) -> Self {
        let number = |begin: usize| u32::from_be_bytes(std::array::from_fn(|at| row[begin + at]));
        let id = ObjectId::Sha1(std::array::from_fn(|at| row[at]));
        Self { id, crc32: number(20), offset: [number(24), number(28)] }
    }
}

/// Writes the index for a pack with these objects, which are in order of their names, and this checksum.
///
/// # Errors
///
/// Those of the writer.
pub(super) fn write(entries: &Sorted, pack_checksum: [u8; 20], to: impl Write) -> io::Result<()> {
    let mut to = BufWriter::new(Hashing { to, hasher: Sha1::new() });
    to.write_all(b"\xfftOc\0\0\0\x02")?;
    entries.up_to().iter().try_for_each(|count| to.write_all(&count.to_be_bytes()))?;
    let each = || entries.iter().map(|row| row.map(|row| IndexEntry::read(&row)));
    each().try_for_each(|entry| to.write_all(entry?.id.as_bytes()))?;
    each().try_for_each(|entry| to.write_all(&entry?.crc32.to_be_bytes()))?;
    let mut large = Vec::new();
    for entry in each() {
        let offset = entry?.offset();
        let offset = match u32::try_from(offset) {
            Ok(short) if offset < LARGE => short,
            _ => {
                large.push(offset);
                (1 << 31) | number(large.len() - 1)
            }
        };
        to.write_all(&offset.to_be_bytes())?;
    }
    large.iter().try_for_each(|offset| to.write_all(&offset.to_be_bytes()))?;
    to.write_all(&pack_checksum)?;
    let Hashing { mut to, hasher } = to.into_inner()?;
    let checksum: [u8; 20] = hasher.finalize().into();
    to.write_all(&checksum)
}

/// Hashes what it writes.
struct Hashing<W> {
    to: W,
    hasher: Sha1,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Half of an offset.
fn half(half: u64) -> u32 {
    u32::try_from(half).unwrap_or(u32::MAX)
}

/// Counts of objects: the pack's header has 32 bits for them, so they fit.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
