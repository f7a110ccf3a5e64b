//! Trees of manifests, each from that of another one and what changed since: no tree is made anew.

use super::receive::NewManifest;
use crate::objects::ObjectStore;
use crate::shadow::{Entry, EntryKind, ShadowError, ShadowTree, change_files};
use crate::source::hg::error::{HgError, broken};
use crate::source::hg::history::{Files, History};
use crate::source::hg::node::Node;
use crate::source::hg::records::{FileEdit, Flag};
use crate::{ConvertError, Progress, Watch};
use codeimport_core::Stage;

/// Makes the trees of manifests, bases first.
///
/// # Errors
///
/// [`HgError::Broken`] for a file that was never sent.
pub(in crate::source::hg) fn build_trees(
    manifests: Vec<NewManifest>,
    history: &mut History,
    store: &mut ObjectStore,
    watch: &Watch,
) -> Result<(), HgError> {
    // The tree of the manifest before stays in memory; most are based on that.
    let (mut open, mut tree) = (Node::NULL, ShadowTree::empty());
    let mut progress = Progress::begin(Stage::Convert, "trees");
    progress.total = u64::try_from(manifests.len()).ok();
    for NewManifest { node, base, edits } in manifests {
        if base != open {
            tree = stored(&base, history)?;
        }
        apply_edits(&mut tree, &edits, &history.files, store)?;
        history.manifests.set_tree(node, tree.write(store)?);
        open = node;
        progress.done += 1;
        if progress.done.is_multiple_of(256) {
            // What was once touched would stay loaded for ever.
            tree.unload();
            watch.progress(&progress);
            watch.check(Stage::Convert).map_err(|error: ConvertError| HgError::Read(std::io::Error::other(error)))?;
        }
    }
    Ok(())
}

fn stored(manifest: &Node, history: &History) -> Result<ShadowTree, HgError> {
    if manifest.is_null() {
        return Ok(ShadowTree::empty());
    }
    match history.manifests.tree(manifest) {
        Some(tree) => Ok(ShadowTree::stored(tree)),
        None => broken(format!("a manifest is told as a delta on {manifest}, which comes after it")),
    }
}

fn apply_edits(
    tree: &mut ShadowTree,
    edits: &[FileEdit],
    files: &Files,
    store: &mut ObjectStore,
) -> Result<(), HgError> {
    let mut changes = Vec::with_capacity(edits.len());
    for (path, file) in edits {
        let entry = match file {
            None => None,
            Some((node, flag)) => match files.blob(node) {
                Some(id) => Some(Entry { kind: kind(*flag), id }),
                None => {
                    let path = String::from_utf8_lossy(path);
                    return broken(format!("a manifest has {path} in the revision {node}, which was not sent"));
                }
            },
        };
        changes.push((path.as_slice(), entry));
    }
    match change_files(tree, &changes, store) {
        Err(ShadowError::NoParent { path }) => broken(format!("{path} is a file and a directory at once")),
        done => Ok(done?),
    }
}

fn kind(flag: Flag) -> EntryKind {
    match flag {
        Flag::Plain => EntryKind::File,
        Flag::Executable => EntryKind::Executable,
        Flag::Link => EntryKind::Special,
    }
}
