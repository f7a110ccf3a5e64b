//! Which tags there are: Mercurial keeps them in a file of the repository, which each head has in a version of its own.
//!
//! Within a file the last line of a tag counts. Between heads the one counts that knew of the other, and else the newer head's:
//! the same rule as Mercurial's own.

use crate::source::hg::node::Node;
use std::collections::BTreeMap;

/// What a tag names, and what it named before, oldest first.
type History = (Node, Vec<Node>);

/// Tags of some heads.
pub(in crate::source::hg) type Tags = BTreeMap<Vec<u8>, Node>;

/// Puts together what the `.hgtags` of the heads say, the oldest head's first. Tags that were removed are left out.
#[must_use]
pub(in crate::source::hg) fn read_tags<'f>(files: impl Iterator<Item = &'f [u8]>) -> Tags {
    let mut all: BTreeMap<Vec<u8>, History> = BTreeMap::new();
    for file in files {
        for (name, tagged) in read_file(file) {
            let tagged = match all.remove(&name) {
                Some(before) => merged(tagged, before),
                None => tagged,
            };
            all.insert(name, tagged);
        }
    }
    all.into_iter().map(|(name, (node, _))| (name, node)).filter(|(_, node)| !node.is_null()).collect()
}

fn read_file(text: &[u8]) -> BTreeMap<Vec<u8>, History> {
    let mut tags: BTreeMap<Vec<u8>, History> = BTreeMap::new();
    for line in text.split(|b| matches!(b, b'\n' | b'\r')) {
        let mut fields = line.splitn(2, |b| *b == b' ');
        let (Some(node), Some(name)) = (fields.next().and_then(Node::from_hex), fields.next()) else { continue };
        let name = name.trim_ascii().to_vec();
        match tags.get_mut(&name) {
            Some((last, before)) => before.push(std::mem::replace(last, node)),
            None => drop(tags.insert(name, (node, Vec::new()))),
        }
    }
    tags
}

/// What counts of two heads, of which the second is the older one.
fn merged((mut node, mut history): History, (other, others): History) -> History {
    let knew_us = other != node && others.contains(&node);
    if knew_us && (!history.contains(&other) || others.len() > history.len()) {
        node = other;
    }
    let unknown: Vec<_> = others.into_iter().filter(|other| !history.contains(other)).collect();
    history.extend(unknown);
    (node, history)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: &[(u8, &str)]) -> Vec<u8> {
        lines.iter().map(|(digit, name)| format!("{} {name}\n", Node::new([*digit; 20]))).collect::<String>().into()
    }

    fn tags(files: &[&[(u8, &str)]]) -> Vec<(String, u8)> {
        let files: Vec<_> = files.iter().map(|lines| file(lines)).collect();
        let tags = read_tags(files.iter().map(Vec::as_slice));
        tags.into_iter().map(|(name, node)| (String::from_utf8(name).expect("text"), node.as_bytes()[0])).collect()
    }

    fn tag(name: &str, digit: u8) -> (String, u8) {
        (name.to_owned(), digit)
    }

    #[test]
    fn the_last_line_of_a_file_counts_and_null_removes() {
        assert_eq!(tags(&[&[(1, "a"), (2, "a"), (3, "b c")]]), [tag("a", 2), tag("b c", 3)]);
        assert_eq!(tags(&[&[(1, "a"), (0, "a")]]), []);
    }

    #[test]
    fn between_heads_the_one_counts_that_knew_of_the_other() {
        // Moved on one head only: whichever is newer.
        assert_eq!(tags(&[&[(1, "a")], &[(1, "a"), (2, "a")]]), [tag("a", 2)]);
        assert_eq!(tags(&[&[(1, "a"), (2, "a")], &[(1, "a")]]), [tag("a", 2)]);
        // Made twice: that of the newer head.
        assert_eq!(tags(&[&[(1, "a")], &[(2, "a")]]), [tag("a", 2)]);
        assert_eq!(tags(&[&[(1, "a")], &[(1, "a"), (0, "a")], &[(1, "a")]]), []);
    }

    #[test]
    fn lines_that_say_nothing_are_passed_over() {
        let text = [&b"\nno node\n123 x\n"[..], &file(&[(1, "a\r")])].concat();
        assert_eq!(read_tags(std::iter::once(&text[..])).len(), 1);
    }
}
