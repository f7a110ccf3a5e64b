//! Makes Git commits of what a revision did to branches.

use super::branches::Change;
use super::mergeinfo::MergeInfo;
use super::props::DirProps;
use crate::findings::Findings;
use crate::objects::{ObjectStore, encode_commit};
use crate::shadow::{PROPS_ENTRY, Publisher, ShadowError, ShadowTree};
use crate::source::svn::history::keeper;
use crate::source::svn::history::{History, MapEntry};
use crate::source::svn::layout::Places;
use crate::source::svn::paths::join;
use crate::source::svn::records::{CopyFrom, RevisionRecord};
use codeimport_core::AuthorMap;
use gix::ObjectId;
use gix::objs::Kind;

/// Who, when and why: what all commits of a revision have in common.
pub(crate) struct RevisionHead {
    number: u64,
    /// `Name <address> seconds +0000`.
    signature: String,
    message: Vec<u8>,
}

impl RevisionHead {
    /// From the properties of a revision, with its date or what stands in for it.
    pub(crate) fn new(revision: &RevisionRecord, authors: &AuthorMap, uuid: &str, seconds: i64) -> Self {
        let who = authors.identity(revision.props.set("svn:author"), uuid);
        let mut message = revision.props.set("svn:log").unwrap_or_default().to_vec();
        // A NUL would end the commit for many readers.
        message.retain(|byte| *byte != 0);
        if !message.is_empty() && !message.ends_with(b"\n") {
            message.push(b'\n');
        }
        let signature = format!("{} <{}> {seconds} +0000", who.name, who.email);
        Self { number: revision.number, signature, message }
    }
}

/// The date of a revision in seconds since 1970; none if it is missing, odd, or before that.
pub(crate) fn seconds(revision: &RevisionRecord) -> Option<i64> {
    let text = std::str::from_utf8(revision.props.set("svn:date")?).ok()?;
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(time.as_second()).filter(|seconds| *seconds >= 0)
}

/// What is needed to make commits.
pub(crate) struct Committer<'a> {
    pub(crate) places: &'a Places,
    pub(crate) history: &'a mut History,
    pub(crate) publisher: &'a mut Publisher,
    pub(crate) store: &'a mut ObjectStore,
    pub(crate) findings: &'a mut Findings,
    /// `git-svn-id` trailers: URL of the repository's root and its UUID.
    pub(crate) trailer: Option<(&'a str, &'a str)>,
}

