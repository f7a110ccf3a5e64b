//! What of the converted history the refs show.

use super::error::HgError;
use super::history::{History, KnownChangeset};
use super::lost::Lost;
use super::names::{Branch, DEFAULT_BRANCH, Named, Tags, read_tags, refs};
use super::node::Node;
use super::records::Changeset;
use super::wire::Position;
use crate::objects::ObjectStore;
use crate::shadow::ShadowTree;
use crate::{FindingKind, Findings, Refs};
use gix::ObjectId;
use gix::bstr::BString;
use gix::objs::Kind;
use std::collections::BTreeMap;

/// Where Mercurial keeps tags.
const TAGS: &[u8] = b".hgtags";

/// History, and what the source says that it shows of it.
pub(super) struct Shown<'a> {
    pub(super) history: &'a History,
    pub(super) position: &'a Position,
    /// What the source has no longer: a tag may still name it.
    pub(super) lost: &'a Lost,
    /// Whether all of it is converted.
    pub(super) complete: bool,
}

impl Shown<'_> {
    /// The refs, and the name of the one that is shown first.
    pub(super) fn refs(
        &self,
        store: &mut ObjectStore,
        findings: &mut Findings,
    ) -> Result<(Refs, Option<BString>), HgError> {
        let branches = if self.complete { self.branches(findings)? } else { self.branches_so_far()? };
        let heads = if self.complete { self.position.heads.clone() } else { self.history.changesets.heads() };
        let tags = self.tags(&heads, store)?;
        let named = Named { branches: &branches, bookmarks: &self.position.bookmarks, tags: &tags };
        let commit = |node: &Node| self.commit(node);
        let refs = refs(&named, commit);
        let newest = heads.last().and_then(commit);
        let first = refs.keys().find(|name| *name == DEFAULT_BRANCH).or_else(|| {
            // Without the branch that all begin with: one that has the newest changeset.
            refs.iter().find(|(_, id)| Some(**id) == newest).map(|(name, _)| name)
        });
        let first = first.cloned();
        Ok((refs, first))
    }

    fn commit(&self, node: &Node) -> Option<ObjectId> {
        self.history.changesets.get(node).filter(|_| !self.lost.contains(node)).map(|known| known.commit)
    }

    /// Branches as the source tells them; their heads' own texts tell which of them are closed.
    fn branches(&self, findings: &mut Findings) -> Result<Vec<Branch>, HgError> {
        let mut branches = Vec::new();
        for (name, nodes) in &self.position.branches {
            let mut heads = Vec::new();
            for known in nodes.iter().filter_map(|node| self.history.changesets.get(node)) {
                heads.push((known.node, Changeset::parse(&known.text)?.closes));
            }
            if heads.iter().all(|(_, closed)| *closed) {
                findings.note(FindingKind::ClosedBranch, &crate::source::text::decode(name));
            }
            branches.push((name.clone(), heads));
        }
        Ok(branches)
    }

    /// Branches of history whose end was not reached: the newest changeset of each.
    fn branches_so_far(&self) -> Result<Vec<Branch>, HgError> {
        let mut newest = BTreeMap::new();
        for KnownChangeset { node, text, .. } in self.history.changesets.iter() {
            newest.insert(Changeset::parse(text)?.branch, *node);
        }
        Ok(newest.into_iter().map(|(branch, node)| (branch, vec![(node, false)])).collect())
    }

    /// Tags as all heads tell them, oldest first.
    fn tags(&self, heads: &[Node], store: &mut ObjectStore) -> Result<Tags, HgError> {
        let mut blobs = Vec::new();
        for known in heads.iter().filter_map(|node| self.history.changesets.get(node)) {
            let manifest = Changeset::parse(&known.text)?.manifest;
            let Some(tree) = self.history.manifests.tree(&manifest) else { continue };
            if let Some(entry) = ShadowTree::stored(tree).get(TAGS, store)?.filter(|entry| !blobs.contains(&entry.id)) {
                blobs.push(entry.id);
            }
        }
        let texts = blobs.into_iter().map(|id| store.read(id, Kind::Blob)).collect::<Result<Vec<_>, _>>();
        // A directory of that name has no tags.
        Ok(texts.map(|texts| read_tags(texts.iter().map(|text| &**text))).unwrap_or_default())
    }
}
