//! The one form of properties that every wire tells.

/// A property's value as `svnrdump` tells it: those of Subversion's own properties end at a zero byte, and their lines at
/// a line feed. Old repositories have others, which no client lets in any more.
pub(super) fn normal(name: &[u8], value: &[u8]) -> Vec<u8> {
    if !name.starts_with(b"svn:") {
        return value.to_vec();
    }
    let value = value.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut lines = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\r' {
            bytes.next_if_eq(&b'\n');
        }
        lines.push(if byte == b'\r' { b'\n' } else { byte });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_of_subversion_itself_are_told_as_svnrdump_tells_them() {
        assert_eq!(normal(b"svn:log", b"a\r\nb\rc\n\r\0d"), b"a\nb\nc\n\n");
        assert_eq!(normal(b"other", b"a\r\n\0"), b"a\r\n\0");
    }
}
