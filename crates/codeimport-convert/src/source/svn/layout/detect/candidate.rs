//! What belongs to a main line: where its copies went, and which of those places hold tags.

use super::names::{BRANCHES, CERTAIN, TAGS, is_trunk_name};
use super::trunks::root_of_copied;
use crate::source::svn::layout::survey::{Copied, Survey, below, last, parent};
use codeimport_core::Project;
use std::collections::BTreeSet;

/// A directory that has a main line.
pub(super) struct Candidate {
    pub(super) root: String,
    pub(super) project: Project,
    /// Directories of its branches and tags that are there already.
    pub(super) containers: Vec<String>,
    /// Copies that are its branches and tags.
    pub(super) copies: usize,
    /// Most that can be said of it, in percent.
    pub(super) ceiling: u8,
}

/// The project, or several, whose main line a directory is.
pub(super) fn candidates(survey: &Survey, trunk: &str) -> Vec<Candidate> {
    let root =
        if is_trunk_name(trunk) { parent(trunk).unwrap_or_default().to_owned() } else { root_of_copied(survey, trunk) };
    let whole = candidate(survey, &root, trunk);
    let parts = by_part(survey, &root, trunk);
    if parts.iter().map(|part| part.copies).sum::<usize>() > whole.copies { parts } else { vec![whole] }
}

pub(super) fn candidate(survey: &Survey, root: &str, trunk: &str) -> Candidate {
    let mut containers: BTreeSet<String> =
        certain(survey, root).filter(|(_, is_there)| *is_there).map(|(path, _)| path).collect();
    containers.remove(trunk);
    let homes = |containers: &BTreeSet<String>| -> Vec<_> {
        survey.copies().iter().filter_map(|copy| container_of(survey, copy, root, trunk, containers)).collect()
    };
    // Copies of copies: until nothing new is found.
    let mut found = homes(&containers);
    while !found.iter().all(|container| containers.contains(container)) {
        containers.extend(found);
        found = homes(&containers);
    }
    let copies = found.len();
    let ceiling = ceiling(trunk, copies, &containers);
    let seen = containers.iter().cloned().collect();
    if is_trunk_name(trunk) {
        containers.extend(certain(survey, root).map(|(path, _)| path));
    }
    let (tags, branches): (Vec<_>, Vec<_>) = containers.into_iter().partition(|path| holds_tags(survey, path));
    let by_likelihood = |mut paths: Vec<String>, first: &[&str]| {
        // The first one's children need no prefix: that is for whatever is called as everybody calls it.
        paths.sort_by_key(|path| {
            (first.iter().position(|name| *name == last(path)).unwrap_or(usize::MAX), path.clone())
        });
        paths
    };
    let project = Project {
        name: root.to_owned(),
        trunk: Some(trunk.to_owned()),
        branches: by_likelihood(branches, &BRANCHES),
        tags: by_likelihood(tags, &TAGS),
    };
    Candidate { root: root.to_owned(), project, containers: seen, copies, ceiling }
}

/// Where a copy of a line of this project has gone, if that is a directory of branches or tags.
fn container_of(
    survey: &Survey,
    copy: &Copied,
    root: &str,
    trunk: &str,
    containers: &BTreeSet<String>,
) -> Option<String> {
    let container = parent(&copy.to)?;
    let of_a_line = copy.from == trunk || parent(&copy.from).is_some_and(|parent| containers.contains(parent));
    let outside = container == root || below(container, root).is_none() || below(container, trunk).is_some();
    if !of_a_line || outside {
        return None;
    }
    // Within another branch: not a branch, unless what it is in is no branch either but a directory to sort them by.
    let in_a_branch = containers.iter().any(|outer| {
        let rest = below(container, outer).filter(|rest| !rest.is_empty());
        let child = rest.and_then(|rest| rest.split('/').next());
        child.is_some_and(|child| survey.is_copy(&join(outer, child)))
    });
    (!in_a_branch).then(|| container.to_owned())
}

/// Projects side by side in one trunk (`trunk/a`, `branches/a/x`), if that is how it is copied.
fn by_part(survey: &Survey, root: &str, trunk: &str) -> Vec<Candidate> {
    let part = |name: &str| {
        let own = certain(survey, root).map(|(container, _)| join(&container, name));
        let (tags, branches): (Vec<_>, Vec<_>) =
            own.partition(|path| parent(path).is_some_and(|above| TAGS.contains(&last(above))));
        let line = join(trunk, name);
        let is_own = |copy: &&Copied| {
            let to = parent(&copy.to).unwrap_or_default();
            copy.from == line && branches.iter().chain(&tags).any(|container| container == to)
        };
        let copies = survey.copies().iter().filter(is_own).count();
        let containers = [&branches[..], &tags].concat();
        let project = Project { name: join(root, name), trunk: Some(line.clone()), branches, tags };
        Candidate { root: line, project, containers, copies, ceiling: 95 }
    };
    survey.children(trunk).map(part).collect()
}

/// Where branches and tags usually are, and whether they are there.
fn certain(survey: &Survey, root: &str) -> impl Iterator<Item = (String, bool)> {
    CERTAIN.iter().map(move |names| {
        let there = names.iter().find(|name| survey.children(root).any(|child| child == **name));
        (join(root, there.unwrap_or(&names[0])), there.is_some())
    })
}

/// Tags are not changed; where the name does not tell, copies that nobody changed are tags.
fn holds_tags(survey: &Survey, container: &str) -> bool {
    let name = last(container).to_ascii_lowercase();
    let copies: Vec<_> = survey.copies().iter().filter(|copy| parent(&copy.to) == Some(container)).collect();
    let changed = copies.iter().filter(|copy| survey.was_changed_later(&copy.to)).count();
    if TAGS.contains(&name.as_str()) {
        return changed * 2 <= copies.len();
    }
    !BRANCHES.contains(&name.as_str()) && copies.len() >= 2 && changed == 0
}

/// How sure one can be at most.
fn ceiling(trunk: &str, copies: usize, containers: &BTreeSet<String>) -> u8 {
    match (is_trunk_name(trunk), copies, containers.is_empty()) {
        (true, 1.., _) => 100,
        (true, 0, false) | (false, 5.., _) => 95,
        (true, 0, true) => 85,
        (false, 2.., _) => 80,
        (false, _, _) => 60,
    }
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}
