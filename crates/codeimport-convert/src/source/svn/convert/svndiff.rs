//! Applies svndiff deltas, versions 0 and 1 (Subversion's `notes/svndiff`).
//!
//! A delta is a row of *windows*. Each names a view of the source, brings instructions and new data, and gives
//! the next piece of the target. Instructions copy from the source view, from the target so far, or from the new data.
//!
//! The input comes from a server: every number is checked before it is used, nothing is allocated by its word alone,
//! and a delta that does not add up is an error, never a wrong text.

use flate2::read::ZlibDecoder;
use std::io::Read as _;

/// Largest text that is put together. Subversion itself holds larger files, Git hosts do not.
const MAX_TEXT: usize = 2 << 30;

/// Why a delta cannot be applied.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum DeltaError {
    /// Does not begin with `SVN` and a version that is known.
    #[error("not a svndiff of version 0 or 1")]
    Header,
    /// Ends inside a window.
    #[error("delta ends early")]
    Truncated,
    /// A number that cannot be right: too large, or outside of what it refers to.
    #[error("delta refers to bytes that are not there")]
    OutOfBounds,
    /// A window that does not give as many bytes as it announced.
    #[error("delta gives another length than it announces")]
    Length,
    /// Compressed data that cannot be expanded.
    #[error("compressed data of a delta is damaged")]
    Compression,
}

/// Applies a delta to its base and gives the new text.
///
/// # Errors
///
/// [`DeltaError`]; the base is untouched.
pub(crate) fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, DeltaError> {
    // An empty delta is what servers send for an empty text.
    if delta.is_empty() {
        return Ok(Vec::new());
    }
    let compressed = match delta.get(..4) {
        Some(b"SVN\0") => false,
        Some(b"SVN\x01") => true,
        _ => return Err(DeltaError::Header),
    };
    let mut input = Input(&delta[4..]);
    let mut text = Vec::new();
    while !input.0.is_empty() {
        Window::read(&mut input, compressed)?.apply(base, &mut text)?;
    }
    Ok(text)
}

/// One window: what it refers to and what it brings.
struct Window<'a> {
    source_at: usize,
    source_len: usize,
    target_len: usize,
    instructions: Section<'a>,
    new_data: Section<'a>,
}

impl<'a> Window<'a> {
    fn read(input: &mut Input<'a>, compressed: bool) -> Result<Self, DeltaError> {
        let (source_at, source_len, target_len) = (input.number()?, input.number()?, input.number()?);
        let (instructions_len, new_data_len) = (input.number()?, input.number()?);
        let instructions = Section::read(input.take(instructions_len)?, compressed)?;
        let new_data = Section::read(input.take(new_data_len)?, compressed)?;
        Ok(Self { source_at, source_len, target_len, instructions, new_data })
    }

    fn apply(&self, base: &[u8], text: &mut Vec<u8>) -> Result<(), DeltaError> {
        let source_end = self.source_at.checked_add(self.source_len).ok_or(DeltaError::OutOfBounds)?;
        let source = base.get(self.source_at..source_end).ok_or(DeltaError::OutOfBounds)?;
        let start = text.len();
        let end = start.checked_add(self.target_len).filter(|end| *end <= MAX_TEXT).ok_or(DeltaError::OutOfBounds)?;
        let mut instructions = Input(self.instructions.bytes());
        let mut new_data = Input(self.new_data.bytes());
        while !instructions.0.is_empty() {
            let (kind, len) = instructions.instruction()?;
            if text.len().checked_add(len).is_none_or(|so_far| so_far > end) {
                return Err(DeltaError::Length);
            }
            match kind {
                Copy::Source => text.extend_from_slice(slice(source, instructions.number()?, len)?),
                Copy::NewData => text.extend_from_slice(new_data.take(len)?),
                Copy::Target => copy_within(text, start, instructions.number()?, len)?,
            }
        }
        if text.len() == end { Ok(()) } else { Err(DeltaError::Length) }
    }
}

/// Copies from the target of the same window; the piece may overlap what it makes, which repeats it.
fn copy_within(text: &mut Vec<u8>, start: usize, at: usize, len: usize) -> Result<(), DeltaError> {
    let from = start.checked_add(at).filter(|from| *from < text.len()).ok_or(DeltaError::OutOfBounds)?;
    let whole = text.len() - from;
    if len <= whole {
        text.extend_from_within(from..from + len);
    } else {
        // Byte by byte is what the definition says; a period at a time gives the same and is faster.
        let mut left = len;
        while left > 0 {
            let piece = left.min(text.len() - from);
            text.extend_from_within(from..from + piece);
            left -= piece;
        }
    }
    Ok(())
}

fn slice(bytes: &[u8], at: usize, len: usize) -> Result<&[u8], DeltaError> {
    let end = at.checked_add(len).ok_or(DeltaError::OutOfBounds)?;
    bytes.get(at..end).ok_or(DeltaError::OutOfBounds)
}

/// Instructions or new data: in version 1 possibly compressed, with the expanded length in front.
enum Section<'a> {
    Plain(&'a [u8]),
    Expanded(Vec<u8>),
}

