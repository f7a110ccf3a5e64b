//! Deltas of revlogs: what of a text is replaced by what. Pure.
//!
//! ```text
//!   hunk = start, end, length (32 bits each) and as many bytes: they stand for what was from start to end
//! ```

use crate::source::hg::error::{HgError, broken};

/// One replacement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::source::hg) struct Hunk<'a> {
    /// Where it begins in the base.
    pub(in crate::source::hg) start: usize,
    /// Where it ends in the base.
    pub(in crate::source::hg) end: usize,
    /// What stands there now.
    pub(in crate::source::hg) data: &'a [u8],
}

/// The hunks of a delta on a base of this length: rising, apart, and within the base.
///
/// # Errors
///
/// [`HgError::Broken`].
pub(in crate::source::hg) fn hunks(base_len: usize, delta: &[u8]) -> Result<Vec<Hunk<'_>>, HgError> {
    let (mut found, mut rest, mut last) = (Vec::new(), delta, 0);
    while !rest.is_empty() {
        let Some((hunk, after)) = first_hunk(rest) else { return broken("a delta ends in the middle of a hunk") };
        if hunk.start < last || hunk.end < hunk.start || hunk.end > base_len {
            return broken(format!("a delta replaces {}..{} of {base_len} bytes", hunk.start, hunk.end));
        }
        (last, rest) = (hunk.end, after);
        found.push(hunk);
    }
    Ok(found)
}

fn first_hunk(bytes: &[u8]) -> Option<(Hunk<'_>, &[u8])> {
    let number = |at: usize| {
        let bytes = bytes.get(at..at + 4)?.first_chunk()?;
        usize::try_from(u32::from_be_bytes(*bytes)).ok()
    };
    let (start, end, len) = (number(0)?, number(4)?, number(8)?);
    let (data, rest) = bytes[12..].split_at_checked(len)?;
    Some((Hunk { start, end, data }, rest))
}

/// The text that hunks make of a base. Never longer than both together.
#[must_use]
pub(in crate::source::hg) fn apply(base: &[u8], hunks: &[Hunk<'_>]) -> Vec<u8> {
    let mut text = Vec::with_capacity(base.len() + hunks.iter().map(|hunk| hunk.data.len()).sum::<usize>());
    let mut at = 0;
    for hunk in hunks {
        text.extend_from_slice(&base[at..hunk.start]);
        text.extend_from_slice(hunk.data);
        at = hunk.end;
    }
    text.extend_from_slice(&base[at..]);
    text
}

/// The text that a delta makes of a base.
///
/// # Errors
///
/// [`HgError::Broken`].
pub(in crate::source::hg) fn patched(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, HgError> {
    Ok(apply(base, &hunks(base.len(), delta)?))
}

/// The delta that makes a text of nothing.
#[must_use]
pub(in crate::source::hg) fn whole(text: &[u8]) -> Vec<u8> {
    // A text that is longer has come in no chunk.
    let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&[0; 8], &len.to_be_bytes()[..], text].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(hunks: &[(u32, u32, &str)]) -> Vec<u8> {
        let hunk = |(start, end, data): &(u32, u32, &str)| {
            let len = u32::try_from(data.len()).expect("small");
            [&start.to_be_bytes()[..], &end.to_be_bytes(), &len.to_be_bytes(), data.as_bytes()].concat()
        };
        hunks.iter().flat_map(hunk).collect()
    }

    #[test]
    fn hunks_replace_what_they_say() {
        let base = b"one two three";
        let cases = [
            (vec![], "one two three"),
            (vec![(0, 3, "1"), (8, 13, "3")], "1 two 3"),
            (vec![(3, 3, " and"), (13, 13, "!")], "one and two three!"),
            (vec![(0, 13, "")], ""),
        ];
        for (hunks, expected) in cases {
            assert_eq!(patched(base, &delta(&hunks)).expect("it fits"), expected.as_bytes());
        }
        assert_eq!(patched(b"", &whole(base)).expect("it fits"), base);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for hunks in [vec![(0, 14, "")], vec![(4, 3, "")], vec![(5, 6, ""), (4, 5, "")]] {
            assert!(patched(b"one two three", &delta(&hunks)).is_err(), "{hunks:?}");
        }
        let good = delta(&[(0, 1, "long enough")]);
        (1..good.len()).for_each(|len| assert!(patched(b"one", &good[..len]).is_err(), "{len}"));
    }
}
