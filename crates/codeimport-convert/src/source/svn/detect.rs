//! Finds out what a repository's directories mean, from which of them are copied to where. Pure.
//!
//! A branch is made by copying a whole line of history to a directory beside others of its kind: so a directory that is
//! copied like this is a trunk, whatever it is called, and where its copies go are branches, or tags if nobody ever
//! changed one. Names decide where copies are few. Moves, copies to a neighbouring directory, and copies that keep their name are
//! how people tidy up, and say nothing.

use super::places::Places;
use super::survey::{Copied, Survey, below, depth, last, parent};
use codeimport_core::{Layout, Project};
use std::collections::{BTreeMap, BTreeSet};

/// What the main line is called, where it is not called trunk.
const TRUNKS: [&str; 6] = ["main", "master", "mainline", "head", "devel", "development"];

/// What the directory of branches is called.
const BRANCHES: [&str; 8] = ["branches", "branch", "heads", "stable", "features", "feature", "sandbox", "private"];

/// What the directory of tags is called.
const TAGS: [&str; 6] = ["tags", "tag", "releases", "release", "rel", "snapshots"];

/// Names that say enough even if nothing was ever copied there. Beside a trunk the first of each is where branches and tags
/// will go, once there are any.
const CERTAIN: [[&str; 2]; 2] = [["branches", "branch"], ["tags", "tag"]];

/// Directories of a repository that may hold a project, by depth.
const PROJECT_DEPTH: usize = 3;

/// A layout, and how sure it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Detected {
    /// As seen from the directory that was looked at.
    pub(super) layout: Layout,
    /// 0 to 100.
    pub(super) confidence: u8,
    /// Why, in sentences for people.
    pub(super) reasons: Vec<String>,
}

/// A directory that has a main line.
struct Candidate {
    root: String,
    project: Project,
    /// Directories of its branches and tags that are there already.
    containers: Vec<String>,
    /// Copies that are its branches and tags.
    copies: usize,
    /// Most that can be said of it, in percent.
    ceiling: u8,
}

/// Finds out the layout.
pub(super) fn detect(survey: &Survey) -> Detected {
    if survey.changes == 0 {
        let reasons = vec!["There is no history yet: trunk, branches and tags are assumed.".to_owned()];
        return Detected { layout: Layout::standard(""), confidence: 0, reasons };
    }
    let mut trunks = named_trunks(survey);
    if trunks.is_empty() {
        trunks = copied_trunks(survey);
    }
    let candidates: Vec<_> = trunks.iter().flat_map(|trunk| candidates(survey, trunk)).collect();
    let mut reasons = Vec::new();
    let candidates = without_asides(survey, candidates, &mut reasons);
    if candidates.is_empty() {
        return single(survey);
    }
    conclude(survey, candidates, reasons).unwrap_or_else(|| single(survey))
}

