//! Takes credentials out of text before anyone sees it.

use std::borrow::Cow;

/// Replaces the user information of every URL in a text (`https://me:secret@host` -> `https://***@host`).
///
/// For log lines and messages that come from programs we do not control. Works without parsing the URL:
/// text around it may be anything.
#[must_use]
pub fn scrub(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        // The authority ends at the first of these; user information ends at the last `@` before that.
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'<>`".contains(c)).unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(user_end) => {
                clean.push_str("***");
                rest = &after[user_end..];
            }
            None => rest = after,
        }
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_disappears_and_nothing_else_does() {
        let cases = [
            ("plain text", "plain text"),
            ("see https://host/a@b", "see https://host/a@b"),
            ("https://me:s3cret@host/x and git://tok@h", "https://***@host/x and git://***@h"),
            ("'https://a:p@ss@host/x'", "'https://***@host/x'"),
            ("end ://", "end ://"),
        ];
        for (dirty, clean) in cases {
            assert_eq!(scrub(dirty), clean);
        }
    }
}
