//! Which refs of a source are taken over into the target.

use serde::{Deserialize, Serialize};

/// Patterns on full ref names. A ref is taken if it matches one `include` and no `exclude`.
///
/// Works on bytes: Git's ref names need not be UTF-8.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RefFilter {
    include: Vec<String>,
    exclude: Vec<String>,
}

/// The text is no pattern for refs.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "must begin with refs/ and contain no white space, control character, `..`, `~`, `^`, `:`, `?`, `[` or backslash"
)]
pub struct InvalidRefPattern;

/// What people mean by "the repository": branches, tags and notes. Not `refs/pull/*` and its like, by which
/// hosting sites show every proposal ever made; they outnumber the branches a hundred to one.
const DEFAULT_INCLUDE: [&str; 3] = ["refs/heads/*", "refs/tags/*", "refs/notes/*"];

/// Where codeimport keeps its own state in a target. A source that happens to be such a target must not
/// bring its state along.
const OWN_NAMESPACE: &[u8] = b"refs/codeimport/";

impl RefFilter {
    /// A filter from patterns; no `include` means the default one.
    ///
    /// # Errors
    ///
    /// [`InvalidRefPattern`] if any of them is none; use [`RefFilter::is_pattern`] to find out which.
    pub fn new(include: Vec<String>, exclude: Vec<String>) -> Result<Self, InvalidRefPattern> {
        if include.iter().chain(&exclude).all(|p| Self::is_pattern(p)) {
            Ok(Self { include, exclude })
        } else {
            Err(InvalidRefPattern)
        }
    }

    /// Whether a text is a pattern: the rules of `git check-ref-format`, as far as they can break one, with `*`
    /// allowed.
    #[must_use]
    pub fn is_pattern(text: &str) -> bool {
        text.starts_with("refs/")
            && text.len() <= 500
            && !text.contains("..")
            && !text.chars().any(|c| c.is_control() || c.is_whitespace() || "~^:?[\\".contains(c))
    }

    /// Patterns of which one must match, defaults filled in.
    #[must_use]
    pub fn include(&self) -> Vec<&str> {
        if self.include.is_empty() {
            DEFAULT_INCLUDE.to_vec()
        } else {
            self.include.iter().map(String::as_str).collect()
        }
    }

    /// Patterns of which none may match.
    #[must_use]
    pub fn exclude(&self) -> Vec<&str> {
        self.exclude.iter().map(String::as_str).collect()
    }

    /// Whether a ref is taken over.
    #[must_use]
    pub fn takes(&self, name: &[u8]) -> bool {
        !name.starts_with(OWN_NAMESPACE)
            && self.include().iter().any(|p| matches(p.as_bytes(), name))
            && !self.exclude.iter().any(|p| matches(p.as_bytes(), name))
    }
}

/// Whether `name` matches `pattern`, where `*` stands for any bytes, slashes too.
///
/// Greedy with one remembered star: linear in practice, and no pattern makes it recurse.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            last_star = Some((p, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            p += 1;
            n += 1;
        } else if let Some((star, from)) = last_star {
            // Let the star swallow one byte more and try again from there.
            last_star = Some((star, from + 1));
            p = star + 1;
            n = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter(include: &[&str], exclude: &[&str]) -> RefFilter {
        let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        RefFilter::new(owned(include), owned(exclude)).expect("valid patterns")
    }

    #[test]
    fn proposals_of_hosting_sites_are_hidden_by_default() {
        let filter = RefFilter::default();
        assert!(filter.takes(b"refs/heads/main") && filter.takes(b"refs/heads/a/b") && filter.takes(b"refs/tags/v1"));
        for hidden in ["refs/pull/1/head", "refs/merge-requests/1/head", "refs/changes/01/1/1", "HEAD", "refs/stash"] {
            assert!(!filter.takes(hidden.as_bytes()), "{hidden}");
        }
    }

    #[test]
    fn own_state_is_never_taken_over() {
        assert!(!filter(&["refs/*"], &[]).takes(b"refs/codeimport/state"));
    }

    #[test]
    fn exclusion_wins() {
        let filter = filter(&["refs/heads/*"], &["refs/heads/wip/*", "refs/heads/*-tmp"]);
        assert!(filter.takes(b"refs/heads/main"));
        assert!(!filter.takes(b"refs/heads/wip/x") && !filter.takes(b"refs/heads/a-tmp"));
    }

    #[test]
    fn patterns_that_git_would_not_accept_are_refused() {
        for bad in ["main", "refs/heads/a b", "refs/heads/..", "refs/heads/?", "+refs/heads/*:refs/heads/*"] {
            assert_eq!(RefFilter::new(vec![bad.to_owned()], vec![]), Err(InvalidRefPattern), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_star_between_halves_matches_anything_between(a in "[a-z/]{0,8}", mid in "[a-z/]{0,8}", b in "[a-z/]{0,8}") {
            let (pattern, name) = (format!("{a}*{b}"), format!("{a}{mid}{b}"));
            prop_assert!(matches(pattern.as_bytes(), name.as_bytes()));
        }

        #[test]
        fn without_a_star_only_the_same_name_matches(a in "[a-z/]{0,8}", b in "[a-z/]{0,8}") {
            prop_assert_eq!(matches(a.as_bytes(), b.as_bytes()), a == b);
        }
    }
}
