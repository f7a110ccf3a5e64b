//! Author and committer lines, as they were written by thirty years of tools.
//!
//! `Name <email> seconds offset`. Where a line is otherwise, what can be read is read, and the rest is empty or zero: an odd
//! line is no reason to stop an import. The rules are those of git's own `ident.c`.

use gix::bstr::{BStr, ByteSlice as _};

/// A name with a time, as raw as it was found; text is decoded later.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct RawSignature<'a> {
    pub(super) name: &'a [u8],
    pub(super) email: &'a [u8],
    pub(super) seconds: i64,
    pub(super) offset_minutes: i32,
}

/// A name with a time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScannedSignature {
    /// The name, decoded as the message is.
    pub name: String,
    /// The address as written, without angle brackets.
    pub email: String,
    /// Seconds since 1970 (UTC), possibly negative. 0 if there is no readable time.
    pub seconds: i64,
    /// Offset of local time from UTC, as recorded; within a day. 0 if there is none that can be read.
    pub offset_minutes: i32,
}

/// Reads the value of an `author` or `committer` header.
pub(super) fn parse(line: &[u8]) -> RawSignature<'_> {
    let Some(open) = line.find_byte(b'<') else {
        return RawSignature { name: line.trim(), ..RawSignature::default() };
    };
    let rest = &line[open + 1..];
    let close = rest.find_byte(b'>').unwrap_or(rest.len());
    // The time stands after the last bracket: some tools leave brackets inside the address.
    let time = line.rfind_byte(b'>').map_or(&b""[..], |at| &line[at + 1..]);
    let mut words = time.fields();
    RawSignature {
        name: line[..open].trim(),
        email: rest[..close].trim(),
        seconds: words.next().and_then(number).unwrap_or_default(),
        offset_minutes: words.next().and_then(offset).unwrap_or_default(),
    }
}

fn number(word: &[u8]) -> Option<i64> {
    word.to_str().ok()?.parse().ok()
}

/// `+hhmm` or `-hhmm`, in minutes. Values of a day and more are somebody's slip.
fn offset(word: &[u8]) -> Option<i32> {
    let (sign, digits) = match word.split_first()? {
        (b'+', digits) => (1, digits),
        (b'-', digits) => (-1, digits),
        _ => return None,
    };
    let value = i32::try_from(number(BStr::new(digits))?).ok()?;
    let minutes = value / 100 * 60 + value % 100;
    (minutes < 24 * 60).then_some(sign * minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature<'a>(name: &'a str, email: &'a str, seconds: i64, offset_minutes: i32) -> RawSignature<'a> {
        RawSignature { name: name.as_bytes(), email: email.as_bytes(), seconds, offset_minutes }
    }

    #[test]
    fn what_can_be_read_is_read() {
        let cases: [(&str, RawSignature<'_>); 9] = [
            ("A U Thor <a@host> 1000 +0130", signature("A U Thor", "a@host", 1000, 90)),
            ("A <a@host> -1 -0800", signature("A", "a@host", -1, -480)),
            ("<> 1000 +0000", signature("", "", 1000, 0)),
            ("A <a@host>", signature("A", "a@host", 0, 0)),
            ("A <a@host", signature("A", "a@host", 0, 0)),
            ("no address at all", signature("no address at all", "", 0, 0)),
            ("A <b <c@host>> 7 +0000", signature("A", "b <c@host", 7, 0)),
            ("A <a@host> 99999999999999999999 +9999", signature("A", "a@host", 0, 0)),
            ("", signature("", "", 0, 0)),
        ];
        for (line, expected) in cases {
            assert_eq!(parse(line.as_bytes()), expected, "{line:?}");
        }
    }
}
