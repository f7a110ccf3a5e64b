//! Refs of a branch and its tags. Pure.

use crate::source::svn::escape_ref_part;
use gix::bstr::BString;

/// The ref of the branch, whatever its nick is: that one is anybody's choice, and changes from revision to revision.
pub(super) const BRANCH: &str = "refs/heads/trunk";

/// What the map calls the branch.
pub(super) const BRANCH_NAME: &str = "trunk";

/// The full name of a tag's ref. Two tags never share one.
pub(super) fn tag_ref(name: &str) -> BString {
    // Tags are folders of each other in Bazaar as little as they may be in Git.
    format!("refs/tags/{}", escape_ref_part(name.as_bytes()).replace('/', "%2F")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_has_a_ref_of_its_own() {
        let cases =
            [("v1.0", "refs/tags/v1.0"), ("a/b", "refs/tags/a%2Fb"), ("a b", "refs/tags/a%20b"), ("ä", "refs/tags/ä")];
        for (name, expected) in cases {
            assert_eq!(tag_ref(name), expected);
        }
    }
}
