//! One commit against the source's export of what it shows.

use super::exported::{Files, tree_of};
use crate::line_ends::with_lf;
use crate::scratch::Scratch;
use crate::{ConvertError, MapEntry, Source, Watch};
use codeimport_core::{Outcome, Stage};
use gix::ObjectId;
use gix::bstr::BString;
use gix::objs::tree::EntryKind;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// One path that is not as the source has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Path in the branch.
    pub path: BString,
    /// What the source exports: `mode blob`; none if it has nothing there.
    pub expected: Option<String>,
    /// What the commit has: `mode blob`; none if it has nothing there.
    pub got: Option<String>,
}

/// How a comparison ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Compared {
    /// The same tree.
    Same,
    /// These paths differ, by a rule of the source that is known and wanted.
    ByRule(Vec<BString>),
    /// These paths differ.
    Differs(Vec<Difference>),
}

/// Compares a commit with the source's export.
pub(super) fn compare(
    source: &dyn Source,
    repository: &Path,
    entry: &MapEntry,
    watch: &Watch,
) -> Result<Compared, ConvertError> {
    let disk = |error| ConvertError::disk(Stage::Scan, &std::env::temp_dir(), error);
    let folder = Scratch::new("verify").map_err(disk)?;
    let files = folder.path().join("files");
    source.export(&entry.branch, &entry.revision, &files, watch)?;
    let (expected_id, expected) = tree_of(&files).map_err(disk)?;
    let commit = Commit::open(repository, entry.commit).map_err(|error| unreadable(entry, error))?;
    if commit.tree_id() == Some(expected_id) {
        return Ok(Compared::Same);
    }
    let got = commit.files().map_err(|error| unreadable(entry, error))?;
    let mut differences = differences(&expected, &got);
    differences.retain(|difference| difference.expected.is_some() || !source.leaves_out(&difference.path));
    if differences.is_empty() {
        return Ok(Compared::Same);
    }
    let by_rule = source.translated_paths(&entry.branch, &entry.revision, watch)?;
    if differences.iter().all(|d| by_rule.contains(&d.path) && commit.differs_in_line_ends(d, &expected, &got, &files))
    {
        return Ok(Compared::ByRule(differences.into_iter().map(|difference| difference.path).collect()));
    }
    Ok(Compared::Differs(differences))
}

fn differences(expected: &Files, got: &Files) -> Vec<Difference> {
    let paths: BTreeSet<_> = expected.keys().chain(got.keys()).collect();
    let shown = |files: &Files, path: &BString| files.get(path).map(|(kind, id)| format!("{:06o} {id}", *kind as u16));
    let compared = paths.into_iter().filter(|path| expected.get(*path) != got.get(*path));
    compared
        .map(|path| Difference { path: path.clone(), expected: shown(expected, path), got: shown(got, path) })
        .collect()
}

/// A commit of the repository.
struct Commit {
    repository: gix::Repository,
    id: ObjectId,
}

impl Commit {
    fn open(repository: &Path, id: ObjectId) -> gix::Result<Self> {
        let options = gix::open::Options::isolated().open_path_as_is(true);
        Ok(Self { repository: gix::open_opts(repository, options)?, id })
    }

    fn tree_id(&self) -> Option<ObjectId> {
        Some(self.repository.find_commit(self.id).ok()?.tree_id().ok()?.detach())
    }

    fn files(&self) -> gix::Result<Files> {
        let mut files = Files::new();
        let tree = self.repository.find_commit(self.id)?.tree_id()?.detach();
        self.read_tree(tree, &BString::default(), &mut files)?;
        Ok(files)
    }

    fn read_tree(&self, tree: ObjectId, place: &BString, files: &mut Files) -> gix::Result<()> {
        for entry in self.repository.find_tree(tree)?.iter() {
            let entry = entry?;
            let mut place = place.clone();
            place.extend_from_slice(entry.filename());
            if entry.kind() == EntryKind::Tree {
                place.push(b'/');
                self.read_tree(entry.object_id(), &place, files)?;
            } else {
                files.insert(place, (entry.kind(), entry.object_id()));
            }
        }
        Ok(())
    }

    /// Whether a path has the same kind and the same lines on both sides.
    fn differs_in_line_ends(&self, difference: &Difference, expected: &Files, got: &Files, folder: &Path) -> bool {
        let (Some((kind, _)), Some((got_kind, id))) = (expected.get(&difference.path), got.get(&difference.path))
        else {
            return false;
        };
        let path = folder.join(std::ffi::OsStr::from_bytes(&difference.path));
        let (Ok(text), Ok(blob)) = (fs::read(path), self.repository.find_object(*id)) else { return false };
        kind == got_kind && with_lf(&text) == with_lf(&blob.data)
    }
}

fn unreadable(entry: &MapEntry, error: gix::Error) -> ConvertError {
    let text = format!("The commit {} cannot be read: see what `git fsck` says.", entry.commit);
    ConvertError::new(Outcome::Failure, Stage::Scan, text).caused_by(error)
}
