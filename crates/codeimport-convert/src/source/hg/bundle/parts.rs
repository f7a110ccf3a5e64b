//! Bundles of the second form: a stream of parts, each with a kind, parameters and a payload in pieces.
//!
//! ```text
//!   "HG20", length, parameters of the stream
//!   part = length of its head (0: no more parts), head, pieces of the payload
//!   head = kind, number, counts of parameters, their lengths, their names and values
//!   piece = length (0: the payload's end; -1: another part comes in between), bytes
//! ```

use super::input::{byte, number, take};
use crate::source::hg::error::{HgError, broken};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Longest head that a part may have.
const MAX_HEAD: usize = 1 << 20;

/// A part without its payload.
#[derive(Debug)]
pub(in crate::source::hg) struct Part {
    /// Its kind in lower case: `changegroup`, `error:abort`, …
    pub(in crate::source::hg) kind: String,
    /// Whether one that does not know this kind must stop.
    pub(in crate::source::hg) is_mandatory: bool,
    /// What is said about it.
    pub(in crate::source::hg) params: BTreeMap<String, Vec<u8>>,
}

/// Reads the parameters of a stream, behind its magic.
pub(super) fn stream_params(input: &mut impl Read) -> Result<(), HgError> {
    let len = usize::try_from(number(input)?).ok().filter(|len| *len <= MAX_HEAD);
    let Some(len) = len else { return broken("a bundle begins with too many parameters") };
    let params = take(input, len)?;
    // Those in upper case have to be understood; nothing of the kind was asked for.
    match params.first() {
        Some(first) if first.is_ascii_uppercase() => {
            Err(HgError::Unsupported(format!("a bundle with {:?}", String::from_utf8_lossy(&params))))
        }
        _ => Ok(()),
    }
}

/// Reads the next part's head; none behind the last part.
pub(super) fn next_part(input: &mut impl Read) -> Result<Option<Part>, HgError> {
    let len = usize::try_from(number(input)?).ok().filter(|len| *len <= MAX_HEAD);
    match len {
        None => broken("a bundle has a part whose head has no length"),
        Some(0) => Ok(None),
        Some(len) => {
            let head = take(input, len)?;
            parse_head(&mut &head[..]).map(Some).or_else(|_| broken("a bundle has a part whose head is cut short"))
        }
    }
}

fn parse_head(head: &mut &[u8]) -> io::Result<Part> {
    let len = byte(head)?.into();
    let kind = take(head, len)?;
    number(head)?;
    let count = u16::from(byte(head)?) + u16::from(byte(head)?);
    let lens = (0..count).map(|_| Ok((byte(head)?, byte(head)?))).collect::<io::Result<Vec<_>>>()?;
    let mut params = BTreeMap::new();
    for (name, value) in lens {
        let name = take(head, name.into())?;
        params.insert(String::from_utf8_lossy(&name).into_owned(), take(head, value.into())?);
    }
    let is_mandatory = kind.iter().any(u8::is_ascii_uppercase);
    Ok(Part { kind: String::from_utf8_lossy(&kind).to_ascii_lowercase(), is_mandatory, params })
}

/// The payload of a part, put together. To be read to its end before the next part.
pub(in crate::source::hg) struct Payload<'a, R> {
    input: &'a mut R,
    left: usize,
    ended: bool,
}

impl<'a, R: Read> Payload<'a, R> {
    pub(super) fn new(input: &'a mut R) -> Self {
        Self { input, left: 0, ended: false }
    }

    /// Begins the next piece that is not empty.
    fn begin_piece(&mut self) -> io::Result<()> {
        while self.left == 0 && !self.ended {
            match number(self.input)? {
                0 => self.ended = true,
                -1 => interrupted(self.input)?,
                len => self.left = usize::try_from(len).map_err(|_| io::ErrorKind::InvalidData)?,
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Payload<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.begin_piece()?;
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let len = buffer.len().min(self.left);
        let read = self.input.read(&mut buffer[..len])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read;
        Ok(read)
    }
}

/// What a server says in the middle of a part: why it cannot go on, or something for people.
#[derive(Debug, thiserror::Error)]
#[error("the server gave up: {0}")]
pub(in crate::source::hg) struct GaveUp(pub(in crate::source::hg) String);

/// A part that comes in between. It has pieces of its own, but is never interrupted itself.
fn interrupted(input: &mut impl Read) -> io::Result<()> {
    let Ok(Some(part)) = next_part(input) else { return Err(io::ErrorKind::InvalidData.into()) };
    loop {
        match usize::try_from(number(input)?) {
            Ok(0) => break,
            Ok(len) => drop(take(input, len)?),
            Err(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
    match part.gave_up() {
        Some(gave_up) => Err(io::Error::other(gave_up)),
        None => Ok(()),
    }
}

impl Part {
    /// Why the server gave up, if this part says so.
    pub(super) fn gave_up(&self) -> Option<GaveUp> {
        let what = self.kind.strip_prefix("error:")?;
        let message = self.params.get("message").map_or_else(String::new, |text| crate::source::text::decode(text));
        Some(GaveUp(if message.is_empty() { what.to_owned() } else { message }))
    }
}
