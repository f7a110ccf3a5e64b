//! Takes a changegroup in: every text is worked out, and checked to be what its name says.
//!
//! Changesets come first, then manifests, then files. What a manifest changes is kept until the files are there.

use crate::objects::ObjectStore;
use crate::source::hg::HgOptions;
use crate::source::hg::bundle::{Changegroup, Revision, apply, hunks};
use crate::source::hg::error::{HgError, broken};
use crate::source::hg::history::{Files, History, KnownFile};
use crate::source::hg::node::Node;
use crate::source::hg::records::{FileEdit, edits, split};
use crate::{ConvertError, Progress, Watch};
use codeimport_core::Stage;
use gix::objs::Kind;
use std::collections::HashMap;
use std::io::Read;

/// A changeset whose commit is still to be made.
pub(in crate::source::hg) struct NewChangeset {
    pub(in crate::source::hg) node: Node,
    pub(in crate::source::hg) parents: [Node; 2],
    pub(in crate::source::hg) text: Vec<u8>,
}

/// A manifest whose tree is still to be made.
pub(in crate::source::hg) struct NewManifest {
    pub(in crate::source::hg) node: Node,
    /// Another one, or null.
    pub(in crate::source::hg) base: Node,
    /// What has to be done to its tree.
    pub(in crate::source::hg) edits: Vec<FileEdit>,
}

/// What came.
#[derive(Default)]
pub(in crate::source::hg) struct Received {
    /// Parents first.
    pub(in crate::source::hg) changesets: Vec<NewChangeset>,
    /// Bases first.
    pub(in crate::source::hg) manifests: Vec<NewManifest>,
}

/// Takes a changegroup in.
///
/// # Errors
///
/// What is wrong with it, and a cancelled run as an error of the reader.
pub(in crate::source::hg) fn receive(
    mut group: Changegroup<impl Read>,
    history: &mut History,
    options: &HgOptions,
    store: &mut ObjectStore,
    watch: &Watch,
) -> Result<Received, HgError> {
    let mut received = Received { changesets: changesets(&mut group, history)?, ..Received::default() };
    received.manifests = manifests(&mut group, history, options)?;
    group.skip_directories()?;
    let mut progress = Progress::begin(Stage::Fetch, "files");
    while let Some(path) = group.next_file()? {
        file(&mut group, &path, &mut history.files, store)?;
        progress.done += 1;
        if progress.done.is_multiple_of(64) {
            watch.progress(&progress);
            watch.check(Stage::Fetch).map_err(stopped)?;
        }
    }
    Ok(received)
}

/// Whoever reads the stream hears by the same way that it is to stop.
fn stopped(error: ConvertError) -> HgError {
    HgError::Read(std::io::Error::other(error))
}

fn changesets(group: &mut Changegroup<impl Read>, history: &History) -> Result<Vec<NewChangeset>, HgError> {
    let mut new: Vec<NewChangeset> = Vec::new();
    let mut index = HashMap::new();
    while let Some(revision) = group.next_revision()? {
        let text = match index.get(&revision.base) {
            Some(at) => {
                let NewChangeset { text, .. } = &new[*at];
                apply(text, &hunks(text.len(), &revision.delta)?)
            }
            None => history.changesets.patched(&revision.base, &revision.delta)?,
        };
        let Revision { node, parents, .. } = revision;
        revision.check("A changeset", &text)?;
        if history.changesets.get(&node).is_some() || index.contains_key(&node) {
            continue;
        }
        index.insert(node, new.len());
        new.push(NewChangeset { node, parents, text });
    }
    Ok(new)
}

fn manifests(
    group: &mut Changegroup<impl Read>,
    history: &mut History,
    options: &HgOptions,
) -> Result<Vec<NewManifest>, HgError> {
    let mut new = Vec::new();
    while let Some(revision) = group.next_revision()? {
        let before = history.manifests.text(&revision.base)?;
        let hunks = hunks(before.len(), &revision.delta)?;
        let text = apply(&before, &hunks);
        revision.check("A manifest", &text)?;
        if history.manifests.contains(&revision.node) {
            continue;
        }
        let edits = edits(&before, &text, &hunks)?;
        refuse_what_is_not_whole(&edits, options)?;
        let Revision { node, base, delta, .. } = revision;
        history.manifests.add(node, base, delta, text);
        new.push(NewManifest { node, base, edits });
    }
    Ok(new)
}

/// Files that only say where others are.
fn refuse_what_is_not_whole(edits: &[FileEdit], options: &HgOptions) -> Result<(), HgError> {
    let added = || edits.iter().filter(|(_, file)| file.is_some()).map(|(path, _)| path);
    if !options.keep_subrepos && added().any(|path| path == b".hgsub" || path == b".hgsubstate") {
        let text = "it has subrepositories (.hgsub), which are repositories of their own; with the option to keep them, they stay texts";
        return Err(HgError::Unsupported(text.to_owned()));
    }
    if added().any(|path| path.starts_with(b".hglf/")) {
        return Err(HgError::Unsupported("it keeps files outside of the repository (largefiles)".to_owned()));
    }
    Ok(())
}

/// Takes in all revisions of a file.
fn file(
    group: &mut Changegroup<impl Read>,
    path: &[u8],
    files: &mut Files,
    store: &mut ObjectStore,
) -> Result<(), HgError> {
    // The next delta is on the last text as a rule.
    let (mut last, mut last_text) = (Node::NULL, Vec::new());
    while let Some(revision) = group.next_revision()? {
        if revision.base != last {
            last_text = files.text(&revision.base, store)?;
        }
        let text = apply(&last_text, &hunks(last_text.len(), &revision.delta)?);
        revision.check(&String::from_utf8_lossy(path), &text)?;
        if files.blob(&revision.node).is_none() {
            let (head, content) = split(&text);
            let blob = store.write(Kind::Blob, content.to_vec())?;
            files.add(revision.node, KnownFile { blob, head: head.into() });
        }
        (last, last_text) = (revision.node, text);
    }
    if path.is_empty() { broken("a file has no name") } else { Ok(()) }
}
