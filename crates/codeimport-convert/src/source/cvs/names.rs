//! Refs for lines and tags. Pure.
//!
//! Symbols of CVS are letters, digits, `-` and `_`; what else stands in a file was put there by hand. Whatever it is, the ref is
//! valid, and two symbols never share one.

use super::place::LineName;
use crate::source::svn::escape_ref_part;
use gix::bstr::BString;

/// The ref of the trunk, which CVS has no symbol for.
pub(super) const TRUNK: &str = "refs/heads/trunk";

/// Names that mean something else as a branch or tag.
const TAKEN: [&[u8]; 2] = [b"trunk", b"HEAD"];

/// The full name of a line's ref.
pub(super) fn line_ref(name: &LineName) -> BString {
    match name {
        LineName::Trunk => TRUNK.into(),
        LineName::Branch(name) => format!("refs/heads/{}", part(name)).into(),
        // A colon never stands in a symbol, and `%3A` comes of nothing else.
        LineName::Unlabelled(number) => format!("refs/heads/unlabelled%3A{number}").into(),
    }
}

/// The full name of a tag's ref.
pub(super) fn tag_ref(name: &[u8]) -> BString {
    format!("refs/tags/{}", part(name)).into()
}

/// What CVS calls a line where it takes a revision or branch.
pub(super) fn in_cvs(name: &LineName) -> Vec<u8> {
    match name {
        LineName::Trunk => b"HEAD".to_vec(),
        LineName::Branch(name) => name.to_vec(),
        LineName::Unlabelled(number) => number.to_string().into_bytes(),
    }
}

fn part(name: &[u8]) -> String {
    let escaped = escape_ref_part(name).replace('/', "%2F");
    // What is not text has been replaced: the bytes tell such names apart.
    if std::str::from_utf8(name).is_err() {
        return name
            .iter()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(*b).to_string() } else { format!("%{b:02X}") })
            .collect();
    }
    match TAKEN.contains(&name) {
        true => format!("%{:02X}{}", name[0], &escaped[1..]),
        false => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_has_a_ref_of_its_own() {
        let cases: [(&[u8], &str); 6] = [
            (b"v1-0_x", "refs/tags/v1-0_x"),
            (b"a/b", "refs/tags/a%2Fb"),
            (b"HEAD", "refs/tags/%48EAD"),
            (b"trunk", "refs/tags/%74runk"),
            (b"a b..c", "refs/tags/a%20b%2E.c"),
            (b"gr\xfcn", "refs/tags/gr%FCn"),
        ];
        for (name, expected) in cases {
            assert_eq!(tag_ref(name), expected);
        }
    }
}
