//! Which paths of a Subversion repository are branches and tags. Pure.
//!
//! Subversion knows only directories; what they mean is convention. A [`Layout`] says it in three answers: where the
//! trunk is, below which directories each child is a branch, and below which each child is a tag.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What a directory means.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum BranchKind {
    /// A line of history beside the trunk.
    Branch,
    /// A tag. In Subversion it may change later, and then the ref follows.
    Tag,
}

/// Where branches and tags are. Paths are without slashes at the ends; in options they are from the source's address, in
/// what is recorded and converted by from the root of the repository.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Layout {
    /// The directory that is the main line; empty for the root itself.
    pub trunk: String,
    /// Directories whose children are branches.
    pub branches: Vec<String>,
    /// Directories whose children are tags.
    pub tags: Vec<String>,
}

impl Layout {
    /// `trunk`, `branches` and `tags` below a directory.
    #[must_use]
    pub fn standard(prefix: &str) -> Self {
        let below = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        Self { trunk: below("trunk"), branches: vec![below("branches")], tags: vec![below("tags")] }
    }

    /// One line of history: everything below a directory.
    #[must_use]
    pub fn single(path: &str) -> Self {
        Self { trunk: path.to_owned(), branches: Vec::new(), tags: Vec::new() }
    }

    /// The same, seen from further up.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Self {
        let below = |path: &String| match (prefix, path.as_str()) {
            ("", path) | (path, "") => path.to_owned(),
            (prefix, path) => format!("{prefix}/{path}"),
        };
        Self {
            trunk: below(&self.trunk),
            branches: self.branches.iter().map(below).collect(),
            tags: self.tags.iter().map(below).collect(),
        }
    }

    /// Directories whose children are branches or tags.
    pub fn containers(&self) -> impl Iterator<Item = (&str, BranchKind)> {
        let branches = self.branches.iter().map(|path| (path.as_str(), BranchKind::Branch));
        branches.chain(self.tags.iter().map(|path| (path.as_str(), BranchKind::Tag)))
    }

    /// The branch or tag that a path belongs to, as the path of its root; none for what lies outside of all.
    #[must_use]
    pub fn root_of<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        for (container, _) in self.containers() {
            if let Some(rest) = path_below(path, container.as_bytes())
                && !rest.is_empty()
            {
                let name_len = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
                return Some(&path[..path.len() - rest.len() + name_len]);
            }
        }
        path_below(path, self.trunk.as_bytes()).map(|_| &path[..self.trunk.len()])
    }

    /// The full name of the ref for a branch root. Characters that Git does not allow become `%xx`, as git-svn does it.
    #[must_use]
    pub fn ref_name(&self, root: &[u8]) -> String {
        if root == self.trunk.as_bytes() {
            return "refs/heads/trunk".to_owned();
        }
        let name = root.rsplit(|b| *b == b'/').next().unwrap_or_default();
        let container = &root[..root.len().saturating_sub(name.len() + 1)];
        let namespace = match self.containers().find(|(path, _)| path.as_bytes() == container) {
            Some((_, BranchKind::Tag)) => "refs/tags",
            _ => "refs/heads",
        };
        // Children of a second container, and a branch that is called like the trunk, keep their container's name.
        let is_first = self.branches.first().into_iter().chain(self.tags.first()).any(|c| c.as_bytes() == container);
        let taken = namespace == "refs/heads" && name == b"trunk";
        if is_first && !taken {
            format!("{namespace}/{}", escape(name))
        } else {
            let container = container.rsplit(|b| *b == b'/').next().unwrap_or_default();
            format!("{namespace}/{}/{}", escape(container), escape(name))
        }
    }
}

/// Why a text is no layout.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "is no layout: write standard, single, or trunk=PATH,branches=PATH,tags=PATH (branches and tags as often as needed)"
)]
pub struct InvalidLayout;

impl FromStr for Layout {
    type Err = InvalidLayout;

    fn from_str(text: &str) -> Result<Self, InvalidLayout> {
        match text {
            "standard" => return Ok(Self::standard("")),
            "single" => return Ok(Self::single("")),
            _ => {}
        }
        let (mut trunk, mut branches, mut tags) = (None, Vec::new(), Vec::new());
        for part in text.split(',') {
            let (name, path) = part.split_once('=').ok_or(InvalidLayout)?;
            let path = path.trim_matches('/').to_owned();
            match name {
                "trunk" if trunk.is_none() => trunk = Some(path),
                "branches" if !path.is_empty() => branches.push(path),
                "tags" if !path.is_empty() => tags.push(path),
                _ => return Err(InvalidLayout),
            }
        }
        Ok(Self { trunk: trunk.ok_or(InvalidLayout)?, branches, tags })
    }
}

