//! Manifests: which files there are. And how two of them differ, from the delta between them.
//!
//! ```text
//!   line = path, NUL, name of the file's revision, flag (none, "x" or "l"); in order of the paths' bytes
//! ```

use crate::source::hg::bundle::Hunk;
use crate::source::hg::error::{HgError, broken};
use crate::source::hg::node::Node;
use std::collections::BTreeMap;

/// What kind of file it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::source::hg) enum Flag {
    Plain,
    Executable,
    Link,
}

/// What becomes of a path: a file's revision, or nothing.
pub(in crate::source::hg) type FileEdit = (Vec<u8>, Option<(Node, Flag)>);

/// What the hunks, which make `new` of `old`, change: each path once, in order.
///
/// # Errors
///
/// [`HgError::Broken`]; [`HgError::Unsupported`] for kinds of files that Git does not have.
pub(in crate::source::hg) fn edits(old: &[u8], new: &[u8], hunks: &[Hunk<'_>]) -> Result<Vec<FileEdit>, HgError> {
    let mut found = BTreeMap::new();
    for (before, after) in changed_lines(old, hunks) {
        for line in lines(&old[before.0..before.1])? {
            let (path, _) = parse_line(line)?;
            found.insert(path.to_vec(), None);
        }
        for line in lines(new.get(after.0..after.1).unwrap_or_default())? {
            let (path, file) = parse_line(line)?;
            check_path(path)?;
            found.insert(path.to_vec(), Some(file));
        }
    }
    Ok(found.into_iter().collect())
}

/// From where to where.
type Span = (usize, usize);

/// Which lines of the old text give way to which ones of the new text. Hunks end where they like; lines are whole.
fn changed_lines(old: &[u8], hunks: &[Hunk<'_>]) -> Vec<(Span, Span)> {
    let mut spans: Vec<(Span, Span)> = Vec::new();
    // How much further to the right the new text is: as unsigned numbers, since it never goes below nothing.
    let (mut added, mut removed) = (0, 0);
    for hunk in hunks {
        let start = old[..hunk.start].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let ends_line = match hunk.data.last() {
            Some(last) => *last == b'\n',
            None => start == hunk.start,
        };
        let is_at_border = hunk.end == 0 || old[hunk.end - 1] == b'\n';
        let end = match ends_line && is_at_border {
            true => hunk.end,
            false => old[hunk.end..].iter().position(|b| *b == b'\n').map_or(old.len(), |at| hunk.end + at + 1),
        };
        let new_start = (start + added).saturating_sub(removed);
        (added, removed) = (added + hunk.data.len(), removed + hunk.end - hunk.start);
        let new_end = (end + added).saturating_sub(removed);
        match spans.last_mut() {
            // They touch the same line.
            Some((before, after)) if start < before.1 => (before.1, after.1) = (end.max(before.1), new_end),
            _ => spans.push(((start, end), (new_start, new_end))),
        }
    }
    spans
}

fn lines(text: &[u8]) -> Result<impl Iterator<Item = &[u8]>, HgError> {
    if !text.is_empty() && !text.ends_with(b"\n") {
        return broken("a manifest ends in the middle of a line");
    }
    Ok(text.split(|b| *b == b'\n').filter(|line| !line.is_empty()))
}

fn parse_line(line: &[u8]) -> Result<(&[u8], (Node, Flag)), HgError> {
    let wrong = || HgError::Broken(format!("a manifest has the line {:?}", String::from_utf8_lossy(line)));
    let at = line.iter().position(|b| *b == 0).ok_or_else(wrong)?;
    let (path, rest) = (&line[..at], &line[at + 1..]);
    let (name, flag) = rest.split_at_checked(40).ok_or_else(wrong)?;
    let flag = match flag {
        b"" => Flag::Plain,
        b"x" => Flag::Executable,
        b"l" => Flag::Link,
        _ => {
            let flag = String::from_utf8_lossy(flag);
            let text = format!("{} is a file of a kind {flag:?}", String::from_utf8_lossy(path));
            return Err(HgError::Unsupported(text));
        }
    };
    Ok((path, (Node::from_hex(name).ok_or_else(wrong)?, flag)))
}

/// Paths that would lead elsewhere are in no repository.
fn check_path(path: &[u8]) -> Result<(), HgError> {
    let leads_elsewhere = |part: &[u8]| matches!(part, b"" | b"." | b"..");
    if path.split(|b| *b == b'/').any(leads_elsewhere) {
        return broken(format!("a manifest has the path {:?}", String::from_utf8_lossy(path)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(path: &str, digit: u8, flag: &str) -> String {
        format!("{path}\0{}{flag}\n", Node::new([digit; 20]))
    }

    fn all(text: &[u8]) -> BTreeMap<Vec<u8>, (Node, Flag)> {
        let parsed = lines(text).expect("whole lines").map(|line| parse_line(line).expect("a line"));
        parsed.map(|(path, file)| (path.to_vec(), file)).collect()
    }

    /// What differs, found by comparing all of both.
    fn compared(old: &[u8], new: &[u8]) -> Vec<FileEdit> {
        let (old, new) = (all(old), all(new));
        let gone = old.keys().filter(|path| !new.contains_key(*path)).map(|path| (path.clone(), None));
        let come = new.iter().filter(|(path, file)| old.get(*path) != Some(*file));
        let mut edits: Vec<_> = gone.chain(come.map(|(path, file)| (path.clone(), Some(*file)))).collect();
        edits.sort_by(|a, b| a.0.cmp(&b.0));
        edits
    }

    fn text(files: &BTreeMap<u8, u8>) -> Vec<u8> {
        let flag = |content: u8| ["", "x", "l"][usize::from(content % 3)];
        files
            .iter()
            .map(|(path, content)| line(&format!("d/f{path:03}"), *content, flag(*content)))
            .collect::<String>()
            .into()
    }

    proptest! {
        #[test]
        fn hunks_of_any_borders_tell_what_a_comparison_of_all_lines_tells(
            old in proptest::collection::btree_map(0..40_u8, 0..9_u8, 0..20),
            new in proptest::collection::btree_map(0..40_u8, 0..9_u8, 0..20),
            early in 0..30_usize,
        ) {
            let (old, new) = (text(&old), text(&new));
            let same = |(a, b): &(&u8, &u8)| a == b;
            let start = old.iter().zip(&new).take_while(same).count().saturating_sub(early);
            let rest = old.len().min(new.len()) - start;
            let tail = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(same).count();
            let hunk = Hunk { start, end: old.len() - tail, data: &new[start..new.len() - tail] };
            prop_assert_eq!(crate::source::hg::bundle::apply(&old, &[hunk]), new.clone());
            let mut found = edits(&old, &new, &[hunk]).expect("a manifest");
            // A line that is replaced by itself is no change.
            let before = all(&old);
            found.retain(|(path, file)| before.get(path).copied() != *file);
            prop_assert_eq!(found, compared(&old, &new));
        }
    }

    #[test]
    fn what_is_no_manifest_is_an_error() {
        let read = |text: &str| {
            let hunk = Hunk { start: 0, end: 0, data: text.as_bytes() };
            edits(b"", text.as_bytes(), &[hunk])
        };
        assert!(read(&line("a/b", 1, "")).is_ok());
        for odd in ["a\n", "a\0b\n", "a", &line("a/../b", 1, ""), &line("/a", 1, ""), &line("", 1, "")] {
            assert!(matches!(read(odd), Err(HgError::Broken(_))), "{odd:?}");
        }
        assert!(matches!(read(&line("a", 1, "t")), Err(HgError::Unsupported(_))));
    }
}
