//! Questions and answers of Bazaar's smart protocol, version 3 (bzr 1.6 and later). Form only.
//!
//! ```text
//!   marker line, length + headers (bencoded), then parts: 'o' byte | 's' length + bencoded list | 'b' length + bytes; 'e'
//! ```
//!
//! Lengths are four bytes, big-endian.

use crate::source::wire::read_bytes;
use std::io::{self, BufRead};

const MARKER: &[u8] = b"bzr message 3 (bzr 1.6)\n";

/// No headers: an empty dictionary.
const NO_HEADERS: &[u8] = b"de";

/// Longest part: the tags of a branch are one.
const LONGEST_PART: u32 = 16 << 20;

/// Most parts: the answers that are asked for have three.
const MOST_PARTS: usize = 16;

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::source::bzr) struct Answer {
    /// Whether the question was understood and could be answered.
    pub(super) is_success: bool,
    pub(super) words: Vec<Vec<u8>>,
}

/// The bytes of a question.
pub(super) fn question(words: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> =
        words.iter().flat_map(|word| [word.len().to_string().as_bytes(), b":", word].concat()).collect();
    let list = [b"l", &list[..], b"e"].concat();
    [MARKER, &length(NO_HEADERS), NO_HEADERS, b"s", &length(&list), &list, b"e"].concat()
}

fn length(bytes: &[u8]) -> [u8; 4] {
    // Questions are as long as an address.
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// Reads an answer to its end, and nothing behind it. Bytes that are none are [`io::ErrorKind::InvalidData`].
pub(in crate::source::bzr) fn read_answer(input: &mut impl BufRead) -> io::Result<Answer> {
    if read_bytes(input, MARKER.len() as u64)? != MARKER {
        return Err(io::ErrorKind::InvalidData.into());
    }
    read_part(input)?;
    let mut answer = Answer::default();
    for _ in 0..MOST_PARTS {
        match byte(input)? {
            b'o' => answer.is_success = byte(input)? == b'S',
            b's' => answer.words = words(&read_part(input)?).ok_or(io::ErrorKind::InvalidData)?,
            b'b' => drop(read_part(input)?),
            b'e' => return Ok(answer),
            _ => break,
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

fn byte(input: &mut impl BufRead) -> io::Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte).map(|()| byte[0])
}

fn read_part(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    input.by_ref().read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LONGEST_PART {
        return Err(io::ErrorKind::InvalidData.into());
    }
    read_bytes(input, u64::from(length))
}

/// A bencoded list of strings; none if it is something else.
fn words(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = bytes.strip_prefix(b"l")?;
    let mut words = Vec::new();
    while rest != b"e" {
        let colon = rest.iter().take(10).position(|b| *b == b':')?;
        let length: usize = std::str::from_utf8(&rest[..colon]).ok()?.parse().ok()?;
        let (word, after) = rest[colon + 1..].split_at_checked(length)?;
        words.push(word.to_vec());
        rest = after;
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_as_brz_writes_it() {
        let expected = b"bzr message 3 (bzr 1.6)\n\0\0\0\x02des\0\0\0\x12l5:hello4:a/b/1:xee";
        assert_eq!(question(&[b"hello", b"a/b/", b"x"]), expected);
    }

    fn answer(parts: &[u8]) -> io::Result<Answer> {
        read_answer(&mut &[MARKER, b"\0\0\0\x02de", parts].concat()[..])
    }

    #[test]
    fn answers_are_read_to_their_end() {
        let expected = Answer { is_success: true, words: vec![b"ok".to_vec(), b"7".to_vec(), b"rev".to_vec()] };
        assert_eq!(answer(b"oSs\0\0\0\x0el2:ok1:73:reveefurther").ok(), Some(expected));
        let refused = answer(b"oEs\0\0\0\x0cl8:nobranchee").ok();
        assert_eq!(refused, Some(Answer { is_success: false, words: vec![b"nobranch".to_vec()] }));
    }

    #[test]
    fn bytes_that_are_no_answer_are_refused() {
        for odd in [
            &b""[..],
            b"o",
            b"s\xff\xff\xff\xff",
            b"s\0\0\0\x02i7e",
            b"s\0\0\0\x05l9:aee",
            b"?",
            b"oSoSoSoSoSoSoSoSoSoSoSoSoSoSoSoSoSe",
        ] {
            assert!(answer(odd).is_err(), "{odd:?}");
        }
        assert!(read_answer(&mut &b"bzr response 2\nsuccess\nok\x017\x01rev\n"[..]).is_err());
    }
}
