//! How a CVS repository is reached. All ways give the same values, so the same commits come out.

use super::history::Histories;
use super::rcs::Number;
use crate::{ConvertError, Watch};
use codeimport_core::Stage;
use std::path::{Path, PathBuf};

/// One way to read a repository.
pub(super) trait Transport: Send + Sync {
    /// Where the repository stands: a text that changes with every commit and every symbol.
    fn position(&self, stage: Stage, watch: &Watch) -> Result<String, ConvertError>;

    /// What is known of all files but their texts. `scratch`: a folder for what memory has no room for.
    fn histories(&self, stage: Stage, scratch: &Path, watch: &Watch) -> Result<Histories, ConvertError>;

    /// Hands over the texts of revisions, raw as stored, in any order.
    fn texts(&self, wanted: &[Wanted<'_>], watch: &Watch, take: &mut Take<'_>) -> Result<(), ConvertError>;

    /// Bytes received so far.
    fn received_bytes(&self) -> u64;

    /// Where files may be kept between runs.
    fn keep_in(&self, _folder: PathBuf) {}
}

/// Where texts go.
pub(super) type Take<'a> = dyn FnMut(Text) -> Result<(), ConvertError> + 'a;

/// Revisions of one file whose texts are asked for; none of them is a removal.
pub(super) struct Wanted<'a> {
    pub(super) path: &'a [u8],
    /// The numbers of all its revisions, in order.
    pub(super) known: &'a [Number],
    /// File and place of those that are asked for, in order.
    pub(super) keys: &'a [(u32, u32)],
}

impl Wanted<'_> {
    /// The numbers that are asked for.
    pub(super) fn numbers(&self) -> impl Iterator<Item = &Number> {
        self.keys.iter().map(|(_, at)| &self.known[*at as usize])
    }

    /// The key of a revision, if it is asked for.
    pub(super) fn key(&self, number: &Number) -> Option<(u32, u32)> {
        let at = self.keys.binary_search_by(|(_, at)| self.known[*at as usize].cmp(number)).ok()?;
        Some(self.keys[at])
    }
}

/// One text.
pub(super) struct Text {
    /// The key by which it was asked for.
    pub(super) key: (u32, u32),
    pub(super) is_executable: bool,
    pub(super) bytes: Vec<u8>,
}

/// Whether a path can be in a Git tree, and be spoken of with a CVS server.
pub(super) fn can_be_shown(path: &[u8]) -> bool {
    let is_fine =
        |part: &[u8]| !part.is_empty() && !matches!(part, b"." | b"..") && !part.eq_ignore_ascii_case(b".git");
    path.split(|b| *b == b'/').all(is_fine) && !path.iter().any(|b| matches!(b, b'\n' | 0))
}

/// The path that a file has for users: a file that is removed on the trunk lies in `Attic`.
pub(super) fn without_attic(path: &[u8]) -> (Vec<u8>, bool) {
    let (directory, name) = match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&b""[..], path),
    };
    let Some(parent) = directory.strip_suffix(b"Attic").filter(|parent| parent.is_empty() || parent.ends_with(b"/"))
    else {
        return (path.to_vec(), false);
    };
    ([parent, name].concat(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attic_is_no_directory_of_users() {
        let cases = [
            ("Attic/f", "f", true),
            ("a/Attic/f", "a/f", true),
            ("aAttic/f", "aAttic/f", false),
            ("Attic", "Attic", false),
        ];
        for (path, plain, is_attic) in cases {
            assert_eq!(without_attic(path.as_bytes()), (plain.as_bytes().to_vec(), is_attic), "{path}");
        }
    }

    #[test]
    fn paths_that_git_refuses_are_not_shown() {
        assert!(can_be_shown(b"a/b.c") && can_be_shown("grün".as_bytes()) && can_be_shown(b".gitignore"));
        assert!(![&b".git/x"[..], b"a/.GIT", b"a//b", b"../x", b"a\nb"].iter().any(|path| can_be_shown(path)));
    }
}
