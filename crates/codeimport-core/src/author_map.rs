//! Who wrote a revision: bare account names, as Subversion and CVS have them, as Git identities. Pure.

use std::collections::BTreeMap;

/// Account name -> identity, from a file in git-svn's format (`account = Name <address>`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuthorMap(BTreeMap<String, Identity>);

/// A name and an address as Git writes them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Never contains `<`, `>` or a line end.
    pub name: String,
    /// Never contains `<`, `>`, a space or a line end.
    pub email: String,
}

/// Which line (from 1) of a text makes it no author map.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("has no identity in line {0}: write it as `account = Name <address>`")]
pub struct InvalidAuthorLine(pub usize);

/// What git-svn calls a revision without author.
const NOBODY: &str = "(no author)";

impl AuthorMap {
    /// Reads a map. Empty lines and lines that begin with `#` are passed over.
    ///
    /// # Errors
    ///
    /// The first line that is none of these.
    pub fn parse(text: &str) -> Result<Self, InvalidAuthorLine> {
        let mut map = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (account, identity) = parse_line(line).ok_or(InvalidAuthorLine(number + 1))?;
            map.insert(account.to_owned(), identity);
        }
        Ok(Self(map))
    }

    /// The identity of an account. One that is not in the map keeps its name, with an address made of account and
    /// repository, as git-svn does: an unknown author never stops an import.
    #[must_use]
    pub fn identity(&self, account: Option<&[u8]>, uuid: &str) -> Identity {
        let account = account.map_or_else(|| NOBODY.into(), String::from_utf8_lossy);
        if let Some(known) = self.0.get(account.as_ref()) {
            return known.clone();
        }
        let account = match clean(&account) {
            cleaned if cleaned.is_empty() => NOBODY.to_owned(),
            cleaned => cleaned,
        };
        Identity { email: format!("{}@{uuid}", account.replace(' ', "_")), name: account }
    }

    /// Whether an account is in the map.
    #[must_use]
    pub fn knows(&self, account: Option<&[u8]>) -> bool {
        let account = account.map_or_else(|| NOBODY.into(), String::from_utf8_lossy);
        self.0.contains_key(account.as_ref())
    }

    /// How many accounts it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The map as text: the same for all texts that mean the same.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.0.iter().map(|(account, who)| format!("{account} = {} <{}>\n", who.name, who.email)).collect()
    }
}

fn parse_line(line: &str) -> Option<(&str, Identity)> {
    let (account, identity) = line.split_once('=')?;
    let (name, email) = identity.trim().strip_suffix('>')?.split_once('<')?;
    let identity = Identity { name: clean(name), email: clean(email).replace(' ', "") };
    (!account.trim().is_empty() && !identity.name.is_empty()).then_some((account.trim(), identity))
}

/// Without what would end the name or the line in a commit.
fn clean(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_in_the_format_of_git_svn_is_read() {
        let map = AuthorMap::parse("# ours\n\nada = Ada Lovelace <ada@example.org>\n(no author) = Nobody <nobody@x>\n");
        let map = map.expect("well-formed");
        assert_eq!(map.identity(Some(b"ada"), "u").email, "ada@example.org");
        assert_eq!(map.identity(None, "u").name, "Nobody");
        assert_eq!(AuthorMap::parse("ada = Ada <a@b>\nno identity\n"), Err(InvalidAuthorLine(2)));
    }

    #[test]
    fn unknown_authors_keep_their_name_whatever_it_is() {
        let of = |account: Option<&[u8]>| AuthorMap::default().identity(account, "uuid");
        assert_eq!((of(Some(b"bob")).name, of(Some(b"bob")).email), ("bob".to_owned(), "bob@uuid".to_owned()));
        assert_eq!(of(None).name, "(no author)");
        assert_eq!(of(Some(b"<x> y\n")).name, "x y");
        assert_eq!(of(Some(b"<>")).name, "(no author)");
        assert!(of(Some(b"\xff")).name.contains('\u{fffd}'));
    }
}
