//! One entry of a pack, as it lies in the file (Git's `gitformat-pack`).

use crate::objects::recent::Object;
use gix::ObjectId;
use gix::objs::Kind;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;

/// Read at a time: most entries are smaller.
const BUFFER: usize = 8 << 10;

/// Most memory that is taken on the word of an entry's head, before its content comes.
const TRUSTED: u64 = 16 << 20;

/// What an entry holds.
pub(in crate::objects) enum Entry {
    /// An object.
    Whole(Object),
    /// What makes an object of another one.
    Delta { base: Base, delta: Vec<u8> },
}

/// Which object a delta is for.
pub(in crate::objects) enum Base {
    /// The one at this place of the same pack.
    At(u64),
    /// The one of this name.
    Named(ObjectId),
}

impl Entry {
    /// Reads the entry at a place of a pack.
    ///
    /// # Errors
    ///
    /// The file's, or [`io::ErrorKind::InvalidData`].
    pub(in crate::objects) fn read(file: &File, offset: u64) -> io::Result<Self> {
        let mut input = BufReader::with_capacity(BUFFER, At { file, offset });
        let (kind, len) = head(&mut input)?;
        let kind = match kind {
            1 => Kind::Commit,
            2 => Kind::Tree,
            3 => Kind::Blob,
            4 => Kind::Tag,
            6 => {
                let back = distance(&mut input)?;
                let base = Base::At(offset.checked_sub(back).filter(|base| *base < offset).ok_or_else(damaged)?);
                return Ok(Self::Delta { base, delta: inflate(input, len)? });
            }
            7 => {
                let mut name = [0; 20];
                input.read_exact(&mut name)?;
                return Ok(Self::Delta { base: Base::Named(ObjectId::Sha1(name)), delta: inflate(input, len)? });
            }
            _ => return Err(damaged()),
        };
        Ok(Self::Whole(Object { kind, content: inflate(input, len)?.into() }))
    }
}

/// Kind and length: four bits of the length beside the kind, then seven a byte, lowest first.
fn head(input: &mut impl Read) -> io::Result<(u8, u64)> {
    let first = byte(input)?;
    let (mut len, mut shift, mut last) = (u64::from(first & 15), 4, first);
    while last & 0x80 != 0 {
        last = byte(input)?;
        len |= u64::from(last & 0x7f).checked_shl(shift).ok_or_else(damaged)?;
        shift += 7;
    }
    Ok(((first >> 4) & 7, len))
}

/// How far back the base lies: seven bits a byte, highest first, and no two ways to write the same.
fn distance(input: &mut impl Read) -> io::Result<u64> {
    let mut last = byte(input)?;
    let mut distance = u64::from(last & 0x7f);
    while last & 0x80 != 0 {
        last = byte(input)?;
        let above = distance.checked_add(1).and_then(|above| above.checked_mul(0x80)).ok_or_else(damaged)?;
        distance = above | u64::from(last & 0x7f);
    }
    Ok(distance)
}

fn inflate(input: BufReader<At<'_>>, len: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(usize::try_from(len.min(TRUSTED)).map_err(|_| damaged())?);
    flate2::bufread::ZlibDecoder::new(input).take(len.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 == len { Ok(content) } else { Err(damaged()) }
}

fn byte(input: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    Ok(byte[0])
}

pub(super) fn damaged() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Reads a file from a place on, without moving the place where others write.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
