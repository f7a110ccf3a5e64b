//! Users and dates of changesets as Git writes them. Pure.
//!
//! Mercurial takes any text for a user, and any second and offset for a date; Git does not.

use crate::source::hg::records::Changeset;
use crate::source::text::decode;
use codeimport_core::AuthorMap;

/// What stands for a user whose text has nothing to show.
const NOBODY: &str = "unknown";

/// The largest offset that Git's four digits can say: 99 hours and 59 minutes, in minutes.
const MAX_MINUTES: i64 = 99 * 60 + 59;

/// `Name <address> seconds +hhmm`.
pub(super) fn signature(changeset: &Changeset, authors: &AuthorMap) -> String {
    let (name, email) = identity(&changeset.user, authors);
    let (seconds, zone) = date(changeset);
    format!("{name} <{email}> {seconds} {zone}")
}

/// Whether the date is not what Git will show.
pub(super) fn is_odd_date(changeset: &Changeset) -> bool {
    changeset.seconds < 0
        || changeset.offset % 60 != 0
        || minutes(changeset) != (changeset.offset / 60).saturating_neg()
}

/// Name and address of a user: as the author map has them, else as far as the text tells.
fn identity(user: &[u8], authors: &AuthorMap) -> (String, String) {
    if authors.knows(Some(user)) {
        let known = authors.identity(Some(user), "");
        return (known.name, known.email);
    }
    let user = decode(user);
    let (name, email) = match user.split_once('<') {
        Some((name, rest)) => (clean(name), clean(rest.split('>').next().unwrap_or_default())),
        None if is_address(&user) => (clean(user.split('@').next().unwrap_or_default()), clean(&user)),
        None => (clean(&user), String::new()),
    };
    let name = match (name.is_empty(), email.split('@').next()) {
        (false, _) => name,
        (true, Some(local)) if !local.is_empty() => local.to_owned(),
        (true, _) => NOBODY.to_owned(),
    };
    (name, email.replace(' ', ""))
}

fn is_address(user: &str) -> bool {
    let user = user.trim();
    user.contains('@') && !user.contains(char::is_whitespace)
}

/// Without what has a meaning in a commit.
fn clean(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect();
    // Git itself strips these from the ends of names.
    kept.trim_matches(|c: char| c.is_whitespace() || ".,:;\"\\'".contains(c)).to_owned()
}

fn date(changeset: &Changeset) -> (i64, String) {
    let minutes = minutes(changeset);
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.abs();
    (changeset.seconds.max(0), format!("{sign}{:02}{:02}", minutes / 60, minutes % 60))
}

/// Minutes east of UTC; none where Git would stop at them: in zones that are days away, and where 1970 had not begun.
fn minutes(changeset: &Changeset) -> i64 {
    let minutes = (changeset.offset / 60).saturating_neg();
    let is_shown =
        (-MAX_MINUTES..=MAX_MINUTES).contains(&minutes) && changeset.seconds.max(0).saturating_add(minutes * 60) >= 0;
    if is_shown { minutes } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_keep_what_can_be_told_of_them() {
        let map = AuthorMap::parse("bob = Robert <bob@host>").expect("a map");
        let cases = [
            ("Ada Lovelace <ada@host>", "Ada Lovelace", "ada@host"),
            ("ada@host", "ada", "ada@host"),
            ("ada", "ada", ""),
            ("<ada@host>", "ada", "ada@host"),
            ("Ada <ada at host>", "Ada", "adaathost"),
            ("Ada <ada@host", "Ada", "ada@host"),
            ("bob", "Robert", "bob@host"),
            ("", "unknown", ""),
            ("a\n<b>\n", "a", "b"),
        ];
        for (user, name, email) in cases {
            assert_eq!(identity(user.as_bytes(), &map), (name.to_owned(), email.to_owned()), "{user:?}");
        }
    }

    #[test]
    fn offsets_are_turned_round_and_what_git_cannot_say_is_odd() {
        let cases = [
            ((10, 0), (10, "+0000"), false),
            ((10, -7_200), (10, "+0200"), false),
            ((20_000, 12_600), (20_000, "-0330"), false),
            ((10, 12_600), (10, "+0000"), true),
            ((-1, 0), (0, "+0000"), true),
            ((100, 90), (100, "-0001"), true),
            ((10, 1_000_000), (10, "+0000"), true),
        ];
        for ((seconds, offset), (git, zone), is_odd) in cases {
            let changeset = Changeset { seconds, offset, ..Changeset::parse(b"").expect("empty") };
            assert_eq!(date(&changeset), (git, zone.to_owned()), "{seconds} {offset}");
            assert_eq!(is_odd_date(&changeset), is_odd, "{seconds} {offset}");
        }
    }
}
