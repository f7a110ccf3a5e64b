//! What a log tells of a repository's directories: how much happens in each, and which are copies. Pure.
//!
//! Memory is bounded: only directories near the root are remembered, and at most [`MOST`] of anything.

use super::places::Places;
use crate::source::svn::paths::path_below;
use crate::source::svn::records::{LogEntry, LogPath};
use std::collections::{BTreeMap, BTreeSet};

/// Directories are remembered to this depth: `group/project/branches/stable/1.0`.
const DEPTH: usize = 5;

/// Directories, and copies, that are remembered.
const MOST: usize = 100_000;

/// A directory that was copied, not moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Copied {
    pub(crate) from: String,
    pub(crate) to: String,
}

/// A log, added up. Paths are below the directory that is looked at.
#[derive(Default)]
pub(crate) struct Survey {
    /// Directory that is looked at, from the root of the repository.
    base: String,
    /// All changed paths.
    pub(crate) changes: u64,
    /// Changes at or below each directory.
    directories: BTreeMap<String, u64>,
    copies: Vec<Copied>,
    /// Target of a copy -> revision of the copy, and whether it was changed later.
    changed_later: BTreeMap<String, (u64, bool)>,
    deleted: BTreeMap<String, u64>,
}

impl Survey {
    /// Of a directory of the repository; empty for all of it.
    pub(crate) fn of(base: &str) -> Self {
        Self { base: base.to_owned(), ..Self::default() }
    }

    /// Adds one revision.
    pub(crate) fn add(&mut self, entry: &LogEntry) {
        let gone = |path: &&LogPath| matches!(path.action, 'D' | 'R');
        let gone: BTreeSet<&str> = entry.paths.iter().filter(gone).map(|path| path.path.as_str()).collect();
        let made: BTreeSet<&str> =
            entry.paths.iter().filter(|path| path.copy_from.is_some()).map(|path| path.path.as_str()).collect();
        for path in &entry.paths {
            self.count(path, entry.revision);
            let within_a_copy = above(&path.path).any(|directory| made.contains(directory));
            if let Some(from) = path.copy_from.as_deref().filter(|_| !within_a_copy) {
                let is_moved = gone.contains(from) || above(from).any(|directory| gone.contains(directory));
                self.copy(path, from, is_moved, entry.revision);
            }
        }
    }

    fn count(&mut self, path: &LogPath, revision: u64) {
        let Some(own) = below(&path.path, &self.base).map(str::to_owned) else { return };
        self.changes += 1;
        let itself = (path.is_dir == Some(true)).then_some(own.as_str());
        for directory in above(&own).chain(itself).filter(|directory| depth(directory) <= DEPTH) {
            if let Some(count) = self.directories.get_mut(directory) {
                *count += 1;
            } else if self.directories.len() < MOST {
                self.directories.insert(directory.to_owned(), 1);
            }
            if directory != own
                && let Some((copied, changed)) = self.changed_later.get_mut(directory)
            {
                *changed |= revision > *copied;
            }
        }
        if path.action == 'D' && depth(&own) <= DEPTH && self.deleted.len() < MOST {
            *self.deleted.entry(own).or_default() += 1;
        }
    }

    fn copy(&mut self, path: &LogPath, from: &str, is_moved: bool, revision: u64) {
        let (Some(to), Some(from)) = (below(&path.path, &self.base), below(from, &self.base)) else { return };
        let is_near = depth(from) <= DEPTH && depth(to) <= DEPTH && !from.is_empty() && !to.is_empty();
        if path.is_dir == Some(false) || is_moved || !is_near || self.copies.len() >= MOST {
            return;
        }
        self.copies.push(Copied { from: from.to_owned(), to: to.to_owned() });
        self.changed_later.insert(to.to_owned(), (revision, false));
    }

    /// All directories, with the number of changes at or below each.
    pub(crate) fn directories(&self) -> impl Iterator<Item = (&str, u64)> {
        self.directories.iter().map(|(path, count)| (path.as_str(), *count))
    }

    /// Changes at or below a directory.
    pub(crate) fn changes_in(&self, directory: &str) -> u64 {
        if directory.is_empty() { self.changes } else { self.directories.get(directory).copied().unwrap_or_default() }
    }

    /// Names of the directories in a directory, of all times.
    pub(crate) fn children<'s>(&'s self, directory: &'s str) -> impl Iterator<Item = &'s str> {
        let start = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let inside = self.directories.range(start.clone()..).map(|(path, _)| path.as_str());
        let len = start.len();
        inside
            .take_while(move |path| path.starts_with(&start))
            .map(move |path| &path[len..])
            .filter(|rest| !rest.is_empty() && !rest.contains('/'))
    }

    /// Directories that were copied, in the order of the log.
    pub(crate) fn copies(&self) -> &[Copied] {
        &self.copies
    }

    /// Whether a directory is a copy.
    pub(crate) fn is_copy(&self, directory: &str) -> bool {
        self.changed_later.contains_key(directory)
    }

    /// Whether something in a copied directory was changed in a later revision.
    pub(crate) fn was_changed_later(&self, directory: &str) -> bool {
        self.changed_later.get(directory).is_some_and(|(_, changed)| *changed)
    }

    /// Changes in what a layout takes for branches and tags, and in the directories that hold them.
    pub(crate) fn changes_in_places(&self, places: &Places) -> u64 {
        let all: Vec<_> = places.at_or_below(b"").map(|(path, _)| String::from_utf8_lossy(path).into_owned()).collect();
        let is_inner = |path: &str| all.iter().any(|outer| outer != path && below(path, outer).is_some());
        all.iter().filter(|path| !is_inner(path)).map(|path| self.changes_in(path)).sum()
    }

    /// How often a branch or tag was deleted.
    pub(crate) fn deleted_roots(&self, places: &Places) -> u64 {
        let is_root = |path: &str| places.root_of(path.as_bytes()) == Some(path.as_bytes());
        self.deleted.iter().filter(|(path, _)| is_root(path)).map(|(_, count)| count).sum()
    }

    /// How many tags were changed after they were made.
    pub(crate) fn changed_tags(&self, places: &Places) -> usize {
        let is_tag = |path: &str| {
            let root = path.as_bytes();
            places.root_of(root) == Some(root) && places.ref_name(root).starts_with("refs/tags/")
        };
        self.changed_later.iter().filter(|(path, (_, changed))| *changed && is_tag(path)).count()
    }
}

/// What is left of a path below a directory.
pub(crate) fn below<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    // Cut at a slash, so it is text still.
    path_below(path.as_bytes(), directory.as_bytes()).and_then(|rest| std::str::from_utf8(rest).ok())
}

/// All directories above a path, the root not among them, the nearest first.
fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(parent(path), |path| parent(path)).filter(|path| !path.is_empty())
}

/// The directory that a path is in; none for the root.
pub(crate) fn parent(path: &str) -> Option<&str> {
    if path.is_empty() { None } else { Some(path.rsplit_once('/').map_or("", |(parent, _)| parent)) }
}

/// The last part of a path.
pub(crate) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Parts of a path.
pub(crate) fn depth(path: &str) -> usize {
    if path.is_empty() { 0 } else { 1 + path.matches('/').count() }
}