/// Directories called trunk, with something that makes it likely that they are one.
fn named_trunks(survey: &Survey) -> Vec<String> {
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
fn copied_trunks(survey: &Survey) -> Vec<String> {
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
fn root_of_copied(survey: &Survey, trunk: &str) -> String {
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
fn is_telling(copy: &Copied) -> bool {
    let Copied { from, to } = copy;
    let container = parent(to).unwrap_or_default();
    let beside = parent(from) == Some(container) && !is_container_name(last(container));
    let is_inside = below(to, from).is_some() || below(from, to).is_some();
    !container.is_empty() && !beside && !is_inside && last(from) != last(to)
}

/// The project, or several, whose main line a directory is.
fn candidates(survey: &Survey, trunk: &str) -> Vec<Candidate> {
    let root =
        if is_trunk_name(trunk) { parent(trunk).unwrap_or_default().to_owned() } else { root_of_copied(survey, trunk) };
    let whole = candidate(survey, &root, trunk);
    let parts = by_part(survey, &root, trunk);
    if parts.iter().map(|part| part.copies).sum::<usize>() > whole.copies { parts } else { vec![whole] }
}

fn candidate(survey: &Survey, root: &str, trunk: &str) -> Candidate {
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

/// Beside a main line at the top, projects elsewhere count only if much happens there.
fn without_asides(survey: &Survey, mut candidates: Vec<Candidate>, reasons: &mut Vec<String>) -> Vec<Candidate> {
    if candidates.len() < 2 || candidates.iter().all(|candidate| !candidate.root.is_empty()) {
        return candidates;
    }
    let aside = |candidate: &&Candidate| !candidate.root.is_empty();
    let elsewhere: u64 = candidates.iter().filter(aside).map(|candidate| survey.changes_in(&candidate.root)).sum();
    if elsewhere * 10 < survey.changes {
        let names: Vec<_> = candidates.iter().filter(aside).map(|candidate| candidate.root.as_str()).collect();
        reasons.push(format!("{} have trunks of their own, in which little happens: left out.", names.join(", ")));
        candidates.retain(|candidate| candidate.root.is_empty());
    }
    candidates
}

fn conclude(survey: &Survey, candidates: Vec<Candidate>, mut reasons: Vec<String>) -> Option<Detected> {
    reasons.extend(candidates.iter().take(10).map(reason));
    if candidates.len() > 10 {
        reasons.push(format!("… and {} more projects.", candidates.len() - 10));
    }
    let ceiling = candidates.iter().map(|candidate| candidate.ceiling).min()?;
    let is_only = candidates.len() == 1;
    let named = |candidate: Candidate| {
        let name = match candidate.project.name {
            _ if is_only => String::new(),
            name if name.is_empty() => "root".to_owned(),
            name => name,
        };
        Project { name, ..candidate.project }
    };
    let layout = Layout::of_projects(candidates.into_iter().map(named).collect()).ok()?;
    let inside = survey.changes_in_places(&Places::new(layout.clone()));
    let share = u8::try_from((inside * 100 / survey.changes).min(100)).unwrap_or(100);
    reasons.push(format!("{share} % of all changes lie in them."));
    Some(Detected { layout, confidence: share.min(ceiling), reasons })
}

fn reason(candidate: &Candidate) -> String {
    let project = &candidate.project;
    let places = &candidate.containers;
    let trunk = project.trunk.as_deref().unwrap_or_default();
    match (candidate.copies, places.is_empty()) {
        (0, true) => format!("{trunk} is there, and nothing was ever branched from it."),
        (0, false) => format!("{trunk} is there, beside {}.", places.join(", ")),
        (copies, _) => format!("{trunk} and its branches were copied {copies} times, to {}.", places.join(", ")),
    }
}

/// No branches.
fn single(survey: &Survey) -> Detected {
    let copies = survey.copies().iter().filter(|copy| is_telling(copy)).count();
    let reason = match copies {
        0 => "No directory is copied as a branch would be: all is one line of history.".to_owned(),
        _ => {
            format!("{copies} copies of directories may be branches, but show no pattern: all is one line of history.")
        }
    };
    let doubt = u8::try_from(copies.min(9)).unwrap_or(9) * 5;
    Detected { layout: Layout::single(""), confidence: 95 - doubt, reasons: vec![reason] }
}

fn is_trunk_name(path: &str) -> bool {
    last(path).eq_ignore_ascii_case("trunk")
}

fn is_container_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    BRANCHES.contains(&name.as_str()) || TAGS.contains(&name.as_str())
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::super::log::{LogEntry, LogPath};
    use super::*;

    /// A history in short: each item is a revision, `+dir`, `file`, `from>to` or `from>>to` (moved).
    fn survey(history: &[&str]) -> Survey {
        let mut survey = Survey::of("");
        for (number, words) in history.iter().enumerate() {
            let paths = words.split(' ').flat_map(changes).collect();
            survey.add(&LogEntry { revision: number as u64 + 1, paths, ..LogEntry::default() });
        }
        survey
    }

    fn changes(word: &str) -> Vec<LogPath> {
        let path = |action, path: &str, is_dir, copy_from: Option<&str>| LogPath {
            action,
            path: path.to_owned(),
            is_dir: Some(is_dir),
            copy_from: copy_from.map(str::to_owned),
        };
        match (word.strip_prefix('+'), word.split_once(">>"), word.split_once('>')) {
            (Some(dir), ..) => vec![path('A', dir, true, None)],
            (_, Some((from, to)), _) => vec![path('D', from, true, None), path('A', to, true, Some(from))],
            (_, _, Some((from, to))) => vec![path('A', to, true, Some(from))],
            _ => vec![path('M', word, false, None)],
        }
    }

    fn found(history: &[&str]) -> (String, u8) {
        let detected = detect(&survey(history));
        assert!(!detected.reasons.is_empty());
        (detected.layout.to_string(), detected.confidence)
    }

    #[test]
    fn each_shape_is_found_whatever_it_is_called() {
        let cases: [(&str, &[&str], &str); 13] = [
            (
                "several projects without branches",
                &["+a +a/trunk a/trunk/f", "+b +b/trunk b/trunk/f"],
                "project=a,project=b",
            ),
            (
                "standard",
                &["+trunk +branches +tags trunk/f", "trunk>branches/a", "trunk>tags/1"],
                "trunk=trunk,branches=branches,tags=tags",
            ),
            ("standard without branches", &["+trunk trunk/f trunk/g"], "trunk=trunk,branches=branches,tags=tags"),
            (
                "standard below a directory",
                &["+p +p/trunk +p/tags p/trunk/f", "p/trunk>p/tags/1"],
                "trunk=p/trunk,branches=p/branches,tags=p/tags",
            ),
            (
                "more directories of branches",
                &[
                    "+trunk +branches +stable trunk/f",
                    "trunk>branches/a",
                    "trunk>stable/1.0",
                    "stable/1.0/f",
                    "trunk>vendor/x vendor/x/f",
                ],
                "trunk=trunk,branches=branches,branches=stable,branches=vendor,tags=tags",
            ),
            (
                "branches sorted into directories",
                &[
                    "+trunk +branches +branches/stable trunk/f",
                    "trunk>branches/a",
                    "trunk>branches/stable/1",
                    "branches/a/f",
                ],
                "trunk=trunk,branches=branches,branches=branches/stable,tags=tags",
            ),
            (
                "other names",
                &["+main main/f", "main>stable/1 stable/1/f", "main>releases/1.0", "main/f", "stable/1>releases/1.1"],
                "trunk=main,branches=stable,tags=releases",
            ),
            (
                "names that mean nothing",
                &["+src src/f", "src>lines/x", "lines/x/f", "src>lines/y", "src>frozen/1", "lines/x>frozen/2"],
                "trunk=src,branches=lines,tags=frozen",
            ),
            (
                "the main line among the branches",
                &["+branches +branches/main branches/main/f", "branches/main>branches/a", "branches/a/f"],
                "trunk=branches/main,branches=branches",
            ),
            (
                "several projects",
                &[
                    "+a +a/trunk +a/tags a/trunk/f +b +b/trunk +b/branches b/trunk/f",
                    "a/trunk>a/tags/1",
                    "b/trunk>b/branches/x",
                ],
                "project=a,project=b",
            ),
            (
                "several projects in one trunk",
                &[
                    "+trunk +branches +tags +trunk/a +trunk/b trunk/a/f trunk/b/f",
                    "trunk/a>branches/a/x",
                    "trunk/b>tags/b/1",
                    "trunk/a>tags/a/1",
                ],
                "project=a,trunk=trunk/a,branches=branches/a,tags=tags/a,project=b,trunk=trunk/b,branches=branches/b,tags=tags/b",
            ),
            ("nothing", &["+src +doc src/f doc/f", "src/f"], "single"),
            (
                "tidying up",
                &["+src +lib src/a/f", "src/a>lib/a", "src>src-old", "lib>>src/lib", "src/a>>src/b"],
                "single",
            ),
        ];
        for (name, history, expected) in cases {
            let (layout, confidence) = found(history);
            assert_eq!(layout, expected, "{name}");
            assert!(confidence >= 50, "{name}: {confidence}");
        }
    }

    #[test]
    fn the_less_lies_in_it_the_less_sure_it_is() {
        let (_, sure) = found(&["+trunk trunk/f", "trunk>tags/1"]);
        let (_, unsure) = found(&["+trunk trunk/f other/a other/b other/c", "trunk>tags/1"]);
        assert!(sure > unsure, "{sure} {unsure}");
        assert_eq!(detect(&survey(&[])).confidence, 0, "no history, no knowledge");
    }

    #[test]
    fn what_is_aside_of_a_large_trunk_is_left_out_and_said() {
        let busy = vec!["trunk/f"; 40];
        let detected = detect(&survey(&[&["+trunk +branches +old +old/trunk +old/tags"][..], &busy].concat()));
        assert_eq!(detected.layout.projects().len(), 1);
        assert!(detected.reasons[0].starts_with("old have trunks of their own"), "{:?}", detected.reasons);
    }
}
