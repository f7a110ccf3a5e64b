//! Which directories are main lines: by their names, or because they are copied like one.

use super::candidate::{Candidate, candidate};
use super::names::{TRUNKS, is_container_name, is_trunk_name};
use crate::source::svn::layout::survey::{Copied, Survey, below, depth, last, parent};
use std::collections::BTreeMap;

/// Directories of a repository that may hold a project, by depth.
const PROJECT_DEPTH: usize = 3;

/// Directories called trunk, with something that makes it likely that they are one.
pub(super) fn named_trunks(survey: &Survey) -> Vec<String> {
    let is_trunk = |path: &str| is_trunk_name(path) && depth(path) <= PROJECT_DEPTH + 1;
    let mut all: Vec<_> = survey.directories().map(|(path, _)| path).filter(|path| is_trunk(path)).collect();
    all.sort_by_key(|path| depth(path));
    let is_likely = |path: &str| {
        let root = parent(path).unwrap_or_default();
        let has_container = survey.children(root).any(is_container_name);
        root.is_empty() || has_container || survey.copies().iter().any(|copy| copy.from == path && is_telling(copy))
    };
    let mut trunks: Vec<String> = Vec::new();
    // Two side by side are no chance.
    let is_one_of_several = |path: &str| {
        let above = |path| parent(path).and_then(parent);
        all.iter().any(|other| *other != path && above(other) == above(path))
    };
    let any_likely = all.iter().any(|path| is_likely(path) || is_one_of_several(path));
    for path in all {
        let root = parent(path).unwrap_or_default();
        let in_another = trunks.iter().any(|trunk| {
            let other = parent(trunk).unwrap_or_default();
            let first = below(root, other).and_then(|rest| rest.split('/').next()).unwrap_or_default();
            below(root, trunk).is_some() || is_container_name(first)
        });
        if any_likely && !in_another {
            trunks.push(path.to_owned());
        }
    }
    trunks
}

/// Directories that are copied like a main line, the most copied first; of those in the same directory only one.
pub(super) fn copied_trunks(survey: &Survey) -> Vec<String> {
    let mut scores: BTreeMap<&str, usize> = BTreeMap::new();
    for copy in survey.copies().iter().filter(|copy| is_telling(copy)) {
        let to = parent(&copy.to).map(last).unwrap_or_default();
        *scores.entry(copy.from.as_str()).or_default() += if is_container_name(to) { 2 } else { 1 };
    }
    for (path, _) in survey.directories().filter(|(path, _)| depth(path) <= PROJECT_DEPTH) {
        let beside = || survey.children(parent(path).unwrap_or_default()).any(is_container_name);
        if TRUNKS.contains(&last(path).to_ascii_lowercase().as_str()) && beside() {
            *scores.entry(path).or_default() += 3;
        }
    }
    let mut scores: Vec<_> = scores.into_iter().filter(|(_, score)| *score >= 2).collect();
    scores.sort_by_key(|(path, score)| (std::cmp::Reverse(*score), depth(path)));
    let mut trunks: Vec<String> = Vec::new();
    let mut taken: Vec<Candidate> = Vec::new();
    for (path, _) in scores {
        let root = root_of_copied(survey, path);
        let is_free = |other: &Candidate| below(&root, &other.root).is_none() && below(&other.root, &root).is_none();
        if taken.iter().all(is_free) {
            taken.push(candidate(survey, &root, path));
            trunks.push(path.to_owned());
        }
    }
    trunks
}

/// The nearest directory that holds a main line and the places where its copies go.
pub(super) fn root_of_copied(survey: &Survey, trunk: &str) -> String {
    let mut root = parent(trunk).unwrap_or_default();
    if is_container_name(last(root)) {
        root = parent(root).unwrap_or_default();
    }
    for copy in survey.copies().iter().filter(|copy| copy.from == trunk && is_telling(copy)) {
        while below(&copy.to, root).is_none() {
            root = parent(root).unwrap_or_default();
        }
    }
    root.to_owned()
}

/// Whether a copy may be a branch or a tag. A new name beside others of its kind, not beside the original.
pub(super) fn is_telling(copy: &Copied) -> bool {
    let Copied { from, to } = copy;
    let container = parent(to).unwrap_or_default();
    let beside = parent(from) == Some(container) && !is_container_name(last(container));
    let is_inside = below(to, from).is_some() || below(from, to).is_some();
    !container.is_empty() && !beside && !is_inside && last(from) != last(to)
}