/// What is left of a path below a directory: empty for the directory itself, none if it is not below.
#[must_use]
pub fn path_below<'p>(path: &'p [u8], dir: &[u8]) -> Option<&'p [u8]> {
    if dir.is_empty() {
        return Some(path);
    }
    match path.strip_prefix(dir)? {
        [] => Some(&[]),
        [b'/', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// One part of a ref name, by the rules of `git check-ref-format`.
fn escape(name: &[u8]) -> String {
    let mut escaped = String::with_capacity(name.len());
    let text = String::from_utf8_lossy(name);
    let ends_in_lock = text.to_ascii_lowercase().ends_with(".lock");
    for (at, c) in text.char_indices() {
        let first_or_last_dot = c == '.' && (at == 0 || at + 1 == text.len() || text[at + 1..].starts_with('.'));
        let lock_dot = c == '.' && ends_in_lock && at + ".lock".len() == text.len();
        let at_brace = c == '@' && (text.len() == 1 || text[at + 1..].starts_with('{'));
        let first_dash = c == '-' && at == 0;
        if c.is_control() || " ~^:?*[\\%".contains(c) || first_or_last_dot || lock_dot || at_brace || first_dash {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|b| escaped.push_str(&format!("%{b:02X}")));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_branch_that_holds_it() {
        let layout = Layout::standard("project");
        let root = |path: &'static str| layout.root_of(path.as_bytes()).map(|r| std::str::from_utf8(r).expect("ascii"));
        assert_eq!(root("project/trunk"), Some("project/trunk"));
        assert_eq!(root("project/trunk/a/b"), Some("project/trunk"));
        assert_eq!(root("project/branches/x"), Some("project/branches/x"));
        assert_eq!(root("project/tags/v1/a"), Some("project/tags/v1"));
        for outside in ["project", "project/branches", "project/trunk2", "other/trunk", ""] {
            assert_eq!(root(outside), None, "{outside}");
        }
        assert_eq!(Layout::single("").root_of(b"a/b"), Some(&b""[..]));
    }

    #[test]
    fn a_layout_can_be_written_down_and_moved_below_a_directory() {
        let layout: Layout = "trunk=main/,branches=/b,branches=more/b,tags=releases".parse().expect("well-formed");
        let expected = Layout {
            trunk: "main".to_owned(),
            branches: vec!["b".to_owned(), "more/b".to_owned()],
            tags: vec!["releases".to_owned()],
        };
        assert_eq!(layout, expected);
        assert_eq!("standard".parse::<Layout>().map(|layout| layout.below("p")), Ok(Layout::standard("p")));
        assert_eq!(Layout::single("").below("p/q"), Layout::single("p/q"));
        for odd in ["", "auto", "trunk", "branches=b", "trunk=a,trunk=b", "trunk=a,branches=", "trunk=a,other=b"] {
            assert_eq!(odd.parse::<Layout>(), Err(InvalidLayout), "{odd}");
        }
    }

    #[test]
    fn refs_are_named_like_their_directories() {
        let layout = Layout::standard("");
        let name = |root: &str| layout.ref_name(root.as_bytes());
        assert_eq!(name("trunk"), "refs/heads/trunk");
        assert_eq!(name("branches/x"), "refs/heads/x");
        assert_eq!(name("branches/trunk"), "refs/heads/branches/trunk");
        assert_eq!(name("tags/v1"), "refs/tags/v1");
        assert_eq!(Layout::single("").ref_name(b""), "refs/heads/trunk");
    }

    #[test]
    fn names_that_git_refuses_are_escaped_so_that_two_never_become_one() {
        let cases = [
            ("a b", "a%20b"),
            ("a%20b", "a%2520b"),
            (".x", "%2Ex"),
            ("x.", "x%2E"),
            ("a..b", "a%2E.b"),
            ("x.lock", "x%2Elock"),
            ("a@{b", "a%40{b"),
            ("@", "%40"),
            ("-x", "%2Dx"),
            ("grün", "grün"),
            ("a~^:?*[\\b", "a%7E%5E%3A%3F%2A%5B%5Cb"),
        ];
        for (name, escaped) in cases {
            assert_eq!(escape(name.as_bytes()), escaped);
        }
    }
}