impl<'a> Section<'a> {
    fn read(bytes: &'a [u8], compressed: bool) -> Result<Self, DeltaError> {
        if !compressed {
            return Ok(Self::Plain(bytes));
        }
        let mut input = Input(bytes);
        let expanded_len = input.number()?;
        // Compression that did not help is left out.
        if input.0.len() == expanded_len {
            return Ok(Self::Plain(input.0));
        }
        let limit = u64::try_from(expanded_len.min(MAX_TEXT)).unwrap_or(u64::MAX);
        let mut expanded = Vec::new();
        let read = ZlibDecoder::new(input.0).take(limit + 1).read_to_end(&mut expanded);
        match read {
            Ok(len) if len == expanded_len => Ok(Self::Expanded(expanded)),
            _ => Err(DeltaError::Compression),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Expanded(bytes) => bytes,
        }
    }
}

/// Where an instruction takes its bytes from.
enum Copy {
    Source,
    Target,
    NewData,
}

/// Bytes not read yet.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Result<u8, DeltaError> {
        let (first, rest) = self.0.split_first().ok_or(DeltaError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DeltaError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(DeltaError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Seven bits a byte, highest first, the top bit says that more follow.
    fn number(&mut self) -> Result<usize, DeltaError> {
        let mut number: usize = 0;
        loop {
            let byte = self.byte()?;
            let low = usize::from(byte & 0x7f);
            number = number.checked_mul(128).and_then(|n| n.checked_add(low)).ok_or(DeltaError::OutOfBounds)?;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
    }

    /// Two bits say what to copy from, six how much; zero means that the length follows.
    fn instruction(&mut self) -> Result<(Copy, usize), DeltaError> {
        let byte = self.byte()?;
        let kind = match byte >> 6 {
            0 => Copy::Source,
            1 => Copy::Target,
            2 => Copy::NewData,
            _ => return Err(DeltaError::OutOfBounds),
        };
        let short = usize::from(byte & 0x3f);
        let len = if short == 0 { self.number()? } else { short };
        Ok((kind, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A delta of one window over the whole base.
    fn delta(base_len: u8, target_len: u8, instructions: &[u8], new_data: &[u8]) -> Vec<u8> {
        let (instructions_len, data_len) = (u8::try_from(instructions.len()), u8::try_from(new_data.len()));
        let head = [0, base_len, target_len, instructions_len.expect("short"), data_len.expect("short")];
        [b"SVN\0", &head[..], instructions, new_data].concat()
    }

    #[test]
    fn new_data_source_and_target_are_copied() {
        // "ab" from the source, "X" new, then 6 bytes from the target's start: it repeats itself.
        let delta = delta(4, 9, &[0x02, 1, 0x81, 0x46, 0], b"X");
        assert_eq!(apply(b"zabc", &delta).as_deref(), Ok(&b"abXabXabX"[..]));
    }

    #[test]
    fn an_empty_delta_is_an_empty_text() {
        assert_eq!(apply(b"base", b""), Ok(Vec::new()));
        assert_eq!(apply(b"base", b"SVN\0"), Ok(Vec::new()));
    }

    #[test]
    fn each_kind_of_damage_has_its_error() {
        assert_eq!(apply(b"", b"SVX\0"), Err(DeltaError::Header));
        assert_eq!(apply(b"", b"SVN\0\x00"), Err(DeltaError::Truncated));
        assert_eq!(apply(b"ab", &delta(3, 3, &[0x03, 0], b"")), Err(DeltaError::OutOfBounds), "source view too long");
        assert_eq!(apply(b"ab", &delta(2, 3, &[0x02, 0], b"")), Err(DeltaError::Length), "too short a target");
        assert_eq!(apply(b"ab", &delta(2, 1, &[0x02, 0], b"")), Err(DeltaError::Length), "too long a target");
        assert_eq!(apply(b"", &delta(0, 1, &[0x41, 0], b"")), Err(DeltaError::OutOfBounds), "target not there yet");
    }

    #[test]
    fn compressed_sections_are_expanded() {
        use flate2::{Compression, write::ZlibEncoder};
        use std::io::Write as _;
        let text = [b'a'; 100];
        let mut encoder = ZlibEncoder::new(vec![100], Compression::fast());
        encoder.write_all(&text).expect("memory takes all");
        let data = encoder.finish().expect("memory takes all");
        let head = [0, 0, 100, 3, u8::try_from(data.len()).expect("short")];
        // The instructions are as long expanded as they are: not compressed.
        let delta = [b"SVN\x01", &head[..], &[2, 0x80, 100], &data].concat();
        assert_eq!(apply(b"", &delta).as_deref(), Ok(&text[..]));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(base in proptest::collection::vec(any::<u8>(), 0..64), tail in proptest::collection::vec(any::<u8>(), 0..64), version in 0u8..2) {
            let delta = [b"SVN", &[version][..], &tail].concat();
            let _ = apply(&base, &delta);
        }
    }
}
