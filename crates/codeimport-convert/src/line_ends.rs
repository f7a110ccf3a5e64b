//! Line ends of all kinds. Pure.

/// A text in which every line ends with LF, whether it was CR LF, CR or LF.
pub(crate) fn with_lf(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len());
    let mut rest = text.iter().peekable();
    while let Some(byte) = rest.next() {
        if *byte == b'\r' {
            rest.next_if_eq(&&b'\n');
            lines.push(b'\n');
        } else {
            lines.push(*byte);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_of_all_kinds_are_alike() {
        assert_eq!(with_lf(b"a\r\nb\rc\nd\r"), b"a\nb\nc\nd\n");
        assert_ne!(with_lf(b"a\r\n"), with_lf(b"a\n\n"));
    }
}
