//! The server's list of refs, and what of it the target should have.

use crate::{Findings, Preview, Refs, SourceState, Watermark, digest};
use codeimport_core::{RefFilter, display_ref_name};
use gix::{ObjectId, bstr::BString, protocol::handshake::Ref};
use std::collections::BTreeSet;

/// What a server has, after the filter.
pub(super) struct Advertised {
    refs: Refs,
    default_branch: Option<BString>,
    /// Whether HEAD led to an object, so that there is history whatever the filter says.
    has_history: bool,
}

impl Advertised {
    pub(super) fn from_refs(refs: &[Ref], filter: &RefFilter) -> Self {
        let mut advertised = Self { refs: Refs::new(), default_branch: None, has_history: false };
        for entry in refs {
            let (name, target, id) = unpack(entry);
            if name == "HEAD" {
                advertised.default_branch = target.cloned();
            }
            advertised.has_history |= id.is_some();
            if let Some(id) = id.filter(|_| filter.takes(name)) {
                advertised.refs.insert(name.clone(), id);
            }
        }
        advertised
    }

    /// A repository that has history of which the filter takes nothing. Taken at its word, it would empty the target.
    pub(super) fn nothing_taken(&self) -> bool {
        self.has_history && self.refs.is_empty()
    }

    /// The objects that have to be fetched.
    pub(super) fn tips(&self) -> BTreeSet<ObjectId> {
        self.refs.values().copied().collect()
    }

    pub(super) fn watermark(&self) -> Watermark {
        let branch = self.default_branch.as_ref().map(|name| display_ref_name(name));
        Watermark(digest::hex(&digest::refs_digest(&self.refs, branch.as_deref())))
    }

    /// What can be told of it without its history.
    pub(super) fn preview(&self) -> Preview {
        let named = |prefix: &str| {
            let names =
                self.refs.keys().filter_map(|name| display_ref_name(name).strip_prefix(prefix).map(str::to_owned));
            names.collect()
        };
        Preview {
            position: self.watermark().0,
            layout: "as the source names them".to_owned(),
            branches: named("refs/heads/"),
            tags: named("refs/tags/"),
            ..Preview::default()
        }
    }

    pub(super) fn into_state(self, received_bytes: u64) -> SourceState {
        let watermark = self.watermark();
        SourceState {
            findings: Findings::default(),
            watermark,
            refs: self.refs,
            backups: Refs::new(),
            default_branch: self.default_branch,
            received_bytes,
            carried: None,
            complete: true,
        }
    }
}

/// Name, target if symbolic, and the object that the ref itself points to: the tag, not what the tag points to.
fn unpack(entry: &Ref) -> (&BString, Option<&BString>, Option<ObjectId>) {
    match entry {
        Ref::Direct { full_ref_name, object } => (full_ref_name, None, Some(*object)),
        Ref::Peeled { full_ref_name, tag, .. } => (full_ref_name, None, Some(*tag)),
        Ref::Symbolic { full_ref_name, target, tag, object } => {
            (full_ref_name, Some(target), Some(tag.unwrap_or(*object)))
        }
        Ref::Unborn { full_ref_name, target } => (full_ref_name, Some(target), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).expect("valid")
    }

    fn direct(name: &str, digit: char) -> Ref {
        Ref::Direct { full_ref_name: name.into(), object: id(digit) }
    }

    fn taken(refs: &[Ref]) -> Advertised {
        Advertised::from_refs(refs, &RefFilter::default())
    }

    #[test]
    fn an_annotated_tag_is_taken_itself_and_not_what_it_points_to() {
        let tag = Ref::Peeled { full_ref_name: "refs/tags/v1".into(), tag: id('1'), object: id('2') };
        assert_eq!(taken(&[tag]).tips(), BTreeSet::from([id('1')]));
    }

    #[test]
    fn head_names_the_default_branch_born_or_not() {
        let born = Ref::Symbolic {
            full_ref_name: "HEAD".into(),
            target: "refs/heads/main".into(),
            tag: None,
            object: id('1'),
        };
        let unborn = Ref::Unborn { full_ref_name: "HEAD".into(), target: "refs/heads/gone".into() };
        assert_eq!(taken(&[born, direct("refs/heads/main", '1')]).default_branch, Some("refs/heads/main".into()));
        let dangling = taken(&[unborn, direct("refs/heads/main", '1')]);
        assert_eq!(dangling.default_branch, Some("refs/heads/gone".into()));
        assert!(!dangling.refs.contains_key(&BString::from("HEAD")));
    }

    #[test]
    fn taking_nothing_of_something_is_noticed() {
        assert!(taken(&[direct("HEAD", '1'), direct("refs/pull/1/head", '1')]).nothing_taken());
        assert!(!taken(&[]).nothing_taken(), "an empty repository is none to complain about");
    }

    #[test]
    fn the_watermark_changes_with_head_alone() {
        let refs = [direct("refs/heads/a", '1'), direct("refs/heads/b", '1')];
        let head = |target: &str| Ref::Symbolic {
            full_ref_name: "HEAD".into(),
            target: target.into(),
            tag: None,
            object: id('1'),
        };
        let on = |target| taken(&[refs[0].clone(), refs[1].clone(), head(target)]).watermark();
        assert_ne!(on("refs/heads/a"), on("refs/heads/b"));
    }
}
