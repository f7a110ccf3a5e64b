//! What a path means under a layout: which branch it belongs to, and what that branch's ref is called. Pure.
//!
//! A *place* is a directory that the layout names: a trunk, or a container, whose children are branches or tags. Places may
//! lie in each other (`branches` and `branches/stable`): the deepest one decides, and what holds another place is no branch.

use super::ref_part::escape;
use crate::source::svn::paths::{path_below, split};
use codeimport_core::Layout;
use std::collections::{BTreeMap, BTreeSet};

/// The namespaces of refs.
const HEADS: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

/// The name of every trunk, wherever it lies.
const TRUNK: &str = "trunk";

/// A layout, prepared for look-ups.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    layout: Layout,
    by_path: BTreeMap<Vec<u8>, Place>,
}

/// What a directory is.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Place {
    /// A branch itself, with the full name of its ref.
    Trunk(String),
    /// Its children are branches or tags.
    Container(Container),
}

/// How the children of a directory are called.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Container {
    /// Stands in front of a child's name.
    prefix: String,
    /// Stands in front of it instead if the name is one of `taken`.
    long_prefix: String,
    /// Names that mean something else there.
    taken: BTreeSet<String>,
}

impl Places {
    /// Prepares a layout whose paths are from the root of the repository.
    pub(crate) fn new(layout: Layout) -> Self {
        let mut by_path = BTreeMap::new();
        for project in layout.projects() {
            let in_project = prefix_of(&project.name);
            if let Some(trunk) = &project.trunk {
                by_path.insert(trunk.clone().into(), Place::Trunk(format!("{HEADS}{in_project}{TRUNK}")));
            }
            add_containers(&mut by_path, &project.branches, &format!("{HEADS}{in_project}"), false);
            add_containers(&mut by_path, &project.tags, &format!("{TAGS}{in_project}"), true);
        }
        Self { layout, by_path }
    }

    /// The branch or tag that a path belongs to, as the path of its root; none for what lies outside of all.
    pub(crate) fn root_of<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        self.roots_above(path).next()
    }

    /// The branches that a path is in or is itself, from the deepest: more than one only where places lie in a trunk.
    pub(crate) fn roots_above<'p>(&self, path: &'p [u8]) -> impl Iterator<Item = &'p [u8]> {
        directories_above(path).filter_map(|directory| match self.by_path.get(directory)? {
            Place::Trunk(_) => Some(directory),
            Place::Container(_) => self.child_on_the_way(directory, path),
        })
    }

    /// The child of a container through which a path goes, if it is a branch.
    fn child_on_the_way<'p>(&self, container: &[u8], path: &'p [u8]) -> Option<&'p [u8]> {
        let rest = path_below(path, container).filter(|rest| !rest.is_empty())?;
        let name_len = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
        let child = &path[..path.len() - rest.len() + name_len];
        self.may_be_root(child).then_some(child)
    }

    /// Whether a child of a container is a branch if it is a directory: it is, unless there is another place in it.
    pub(crate) fn may_be_root(&self, child: &[u8]) -> bool {
        self.at_or_below(child).next().is_none()
    }

    /// Whether a path has nothing to do with any branch: it is in none, and none can be in it.
    pub(crate) fn is_outside(&self, path: &[u8]) -> bool {
        self.root_of(path).is_none() && self.may_be_root(path)
    }

    /// All places at a path or below it: path, and whether it is a container.
    pub(crate) fn at_or_below(&self, path: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
        let inside = move |(place, _): &(&Vec<u8>, &Place)| path_below(place, path).is_some();
        // What sorts behind "a" and begins with it may be "a-b", which sorts before "a/b".
        let candidates = self.by_path.range(path.to_vec()..).take_while(move |(place, _)| place.starts_with(path));
        candidates.filter(inside).map(|(place, what)| (place.as_slice(), matches!(what, Place::Container(_))))
    }

    /// The full name of the ref for a branch root. Characters that Git does not allow become `%xx`, as git-svn does it.
    pub(crate) fn ref_name(&self, root: &[u8]) -> String {
        if let Some(Place::Trunk(name)) = self.by_path.get(root) {
            return name.clone();
        }
        let (parent, name) = split(root);
        let name = escape(name);
        match self.by_path.get(parent) {
            Some(Place::Container(container)) => container.name_of(&name),
            // A root comes from here; whatever else it is has a name of its own all the same.
            _ => format!("{HEADS}{name}"),
        }
    }

    /// Full names of the trunks' refs, in the order of the projects.
    pub(crate) fn trunk_refs(&self) -> impl Iterator<Item = String> {
        self.layout.projects().iter().map(|project| format!("{HEADS}{}{TRUNK}", prefix_of(&project.name)))
    }
}

impl Container {
    fn name_of(&self, name: &str) -> String {
        let prefix = if self.taken.contains(name) { &self.long_prefix } else { &self.prefix };
        format!("{prefix}{name}")
    }
}

