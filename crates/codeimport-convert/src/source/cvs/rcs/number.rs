//! Revision numbers: `1.2` on the trunk, `1.2.4.1` on a branch, `1.2.4` the branch itself.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;

/// Longest number that is read: a branch of a branch, sixteen deep. CVS users have seen four.
const MAX_PARTS: usize = 32;

/// Parts for which no memory is asked: those of a revision on a branch of a branch. There are millions of numbers.
const SHORT: usize = 6;

/// A dotted number; never empty. In order of its parts, so revisions of a branch stand in the order they were made.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::source::cvs) struct Number(Stored);

/// The same number is always stored in the same way: short if that has room for it.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Stored {
    /// Behind the parts that count there are zeros.
    Short([u16; SHORT], u8),
    Long(Box<([u32; MAX_PARTS], usize)>),
}

/// The parts of a number.
pub(in crate::source::cvs) enum Parts<'n> {
    Short([u32; SHORT], usize),
    Long(&'n [u32]),
}

impl Deref for Parts<'_> {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::Short(parts, count) => &parts[..*count],
            Self::Long(parts) => parts,
        }
    }
}

impl Number {
    /// Reads a number; none if it is not one.
    pub(in crate::source::cvs) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (mut parts, mut count) = ([0; MAX_PARTS], 0);
        for part in text.split('.') {
            if !part.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            *parts.get_mut(count)? = part.parse().ok()?;
            count += 1;
        }
        Some(Self::of(&parts[..count]))
    }

    /// Of no more than [`MAX_PARTS`] parts.
    fn of(parts: &[u32]) -> Self {
        let mut short = [0; SHORT];
        let fits = |(place, part): (&mut u16, &u32)| u16::try_from(*part).map(|part| *place = part).is_ok();
        match u8::try_from(parts.len()) {
            Ok(count) if parts.len() <= SHORT && short.iter_mut().zip(parts).all(fits) => {
                Self(Stored::Short(short, count))
            }
            _ => {
                let mut long = [0; MAX_PARTS];
                long.iter_mut().zip(parts).for_each(|(place, part)| *place = *part);
                Self(Stored::Long(Box::new((long, parts.len().min(MAX_PARTS)))))
            }
        }
    }

    /// Its parts.
    pub(in crate::source::cvs) fn parts(&self) -> Parts<'_> {
        match &self.0 {
            Stored::Short(parts, count) => Parts::Short(parts.map(u32::from), usize::from(*count)),
            Stored::Long(long) => Parts::Long(&long.0[..long.1]),
        }
    }

    /// Whether it names a revision, not a branch.
    pub(in crate::source::cvs) fn is_revision(&self) -> bool {
        self.parts().len().is_multiple_of(2)
    }

    /// Whether it is a revision of the trunk.
    pub(in crate::source::cvs) fn is_trunk(&self) -> bool {
        self.parts().len() == 2
    }

    /// The branch that a revision is on; none for one of the trunk.
    pub(in crate::source::cvs) fn branch(&self) -> Option<Self> {
        (self.is_revision() && self.parts().len() > 2).then(|| Self::of(&self.parts()[..self.parts().len() - 1]))
    }

    /// The revision that a branch begins at, or that the branch of a revision does; none on the trunk.
    pub(in crate::source::cvs) fn branchpoint(&self) -> Option<Self> {
        let count = self.parts().len();
        let kept = if self.is_revision() { count.checked_sub(2)? } else { count - 1 };
        (kept >= 2).then(|| Self::of(&self.parts()[..kept]))
    }

    /// What a symbol means: CVS writes a branch `1.2.4` as `1.2.0.4` until it has a revision, and ever after.
    pub(in crate::source::cvs) fn of_symbol(self) -> Self {
        let plain = match &*self.parts() {
            [point @ .., 0, last] if point.len() >= 2 && point.len().is_multiple_of(2) => {
                Some(Self::of(&[point, &[*last]].concat()))
            }
            _ => None,
        };
        plain.unwrap_or(self)
    }

    /// Whether it is a branch as `cvs import` makes them: 1.1.1, 1.1.3 …; those of `cvs tag -b` have even numbers.
    pub(in crate::source::cvs) fn is_vendor_branch(&self) -> bool {
        matches!(*self.parts(), [_, _, branch] if branch % 2 == 1)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            // Where the parts that both have are the same, the zeros behind the shorter one come first.
            (Stored::Short(parts, count), Stored::Short(others, other_count)) => {
                parts.cmp(others).then(count.cmp(other_count))
            }
            _ => self.parts().cmp(&other.parts()),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts().iter().enumerate() {
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
    }

    #[test]
    fn numbers_are_in_order_of_their_parts_however_long_they_are() {
        let order = "1.1 1.1.0 1.1.0.0 1.1.0.4 1.1.2 1.2 1.2.2 1.2.2.1.2.1 1.2.2.1.2.1.2 1.2.2.1.2.1.2.1 1.9 1.10 1.65535 1.65536 2.1";
        let numbers: Vec<_> = order.split(' ').map(number).collect();
        for (at, one) in numbers.iter().enumerate() {
            for (other_at, other) in numbers.iter().enumerate() {
                assert_eq!((one.cmp(other), one == other), (at.cmp(&other_at), at == other_at), "{one} {other}");
            }
        }
        assert_eq!(size_of::<Number>(), 16, "there are millions");
    }
}
