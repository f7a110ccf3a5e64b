//! The text of a file's revision: content, and before it what Mercurial has to say of copies.

/// Stands before and behind what is not content.
const MARK: &[u8] = b"\x01\n";

/// Head and content of a text. The head is what stands before the content, marks and all; empty as a rule.
#[must_use]
pub(in crate::source::hg) fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let Some(rest) = text.strip_prefix(MARK) else { return (&[], text) };
    match rest.windows(MARK.len()).position(|window| window == MARK) {
        Some(at) => text.split_at(at + 2 * MARK.len()),
        None => (&[], text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_marks_is_no_content() {
        let cases: [(&[u8], &[u8], &[u8]); 5] = [
            (b"text", b"", b"text"),
            (b"\x01\ncopy: a\ncopyrev: 0\n\x01\ntext", b"\x01\ncopy: a\ncopyrev: 0\n\x01\n", b"text"),
            (b"\x01\n\x01\n\x01\ntext", b"\x01\n\x01\n", b"\x01\ntext"),
            (b"\x01\nno end", b"", b"\x01\nno end"),
            (b"", b"", b""),
        ];
        for (text, head, content) in cases {
            assert_eq!(split(text), (head, content));
        }
    }
}
