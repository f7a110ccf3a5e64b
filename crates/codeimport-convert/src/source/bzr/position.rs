//! Where a branch stands: its newest revision and its tags. Pure.

use crate::Watermark;
use sha1::{Digest as _, Sha1};

/// What stands for a revision where there is none.
pub(super) const NOTHING: &[u8] = b"null:";

/// Digits of the tags' digest: enough to see a change.
const DIGITS: usize = 12;

/// Where a branch stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Position {
    /// Its newest revision; [`NOTHING`] if there is none.
    pub(super) tip: Vec<u8>,
    /// Its tags, as they are stored.
    pub(super) tags: Vec<u8>,
}

impl Position {
    /// The same text, whichever way the branch was asked.
    pub(super) fn watermark(&self) -> Watermark {
        let tip = String::from_utf8_lossy(&self.tip);
        if self.tags.is_empty() {
            return Watermark(tip.into_owned());
        }
        let digest = crate::digest::hex(&Sha1::digest(&self.tags));
        Watermark(format!("{tip}, tags {}", &digest[..DIGITS]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_revision_or_tag_is_another_position() {
        let at = |tip: &str, tags: &str| Position { tip: tip.into(), tags: tags.into() }.watermark();
        assert_eq!(at("ada@x-1", "").0, "ada@x-1");
        assert_eq!(at("ada@x-1", "de").0, "ada@x-1, tags 600ccd1b7156");
        assert_ne!(at("ada@x-1", "de"), at("ada@x-1", "d1:ae"));
    }
}