/// Adds the directories of one project's branches, or of its tags. Children of the first one are called as they are; those
/// of others, and what is called like something else there, have their directory's name in front.
fn add_containers(by_path: &mut BTreeMap<Vec<u8>, Place>, paths: &[String], namespace: &str, is_tags: bool) {
    let mut taken = BTreeSet::new();
    if !is_tags {
        taken.insert(TRUNK.to_owned());
    }
    let labels: Vec<_> = paths.iter().map(|path| label(path, &mut taken)).collect();
    for (number, (path, label)) in paths.iter().zip(labels).enumerate() {
        let long_prefix = format!("{namespace}{label}/");
        let container = match number {
            0 => Container { prefix: namespace.to_owned(), long_prefix, taken: taken.clone() },
            _ => Container { prefix: long_prefix.clone(), long_prefix, taken: BTreeSet::new() },
        };
        by_path.insert(path.clone().into(), Place::Container(container));
    }
}

/// What a directory is called in names of refs: its own name, or all of its path if that is taken.
fn label(path: &str, taken: &mut BTreeSet<String>) -> String {
    let (_, own) = split(path.as_bytes());
    let mut label = escape(own);
    if taken.contains(&label) {
        label = escape(path.replace('/', "-").as_bytes());
    }
    while !taken.insert(label.clone()) {
        label.push('_');
    }
    label
}

/// What a project's name puts in front of its refs' names.
fn prefix_of(name: &str) -> String {
    name.split('/').filter(|part| !part.is_empty()).map(|part| escape(part.as_bytes()) + "/").collect()
}

/// A path and all directories above it, the root at the end.
fn directories_above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(path), |path| (!path.is_empty()).then(|| split(path).0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(layout: &str) -> Places {
        Places::new(layout.parse().expect("a layout"))
    }

    fn root<'p>(places: &Places, path: &'p str) -> Option<&'p str> {
        places.root_of(path.as_bytes()).map(|root| std::str::from_utf8(root).expect("text"))
    }

    #[test]
    fn a_path_belongs_to_the_branch_that_holds_it() {
        let places = Places::new(Layout::standard("project"));
        assert_eq!(root(&places, "project/trunk"), Some("project/trunk"));
        assert_eq!(root(&places, "project/trunk/a/b"), Some("project/trunk"));
        assert_eq!(root(&places, "project/branches/x"), Some("project/branches/x"));
        assert_eq!(root(&places, "project/tags/v1/a"), Some("project/tags/v1"));
        for outside in ["project", "project/branches", "project/trunk2", "other/trunk", ""] {
            assert_eq!(root(&places, outside), None, "{outside}");
        }
        assert_eq!(root(&Places::new(Layout::single("")), "a/b"), Some(""));
    }

    #[test]
    fn the_deepest_of_places_that_lie_in_each_other_decides() {
        let places = places("trunk=branches/main,branches=branches,branches=branches/stable/*");
        assert_eq!(root(&places, "branches/main/f"), Some("branches/main"));
        assert_eq!(root(&places, "branches/stable/1.0/f"), Some("branches/stable/1.0"));
        assert_eq!(root(&places, "branches/x/f"), Some("branches/x"));
        assert_eq!(root(&places, "branches/stable"), None);
        let below: Vec<_> = places.at_or_below(b"branches/stable").collect();
        assert_eq!(below, [(&b"branches/stable"[..], true)]);
        assert_eq!(places.at_or_below(b"").count(), 3);
        let all = Places::new("trunk=,branches=b".parse().expect("a layout"));
        assert_eq!(all.roots_above(b"b/x/f").collect::<Vec<_>>(), [&b"b/x"[..], b""], "a trunk that is all");
    }

    #[test]
    fn refs_are_named_like_their_directories() {
        let standard = places("standard");
        let name = |root: &str| standard.ref_name(root.as_bytes());
        assert_eq!(name("trunk"), "refs/heads/trunk");
        assert_eq!(name("branches/x"), "refs/heads/x");
        assert_eq!(name("branches/trunk"), "refs/heads/branches/trunk");
        assert_eq!(name("tags/v1"), "refs/tags/v1");
        assert_eq!(places("trunk=main").ref_name(b"main"), "refs/heads/trunk");
    }

    #[test]
    fn projects_stand_in_front_of_the_names_of_their_refs() {
        let places = places("project=a,project=libs/b,trunk=trunk/b,branches=branches/b");
        let name = |root: &str| places.ref_name(root.as_bytes());
        assert_eq!(name("a/trunk"), "refs/heads/a/trunk");
        assert_eq!(name("a/tags/v 1"), "refs/tags/a/v%201");
        assert_eq!(name("trunk/b"), "refs/heads/libs/b/trunk");
        assert_eq!(name("branches/b/x"), "refs/heads/libs/b/x");
        let trunks: Vec<_> = places.trunk_refs().collect();
        assert_eq!(trunks, ["refs/heads/a/trunk", "refs/heads/libs/b/trunk"]);
    }

    #[test]
    fn branches_of_several_directories_never_share_a_name() {
        let places = places("trunk=t,branches=b,branches=x/stable,branches=y/stable,branches=z/trunk");
        let name = |root: &str| places.ref_name(root.as_bytes());
        let names = ["t", "b/1", "b/stable", "x/stable/1", "y/stable/1", "z/trunk/1"].map(name);
        let expected = ["trunk", "1", "b/stable", "stable/1", "y-stable/1", "z-trunk/1"];
        assert_eq!(names, expected.map(|name| format!("refs/heads/{name}")));
    }
}
