//! Refs for names.
//!
//! | in Mercurial | ref |
//! | --- | --- |
//! | the newest open head of a branch, or its newest head if all are closed | `refs/heads/BRANCH` |
//! | every other head of it | `refs/heads/BRANCH%3ANODE`, with the first twelve digits of its name |
//! | a bookmark | `refs/heads/BOOKMARK`, or `refs/heads/BOOKMARK%3Abookmark` if a branch is called so |
//! | a tag | `refs/tags/TAG` |
//!
//! No name in Mercurial has a colon, and `%3A` comes of nothing else. What Git refuses is written as `%xx`. A name that is
//! also a folder of another one ends in `%2F`.

use super::Tags;
use crate::Refs;
use crate::source::escape_ref_part;
use crate::source::hg::node::Node;
use gix::ObjectId;
use gix::bstr::BString;
use std::collections::{BTreeMap, BTreeSet};

/// The branch that every repository begins with.
pub(in crate::source::hg) const DEFAULT_BRANCH: &str = "refs/heads/default";

/// A branch with its heads, oldest first, and whether those are closed.
pub(in crate::source::hg) type Branch = (Vec<u8>, Vec<(Node, bool)>);

/// What Mercurial names.
pub(in crate::source::hg) struct Named<'a> {
    pub(in crate::source::hg) branches: &'a [Branch],
    pub(in crate::source::hg) bookmarks: &'a BTreeMap<Vec<u8>, Node>,
    pub(in crate::source::hg) tags: &'a Tags,
}

/// The refs for all of them. What leads to a changeset that has no commit is left out.
pub(in crate::source::hg) fn refs(named: &Named<'_>, commit: impl Fn(&Node) -> Option<ObjectId>) -> Refs {
    let mut heads = BTreeMap::new();
    for (branch, nodes) in named.branches {
        let newest = nodes.iter().rev().find(|(_, closed)| !closed).or(nodes.last());
        for (node, _) in nodes {
            let is_newest = newest.is_some_and(|(newest, _)| newest == node);
            let suffix = if is_newest { String::new() } else { format!("%3A{}", node.short()) };
            heads.insert(format!("{}{suffix}", escape(branch)), *node);
        }
    }
    for (bookmark, node) in named.bookmarks {
        let name = escape(bookmark);
        let name = if heads.contains_key(&name) { format!("{name}%3Abookmark") } else { name };
        heads.insert(name, *node);
    }
    let tags = named.tags.iter().map(|(tag, node)| (escape(tag), *node)).collect();
    let below = |folder: &'static str, names| {
        without_clashes(names).into_iter().map(move |(name, node)| (format!("{folder}{name}"), node))
    };
    let all = below("refs/heads/", heads).chain(below("refs/tags/", tags));
    all.filter_map(|(name, node)| Some((BString::from(name), commit(&node)?))).collect()
}

/// A name as Git takes it, slashes where they make sense.
pub(in crate::source::hg) fn escape(name: &[u8]) -> String {
    if std::str::from_utf8(name).is_err() {
        // What is not text would be replaced: the bytes tell such names apart.
        let byte = |b: &u8| if b.is_ascii_alphanumeric() { char::from(*b).to_string() } else { format!("%{b:02X}") };
        return name.iter().map(byte).collect();
    }
    let part = |part: &[u8]| if part.is_empty() { None } else { Some(escape_ref_part(part)) };
    let parts: Option<Vec<_>> = name.split(|b| *b == b'/').map(part).collect();
    let whole = || escape_ref_part(name).replace('/', "%2F");
    let escaped = parts.map_or_else(whole, |parts| parts.join("/"));
    // Git takes this for its own.
    if escaped == "HEAD" { "%48EAD".to_owned() } else { escaped }
}

/// Git cannot have both `a` and `a/b`.
fn without_clashes(names: BTreeMap<String, Node>) -> BTreeMap<String, Node> {
    let folders = |name: &String| name.match_indices('/').map(|(at, _)| name[..at].to_owned()).collect::<Vec<_>>();
    let folders: BTreeSet<_> = names.keys().flat_map(folders).collect();
    let renamed = |name: String| if folders.contains(&name) { format!("{name}%2F") } else { name };
    names.into_iter().map(|(name, node)| (renamed(name), node)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(digit: u8) -> Node {
        Node::new([digit; 20])
    }

    /// A branch, its heads by their digit.
    type Heads<'a> = (&'a [u8], &'a [(u8, bool)]);

    fn names(branches: &[Heads<'_>], bookmarks: &[&str], tags: &[&str]) -> Vec<String> {
        let heads = |heads: &[(u8, bool)]| heads.iter().map(|(digit, closed)| (node(*digit), *closed)).collect();
        let branches: Vec<_> = branches.iter().map(|(name, nodes)| (name.to_vec(), heads(nodes))).collect();
        let named = |names: &[&str]| names.iter().map(|name| (name.as_bytes().to_vec(), node(9))).collect();
        let named = Named { branches: &branches, bookmarks: &named(bookmarks), tags: &named(tags) };
        let refs = refs(&named, |node| Some(ObjectId::Sha1(*node.as_bytes())));
        refs.into_iter().map(|(name, id)| format!("{name} {}", id.as_bytes()[0])).collect()
    }

    #[test]
    fn every_head_has_a_ref_and_the_newest_open_one_has_the_branches_name() {
        let refs = names(&[(b"default", &[(1, false), (2, false), (3, true)])], &[], &[]);
        assert_eq!(
            refs,
            ["refs/heads/default 2", "refs/heads/default%3A010101010101 1", "refs/heads/default%3A030303030303 3"]
        );
        assert_eq!(names(&[(b"old", &[(1, true), (2, true)])], &[], &[])[0], "refs/heads/old 2");
    }

    #[test]
    fn a_bookmark_gives_way_to_a_branch_of_its_name() {
        let refs = names(&[(b"a", &[(1, false)])], &["a", "@"], &[]);
        assert_eq!(refs, ["refs/heads/%40 9", "refs/heads/a 1", "refs/heads/a%3Abookmark 9"]);
    }

    #[test]
    fn names_that_git_refuses_are_escaped_and_never_become_one() {
        let refs = names(
            &[(b"a", &[(1, false)]), (b"a/b", &[(2, false)]), (b"gr\xfcn", &[(3, false)])],
            &[],
            &["v 1", "x//y", "HEAD"],
        );
        assert_eq!(
            refs,
            [
                "refs/heads/a%2F 1",
                "refs/heads/a/b 2",
                "refs/heads/gr%FCn 3",
                "refs/tags/%48EAD 9",
                "refs/tags/v%201 9",
                "refs/tags/x%2F%2Fy 9"
            ]
        );
    }
}
