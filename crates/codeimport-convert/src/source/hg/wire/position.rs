//! Where a repository stands, as it says itself. Pure.

use super::command::Command;
use crate::Watermark;
use crate::digest::hex;
use crate::source::hg::node::Node;
use ring::digest::{SHA256, digest};
use std::collections::BTreeMap;

/// Heads, branches and bookmarks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::source::hg) struct Position {
    /// All heads, oldest first; none in an empty repository.
    pub(in crate::source::hg) heads: Vec<Node>,
    /// Each branch with its heads, oldest first. Some of them may lead on to other branches.
    pub(in crate::source::hg) branches: Vec<(Vec<u8>, Vec<Node>)>,
    pub(in crate::source::hg) bookmarks: BTreeMap<Vec<u8>, Node>,
}

/// What has to be asked.
pub(super) fn questions() -> [Command; 3] {
    [Command::new("heads"), Command::new("branchmap"), Command::new("listkeys").arg("namespace", "bookmarks")]
}

impl Position {
    /// From the answers; none if they make no sense.
    pub(super) fn parse(answers: &[Vec<u8>]) -> Option<Self> {
        let [heads, branches, bookmarks] = answers else { return None };
        let mut heads = nodes(heads.trim_ascii())?;
        // The server names the newest first.
        heads.reverse();
        heads.retain(|node| !node.is_null());
        let branches = lines(branches).map(branch).collect::<Option<_>>()?;
        let bookmarks = lines(bookmarks).map(bookmark).collect::<Option<_>>()?;
        Some(Self { heads, branches, bookmarks })
    }

    /// The same for the same position.
    pub(in crate::source::hg) fn watermark(&self) -> Watermark {
        let mut text = String::new();
        let mut line = |kind: &str, name: &[u8], node: &Node| text.push_str(&format!("{kind} {node} {}\n", hex(name)));
        self.heads.iter().for_each(|node| line("head", b"", node));
        let mut branches: Vec<_> = self.branches.iter().collect();
        branches.sort();
        branches.iter().for_each(|(name, nodes)| nodes.iter().for_each(|node| line("branch", name, node)));
        self.bookmarks.iter().for_each(|(name, node)| line("bookmark", name, node));
        Watermark(hex(digest(&SHA256, text.as_bytes()).as_ref()))
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n').filter(|line| !line.is_empty())
}

fn nodes(text: &[u8]) -> Option<Vec<Node>> {
    text.split(|b| *b == b' ').map(Node::from_hex).collect()
}

/// `name node node …`, the name as in a web address.
fn branch(line: &[u8]) -> Option<(Vec<u8>, Vec<Node>)> {
    let at = line.iter().position(|b| *b == b' ')?;
    Some((decode(&line[..at]), nodes(&line[at + 1..])?))
}

/// `name TAB node`.
fn bookmark(line: &[u8]) -> Option<(Vec<u8>, Node)> {
    let at = line.iter().rposition(|b| *b == b'\t')?;
    Some((line[..at].to_vec(), Node::from_hex(&line[at + 1..])?))
}

/// Percent-encoding; a name is bytes, which may be no text.
fn decode(text: &[u8]) -> Vec<u8> {
    let (mut plain, mut rest) = (Vec::new(), text);
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                plain.push(byte);
                rest = &after[2..];
            }
            None => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(digit: char) -> String {
        digit.to_string().repeat(40)
    }

    #[test]
    fn a_position_is_read_and_told_by_its_digest() {
        let (a, b) = (node('a'), node('b'));
        let answers =
            [format!("{b} {a}\n"), format!("gr%C3%BCn%20x {a} {b}\ndefault {b}"), format!("book mark\t{a}\n")];
        let answers = answers.map(String::into_bytes);
        let position = Position::parse(&answers).expect("answers");
        assert_eq!(position.heads.iter().map(Node::to_string).collect::<Vec<_>>(), [a, b]);
        assert_eq!(position.branches[0].0, "grün x".as_bytes());
        assert_eq!(position.bookmarks.keys().next().map(Vec::as_slice), Some(&b"book mark"[..]));
        let moved = Position { heads: position.heads[..1].to_vec(), ..position.clone() };
        assert_ne!(position.watermark(), moved.watermark());
    }

    #[test]
    fn an_empty_repository_has_no_heads_and_nonsense_is_none() {
        let empty = [format!("{}\n", node('0')).into_bytes(), Vec::new(), Vec::new()];
        assert_eq!(Position::parse(&empty).map(|position| position.heads.len()), Some(0));
        assert_eq!(Position::parse(&[b"<html>".to_vec(), Vec::new(), Vec::new()]), None);
        assert_eq!(Position::parse(&empty[..2]), None);
    }
}
