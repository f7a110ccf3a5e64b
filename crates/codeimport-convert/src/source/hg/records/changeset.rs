//! The text of a changeset.
//!
//! ```text
//!   name of the manifest
//!   user
//!   seconds, offset in seconds west of UTC, extras
//!   changed paths, a line each
//!   (empty line)
//!   message
//! ```

use crate::source::hg::error::{HgError, broken};
use crate::source::hg::node::Node;

/// What the branch is called that has no name.
const DEFAULT: &[u8] = b"default";

/// A changeset, as far as Git has a place for it, and what decides its branch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::source::hg) struct Changeset {
    /// Null: no file at all.
    pub(in crate::source::hg) manifest: Node,
    pub(in crate::source::hg) user: Vec<u8>,
    /// Since 1970.
    pub(in crate::source::hg) seconds: i64,
    /// Seconds west of UTC.
    pub(in crate::source::hg) offset: i64,
    pub(in crate::source::hg) branch: Vec<u8>,
    /// Whether it ends its branch.
    pub(in crate::source::hg) closes: bool,
    pub(in crate::source::hg) message: Vec<u8>,
}

impl Changeset {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// [`HgError::Broken`].
    pub(in crate::source::hg) fn parse(text: &[u8]) -> Result<Self, HgError> {
        if text.is_empty() {
            return Ok(Self::empty());
        }
        match parse(text) {
            Some(changeset) => Ok(changeset),
            None => broken("a changeset's text has not the lines that it should have"),
        }
    }

    /// What old versions wrote for a changeset without anything.
    fn empty() -> Self {
        let (user, message) = (Vec::new(), Vec::new());
        Self { manifest: Node::NULL, user, seconds: 0, offset: 0, branch: DEFAULT.to_vec(), closes: false, message }
    }
}

fn parse(text: &[u8]) -> Option<Changeset> {
    let mut lines = text.splitn(4, |b| *b == b'\n');
    let (manifest, user, date) = (Node::from_hex(lines.next()?)?, lines.next()?, lines.next()?);
    let (seconds, offset, extras) = parse_date(date)?;
    let extra = |name: &[u8]| extras.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    Some(Changeset {
        manifest,
        user: user.to_vec(),
        seconds,
        offset,
        branch: extra(b"branch").filter(|name| !name.is_empty()).unwrap_or_else(|| DEFAULT.to_vec()),
        closes: extra(b"close").is_some(),
        message: message(lines.next().unwrap_or_default()).to_vec(),
    })
}

/// What stands behind the first empty line.
fn message(rest: &[u8]) -> &[u8] {
    if let Some(message) = rest.strip_prefix(b"\n") {
        return message;
    }
    rest.windows(2).position(|pair| pair == b"\n\n").map_or(&[], |at| &rest[at + 2..])
}

type Extras = Vec<(Vec<u8>, Vec<u8>)>;

fn parse_date(line: &[u8]) -> Option<(i64, i64, Extras)> {
    let mut fields = line.splitn(3, |b| *b == b' ');
    let (seconds, offset) = (number(fields.next()?)?, number(fields.next()?)?);
    let extras = fields.next().unwrap_or_default().split(|b| *b == 0);
    let pair = |text: &[u8]| {
        let text = unescape(text);
        let colon = text.iter().position(|b| *b == b':')?;
        Some((text[..colon].to_vec(), text[colon + 1..].to_vec()))
    };
    Some((seconds, offset, extras.filter_map(pair).collect()))
}

/// A number; old versions wrote fractions, too.
fn number(text: &[u8]) -> Option<i64> {
    let whole = text.split(|b| *b == b'.').next()?;
    std::str::from_utf8(whole).ok()?.parse().ok()
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        plain.push(match (byte, byte == &b'\\') {
            (_, true) => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b'0') => 0,
                Some(other) => *other,
                None => b'\\',
            },
            (byte, false) => *byte,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "b80de5d138758541c5f05265ad144ab9fa86d1db";

    fn parsed(rest: &str) -> Result<Changeset, HgError> {
        Changeset::parse(format!("{HEX}\n{rest}").as_bytes())
    }

    #[test]
    fn all_that_git_has_a_place_for_is_read() {
        let text = "Ada <ada@x>\n1700000000 -7200 branch:a\\\\b\0close:1\nf\ng/h\n\nFirst line\n\nmore";
        let changeset = parsed(text).expect("a changeset");
        assert_eq!(changeset.manifest.to_string(), HEX);
        assert_eq!((changeset.seconds, changeset.offset, changeset.closes), (1_700_000_000, -7_200, true));
        assert_eq!((&changeset.branch[..], &changeset.user[..]), (&b"a\\b"[..], &b"Ada <ada@x>"[..]));
        assert_eq!(changeset.message, b"First line\n\nmore");
    }

    #[test]
    fn what_is_left_out_has_a_meaning() {
        let changeset = parsed("ada\n0 0\n\nno file was changed").expect("a changeset");
        assert_eq!((&changeset.branch[..], changeset.closes), (&b"default"[..], false));
        assert_eq!(changeset.message, b"no file was changed");
        assert_eq!(Changeset::parse(b"").expect("a changeset").manifest, Node::NULL);
        assert_eq!(parsed("ada\n-12.5 0\nf").expect("a changeset").seconds, -12);
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        for odd in ["", "ada", "ada\nyesterday 0\n\n", "ada\n1\n\n"] {
            assert!(parsed(odd).is_err(), "{odd}");
        }
        assert!(Changeset::parse(b"no node\nada\n0 0\n\n").is_err());
    }
}
