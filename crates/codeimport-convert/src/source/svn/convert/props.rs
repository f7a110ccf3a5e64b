//! Properties of a directory that are kept in its shadow tree.
//!
//! Subversion's own that say something about history or content; all others would only cost objects. Where line ends are
//! normalized, the directory also knows which of its files that concerns.

use crate::source::svn::records::{PropChanges, PropValue};
use std::collections::{BTreeMap, BTreeSet};

/// Names of what is kept.
const KEPT: [&str; 4] = ["svn:externals", "svn:global-ignores", "svn:ignore", "svn:mergeinfo"];

/// Name under which the files with normalized line ends are kept, separated by slashes. No property has such a name:
/// control characters are refused.
const LINE_ENDS: &[u8] = b"\x01line-ends";

/// Kept properties of one directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct DirProps(BTreeMap<Vec<u8>, Vec<u8>>);

impl DirProps {
    /// Reads what [`Self::encode`] wrote; damage reads as nothing.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let props = PropChanges::parse(bytes, false).unwrap_or_default();
        let set = props.changes.into_iter().filter_map(|(name, value)| match value {
            PropValue::Set(value) => Some((name, value)),
            PropValue::Deleted => None,
        });
        Self(set.collect())
    }

    /// The bytes to keep, in the form of a dump's property block; none if there is nothing to keep.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        let mut bytes = Vec::new();
        for (name, value) in &self.0 {
            for (letter, text) in [("K", name), ("V", value)] {
                bytes.extend_from_slice(format!("{letter} {}\n", text.len()).as_bytes());
                bytes.extend_from_slice(text);
                bytes.push(b'\n');
            }
        }
        bytes.extend_from_slice(b"PROPS-END\n");
        Some(bytes)
    }

    /// Takes over what a record changes; false if nothing that is kept is concerned.
    pub(crate) fn apply(&mut self, changes: &PropChanges) -> bool {
        let before = self.clone();
        for name in KEPT {
            match changes.change(name) {
                Some(PropValue::Set(value)) => drop(self.0.insert(name.into(), value.clone())),
                Some(PropValue::Deleted) => drop(self.0.remove(name.as_bytes())),
                None => {}
            }
        }
        *self != before
    }

    /// Names of the files whose line ends are normalized.
    pub(crate) fn line_ends(&self) -> BTreeSet<Vec<u8>> {
        let names = self.0.get(LINE_ENDS).map(Vec::as_slice).unwrap_or_default();
        names.split(|b| *b == b'/').filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect()
    }

    /// Says whether a file's line ends are normalized; false if that is known already.
    pub(crate) fn set_line_ends(&mut self, name: &[u8], normalized: bool) -> bool {
        let mut names = self.line_ends();
        let is_new = if normalized { names.insert(name.to_vec()) } else { names.remove(name) };
        if names.is_empty() {
            self.0.remove(LINE_ENDS);
        } else {
            self.0.insert(LINE_ENDS.to_vec(), names.into_iter().collect::<Vec<_>>().join(&b'/'));
        }
        is_new
    }

    /// The value of a property.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name.as_bytes()).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_survives_the_round_trip() {
        let mut props = DirProps::default();
        let set = |name: &str, value: &str| (name.into(), PropValue::Set(value.into()));
        let changes = PropChanges {
            changes: vec![set("svn:mergeinfo", "/b:1-2\n/c:3"), set("svn:keywords", "Id"), set("svn:ignore", "")],
            is_delta: true,
        };
        assert!(props.apply(&changes));
        assert!(!props.apply(&changes), "nothing new the second time");
        let read = DirProps::decode(&props.encode().expect("something to keep"));
        assert_eq!((read.get("svn:mergeinfo"), read.get("svn:keywords")), (Some(&b"/b:1-2\n/c:3"[..]), None));
        let mut other = read.clone();
        assert!(
            other.set_line_ends(b"f", true) && other.set_line_ends(b"a b", true) && !other.set_line_ends(b"f", true)
        );
        let again = DirProps::decode(&other.encode().expect("something to keep"));
        assert_eq!(again.line_ends(), BTreeSet::from([b"a b".to_vec(), b"f".to_vec()]));
        assert!(other.set_line_ends(b"f", false) && other.set_line_ends(b"a b", false));
        assert_eq!(other, read);
        let none = PropChanges { changes: Vec::new(), is_delta: false };
        assert!(props.apply(&none) && props.encode().is_none(), "a full list without them removes them");
    }
}
