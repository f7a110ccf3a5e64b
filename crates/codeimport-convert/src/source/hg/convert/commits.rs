//! Commits of changesets. The same changeset is the same commit, whenever and wherever it is made.

use super::receive::NewChangeset;
use super::who::{is_odd_date, signature};
use crate::FindingKind;
use crate::findings::Findings;
use crate::objects::{ObjectStore, encode_commit};
use crate::source::hg::error::{HgError, broken};
use crate::source::hg::history::{History, KnownChangeset};
use crate::source::hg::node::Node;
use crate::source::hg::records::Changeset;
use crate::source::text::decode;
use codeimport_core::AuthorMap;
use gix::ObjectId;
use gix::objs::Kind;

/// Makes the commits of changesets, parents first. Their manifests have trees.
///
/// # Errors
///
/// [`HgError::Broken`] for a parent or manifest that was never sent.
pub(in crate::source::hg) fn commit_all(
    changesets: Vec<NewChangeset>,
    history: &mut History,
    authors: &AuthorMap,
    store: &mut ObjectStore,
    findings: &mut Findings,
) -> Result<(), HgError> {
    for NewChangeset { node, parents, text } in changesets {
        let changeset = Changeset::parse(&text)?;
        let commit = commit(&changeset, parents, history, authors, store)?;
        note(&changeset, &node, authors, findings);
        history.changesets.add(KnownChangeset { node, commit, parents, text });
    }
    Ok(())
}

fn commit(
    changeset: &Changeset,
    parents: [Node; 2],
    history: &History,
    authors: &AuthorMap,
    store: &mut ObjectStore,
) -> Result<ObjectId, HgError> {
    let tree = match changeset.manifest {
        Node::NULL => store.write(Kind::Tree, Vec::new())?,
        manifest => match history.manifests.tree(&manifest) {
            Some(tree) => tree,
            None => return broken(format!("a changeset has the manifest {manifest}, which was not sent")),
        },
    };
    let mut commits = Vec::with_capacity(2);
    for parent in parents.iter().filter(|parent| !parent.is_null()) {
        match history.changesets.get(parent) {
            // Two changesets may be one commit to Git, which has each parent once.
            Some(known) if commits.contains(&known.commit) => {}
            Some(known) => commits.push(known.commit),
            None => return broken(format!("a changeset has the parent {parent}, which was not sent")),
        }
    }
    let mut message = decode(&changeset.message);
    if !message.is_empty() && !message.ends_with('\n') {
        message.push('\n');
    }
    let commit = encode_commit(tree, commits.into_iter(), &signature(changeset, authors), message.as_bytes());
    Ok(store.write(Kind::Commit, commit)?)
}

fn note(changeset: &Changeset, node: &Node, authors: &AuthorMap, findings: &mut Findings) {
    if !authors.is_empty() && !authors.knows(Some(&changeset.user)) {
        findings.note(FindingKind::UnknownAuthor, &decode(&changeset.user));
    }
    if is_odd_date(changeset) {
        findings.note(FindingKind::OddDate, &node.short());
    }
    if [&changeset.message, &changeset.user].iter().any(|text| std::str::from_utf8(text).is_err()) {
        findings.note(FindingKind::UnknownCharset, &node.short());
    }
}