impl Committer<'_> {
    /// Makes the commits of one revision, and its link in the chain.
    pub(crate) fn commit(
        &mut self,
        head: &RevisionHead,
        changes: Vec<(Vec<u8>, Change)>,
        root: ObjectId,
    ) -> Result<(), ShadowError> {
        let mut ended = Vec::new();
        for (branch, change) in changes {
            match change {
                Change::Deleted => ended.extend(self.tip(&branch)),
                Change::Changed { tree } => {
                    let parent = self.tip(&branch);
                    let before = self.props_at(&branch, head.number.saturating_sub(1))?;
                    self.commit_branch(head, branch, tree, parent, before)?;
                }
                Change::Made { tree, origin } => {
                    // Replaced: its past life must stay reachable, somebody may copy from it later.
                    ended.extend(self.tip(&branch));
                    self.history.ancestry.begin_anew(&branch, head.number);
                    let before = match &origin {
                        Some(origin) => self.props_at(&origin.path, origin.revision)?,
                        None => None,
                    };
                    let parent = match &origin {
                        Some(origin) => self.parent_of_copy(&branch, origin, head.number)?,
                        None => None,
                    };
                    self.commit_branch(head, branch, tree, parent, before)?;
                }
            }
        }
        self.link(head.number, root, ended)
    }

    /// The commit that a new branch begins from: the newest one of the branch that it was copied from, or out of.
    fn parent_of_copy(
        &mut self,
        branch: &[u8],
        origin: &CopyFrom,
        revision: u64,
    ) -> Result<Option<ObjectId>, ShadowError> {
        let Some(source) = self.places.root_of(&origin.path) else { return Ok(None) };
        let copied = self.history.commit_at(source, origin.revision, self.store)?;
        Ok(copied.map(|(up_to, commit)| {
            self.history.ancestry.contain(branch, source, up_to, revision);
            commit
        }))
    }

    fn commit_branch(
        &mut self,
        head: &RevisionHead,
        branch: Vec<u8>,
        shadow: ObjectId,
        parent: Option<ObjectId>,
        props_before: Option<ObjectId>,
    ) -> Result<(), ShadowError> {
        let tree = self.publisher.publish(shadow, &branch, self.store, self.findings)?;
        let merged = self.merged(&branch, shadow, props_before, head.number)?;
        let parents = parent.into_iter().chain(merged.into_iter().filter(|commit| Some(*commit) != parent));
        let message = self.message(head, &branch);
        let content = encode_commit(tree, parents, &head.signature, &message);
        let commit = self.store.write(Kind::Commit, content)?;
        self.history.push_commit(MapEntry { revision: head.number, commit, branch });
        Ok(())
    }

    fn message(&self, head: &RevisionHead, branch: &[u8]) -> Vec<u8> {
        let Some((url, uuid)) = self.trailer else { return head.message.clone() };
        let path = if branch.is_empty() { String::new() } else { format!("/{}", String::from_utf8_lossy(branch)) };
        let trailer = format!("\ngit-svn-id: {url}{path}@{} {uuid}\n", head.number);
        [&head.message[..], trailer.as_bytes()].concat()
    }

    /// The tips of branches that were merged as a whole: everything of them that this branch did not contain yet is
    /// in its `svn:mergeinfo`. A cherry-pick leaves something out, so it is none.
    ///
    /// A revision that leaves the properties as they were, or copies them along, merges nothing. Most do, and a long-lived
    /// trunk has hundreds of lines of it.
    fn merged(
        &mut self,
        branch: &[u8],
        shadow: ObjectId,
        before: Option<ObjectId>,
        revision: u64,
    ) -> Result<Vec<ObjectId>, ShadowError> {
        let Some(props) = ShadowTree::stored(shadow).get(PROPS_ENTRY, self.store)? else { return Ok(Vec::new()) };
        if before == Some(props.id) {
            return Ok(Vec::new());
        }
        let props = DirProps::decode(&self.store.read(props.id, Kind::Blob)?);
        let Some(value) = props.get("svn:mergeinfo") else { return Ok(Vec::new()) };
        let info = MergeInfo::parse(value);
        let mut merged = Vec::new();
        let mut contained = self.history.ancestry.contained(branch, revision);
        for other in info.paths().filter(|other| *other != branch) {
            if let Some((up_to, tip)) = self.whole_merge(other, contained.up_to(other), &info, revision)? {
                self.history.ancestry.contain(branch, other, up_to, revision);
                // What that one had merged came along.
                contained = self.history.ancestry.contained(branch, revision);
                merged.push(tip);
            }
        }
        Ok(merged)
    }

    /// What a directory's kept properties were in an earlier revision.
    fn props_at(&mut self, path: &[u8], revision: u64) -> Result<Option<ObjectId>, ShadowError> {
        let Some(root) = self.history.root(revision, self.store)? else { return Ok(None) };
        let props = ShadowTree::stored(root).get(&join(path, PROPS_ENTRY), self.store)?;
        Ok(props.map(|props| props.id))
    }

    fn whole_merge(
        &mut self,
        other: &[u8],
        contained: u64,
        info: &MergeInfo,
        revision: u64,
    ) -> Result<Option<(u64, ObjectId)>, ShadowError> {
        // Not the first commit of a branch, which is the copy itself: it brings nothing that could be merged.
        let new = self.history.later_commits(other, contained + 1..revision, self.store)?;
        let (mut tip, mut left_out) = (None, false);
        for (made, commit) in new {
            if !info.contains(other, made) {
                left_out = true;
            } else if left_out {
                // Later ones were taken without an earlier one: picked, not merged.
                return Ok(None);
            } else {
                tip = Some((made, commit));
            }
        }
        Ok(tip)
    }

    fn tip(&self, branch: &[u8]) -> Option<ObjectId> {
        self.history.tip(branch).map(|(_, commit)| commit)
    }

    /// Adds a revision to the chain: a commit of its shadow root, with the last commits of branches that end here, since no
    /// ref will name them any more. Git then sees what is new since the last revision as it does in any history; a list
    /// of trees would be sent and checked in full at every push.
    fn link(&mut self, revision: u64, root: ObjectId, mut ended: Vec<ObjectId>) -> Result<(), ShadowError> {
        ended.sort_unstable();
        ended.dedup();
        let parents = self.history.chain.into_iter().chain(ended);
        self.history.chain = Some(keeper(root, parents, &format!("r{revision}\n"), self.store)?);
        Ok(())
    }
}
