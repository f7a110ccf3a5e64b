//! What a commit says of its revision: who, when, and what about. Pure.

use super::stream::RevisionRecord;
use codeimport_core::{AuthorMap, Identity};

/// Where Bazaar says who wrote a revision, if that is not who committed it; one name, or one a line.
const AUTHOR: &str = "author";
const AUTHORS: &str = "authors";

/// Where Bazaar says which bugs a revision is about: an address and a word (`fixed`, `related`) a line.
const BUGS: &str = "bugs";

/// Minutes of the time zones that Git has room for.
const LARGEST_OFFSET: i64 = 99 * 60 + 59;

/// The head of a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CommitHead {
    pub(super) author: String,
    pub(super) committer: String,
    pub(super) message: Vec<u8>,
}

impl CommitHead {
    /// Of a revision. The first author is the commit's; others are only told by trailers.
    pub(super) fn of(revision: &RevisionRecord, map: &AuthorMap, trailers: bool) -> Self {
        let when = when(revision.seconds, revision.offset);
        let signature = |person: &str| {
            let who = identity(person, map);
            format!("{} <{}> {when}", who.name, who.email)
        };
        let author = authors(revision).into_iter().next().unwrap_or(&revision.committer);
        // A NUL would end the message for many readers.
        let mut message = revision.message.replace('\0', "");
        if trailers {
            message = with_trailers(&message, &self::trailers(revision, map));
        }
        Self { author: signature(author), committer: signature(&revision.committer), message: message.into_bytes() }
    }
}

/// Who wrote a revision, if it was not just who committed it.
pub(super) fn authors(revision: &RevisionRecord) -> Vec<&str> {
    let lines = property(revision, AUTHORS).or_else(|| property(revision, AUTHOR)).unwrap_or_default().lines();
    lines.map(str::trim).filter(|line| !line.is_empty()).collect()
}

fn property<'r>(revision: &'r RevisionRecord, name: &str) -> Option<&'r str> {
    revision.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// What Git has no field for, a line each.
fn trailers(revision: &RevisionRecord, map: &AuthorMap) -> Vec<String> {
    let others = authors(revision).into_iter().skip(1).map(|author| {
        let who = identity(author, map);
        format!("Co-authored-by: {} <{}>", who.name, who.email)
    });
    let bugs = property(revision, BUGS).unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty());
    let bugs = bugs.map(|bug| format!("Bug: {bug}"));
    let id = format!("Bazaar-revision-id: {}", String::from_utf8_lossy(&revision.id));
    others.chain(bugs).chain([id]).collect()
}

fn with_trailers(message: &str, trailers: &[String]) -> String {
    let message = message.trim_end_matches('\n');
    let gap = if message.is_empty() { "" } else { "\n\n" };
    format!("{message}{gap}{}\n", trailers.join("\n"))
}

/// `Name <address>` as Git has it. What is in the map is there as Bazaar writes it, as a whole.
pub(super) fn identity(person: &str, map: &AuthorMap) -> Identity {
    if map.knows(Some(person.as_bytes())) {
        return map.identity(Some(person.as_bytes()), "");
    }
    let (name, email) = match person.split_once('<') {
        Some((name, rest)) => (name, rest.split('>').next().unwrap_or_default()),
        None if person.contains('@') && !person.trim().contains(' ') => (person, person),
        None => (person, ""),
    };
    let email = clean(email).replace(' ', "");
    let name = match clean(name) {
        name if name.is_empty() => email.clone(),
        name => name,
    };
    Identity { name: if name.is_empty() { "(no author)".to_owned() } else { name }, email }
}

/// Without what would end the name or the line in a commit.
fn clean(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect();
    kept.trim().to_owned()
}

/// Time and zone as Git has them: not before 1970, and in minutes.
fn when(seconds: i64, offset: i64) -> String {
    let minutes = (offset / 60).clamp(-LARGEST_OFFSET, LARGEST_OFFSET);
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.abs();
    format!("{} {sign}{:02}{:02}", seconds.max(0), minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(properties: &[(&str, &str)]) -> RevisionRecord {
        RevisionRecord {
            id: b"ada@x-1".to_vec(),
            committer: "Ada <ada@x>".to_owned(),
            seconds: 5,
            offset: -12_600,
            message: "said\n".to_owned(),
            properties: properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..RevisionRecord::default()
        }
    }

    #[test]
    fn people_are_told_apart_from_their_addresses() {
        let cases = [
            ("Ada L <ada@x>", "Ada L <ada@x>"),
            ("ada@x", "ada@x <ada@x>"),
            ("ada", "ada <>"),
            ("<ada@x>", "ada@x <ada@x>"),
            ("Ada <a b@x> et al", "Ada <ab@x>"),
            ("Ada\nL <<ada>>", "AdaL <ada>"),
            ("", "(no author) <>"),
        ];
        for (person, expected) in cases {
            let who = identity(person, &AuthorMap::default());
            assert_eq!(format!("{} <{}>", who.name, who.email), expected, "{person}");
        }
        let map = AuthorMap::parse("Ada L <ada@x> = Ada King <king@x>\n").expect("a map");
        assert_eq!(identity("Ada L <ada@x>", &map).email, "king@x");
    }

    #[test]
    fn the_first_author_is_the_commits_and_trailers_tell_the_rest() {
        let revision =
            revision(&[("authors", "Bob <bob@x>\nCy <cy@x>"), ("bugs", "https://b/1 fixed\nhttps://b/2 related")]);
        let head = CommitHead::of(&revision, &AuthorMap::default(), false);
        assert_eq!((head.author.as_str(), head.committer.as_str()), ("Bob <bob@x> 5 -0330", "Ada <ada@x> 5 -0330"));
        assert_eq!(head.message, b"said\n");
        let head = CommitHead::of(&revision, &AuthorMap::default(), true);
        let expected = "said\n\nCo-authored-by: Cy <cy@x>\nBug: https://b/1 fixed\nBug: https://b/2 related\nBazaar-revision-id: ada@x-1\n";
        assert_eq!(String::from_utf8(head.message).as_deref(), Ok(expected));
    }

    #[test]
    fn times_that_git_has_not_are_the_nearest_that_it_has() {
        assert_eq!(when(-1, 3600), "0 +0100");
        assert_eq!(when(7, -59), "7 +0000");
        assert_eq!(when(7, i64::MAX), "7 +9959");
        assert_eq!(when(7, 20_700), "7 +0545");
    }
}
