//! Names of directories as parts of ref names. Pure.

/// One part of a ref name, by the rules of `git check-ref-format`: characters that Git does not allow become `%xx`, as
/// git-svn does it, and so does `%`, so that two names never become one.
pub(in crate::source) fn escape(name: &[u8]) -> String {
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
