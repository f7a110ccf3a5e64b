//! Bytes and numbers of a stream, no more of them in memory than have come.

use std::io::{self, Read};

/// Bytes taken at a time: a length that only pretends to be large costs nothing.
const PIECE: u64 = 1 << 20;

/// The next bytes of a stream.
pub(super) fn take(input: &mut impl Read, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut left = len as u64;
    while left > 0 {
        let read = input.by_ref().take(left.min(PIECE)).read_to_end(&mut bytes)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= read as u64;
    }
    Ok(bytes)
}

/// The next four bytes as a number.
pub(super) fn number(input: &mut impl Read) -> io::Result<i32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(i32::from_be_bytes(bytes))
}

/// The next byte.
pub(super) fn byte(input: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    Ok(byte[0])
}
