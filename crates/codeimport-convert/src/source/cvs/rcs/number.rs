//! Revision numbers: `1.2` on the trunk, `1.2.4.1` on a branch, `1.2.4` the branch itself.

use std::fmt;

/// Longest number that is read: a branch of a branch, sixteen deep. CVS users have seen four.
const MAX_PARTS: usize = 32;

/// A dotted number; never empty. In order of its parts, so revisions of a branch stand in the order they were made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(in crate::source::cvs) struct Number(Box<[u32]>);

impl Number {
    /// Reads a number; none if it is not one.
    pub(in crate::source::cvs) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut parts = Vec::with_capacity(4);
        for part in text.split('.') {
            if parts.len() == MAX_PARTS || !part.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            parts.push(part.parse().ok()?);
        }
        Some(Self(parts.into()))
    }

    /// Its parts.
    pub(in crate::source::cvs) fn parts(&self) -> &[u32] {
        &self.0
    }

    /// Whether it names a revision, not a branch.
    pub(in crate::source::cvs) fn is_revision(&self) -> bool {
        self.0.len().is_multiple_of(2)
    }

    /// Whether it is a revision of the trunk.
    pub(in crate::source::cvs) fn is_trunk(&self) -> bool {
        self.0.len() == 2
    }

    /// The branch that a revision is on; none for one of the trunk.
    pub(in crate::source::cvs) fn branch(&self) -> Option<Self> {
        (self.is_revision() && self.0.len() > 2).then(|| Self(self.0[..self.0.len() - 1].into()))
    }

    /// The revision that a branch begins at, or that the branch of a revision does; none on the trunk.
    pub(in crate::source::cvs) fn branchpoint(&self) -> Option<Self> {
        let parts = self.0.len();
        let kept = if self.is_revision() { parts.checked_sub(2)? } else { parts - 1 };
        (kept >= 2).then(|| Self(self.0[..kept].into()))
    }

    /// What a symbol means: CVS writes a branch `1.2.4` as `1.2.0.4` until it has a revision, and ever after.
    pub(in crate::source::cvs) fn of_symbol(self) -> Self {
        let parts = &self.0;
        let count = parts.len();
        if count >= 4 && count.is_multiple_of(2) && parts[count - 2] == 0 {
            let mut plain = parts[..count - 2].to_vec();
            plain.push(parts[count - 1]);
            return Self(plain.into());
        }
        self
    }

    /// Whether it is a branch as `cvs import` makes them: 1.1.1, 1.1.3 …; those of `cvs tag -b` have even numbers.
    pub(in crate::source::cvs) fn is_vendor_branch(&self) -> bool {
        self.0.len() == 3 && self.0[2] % 2 == 1
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            write!(f, "{}{part}", if index == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn a_number_tells_branch_and_branchpoint() {
        let cases = [
            ("1.2", None, None),
            ("1.2.4.1", Some("1.2.4"), Some("1.2")),
            ("1.2.4", None, Some("1.2")),
            ("1.2.4.1.6.2", Some("1.2.4.1.6"), Some("1.2.4.1")),
        ];
        for (text, branch, point) in cases {
            let got = number(text);
            assert_eq!((got.branch(), got.branchpoint()), (branch.map(number), point.map(number)), "{text}");
        }
    }

    #[test]
    fn magic_branches_are_plain_ones() {
        let cases =
            [("1.2.0.4", "1.2.4"), ("1.1.1", "1.1.1"), ("1.2", "1.2"), ("1.2.4.3.0.2", "1.2.4.3.2"), ("1.0", "1.0")];
        for (text, plain) in cases {
            assert_eq!(number(text).of_symbol(), number(plain));
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "1.", "1..2", "a", "1.-2", "1.99999999999", "+1.2"] {
            assert_eq!(Number::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Number::parse("1.".repeat(40).as_bytes()), None);
        assert!(number("1.9") < number("1.10"));
    }
}
