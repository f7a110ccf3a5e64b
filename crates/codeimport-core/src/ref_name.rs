//! How a ref name is shown where only text can be.

/// A ref name as text. Bytes that are not UTF-8, and `%` itself where such bytes occur, become `%xx`, so that
/// two different names never look alike.
#[must_use]
pub fn display_ref_name(name: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(name) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(name.len() + 8);
    for chunk in name.utf8_chunks() {
        shown.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            shown.push_str(&format!("%{byte:02x}"));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_bytes_are_shown_and_kept_apart() {
        assert_eq!(display_ref_name("refs/heads/grün 100%".as_bytes()), "refs/heads/grün 100%");
        assert_eq!(display_ref_name(b"refs/heads/gr\xfcn%"), "refs/heads/gr%fcn%25");
        assert_ne!(display_ref_name(b"a%fc\xfc"), display_ref_name(b"a\xfc\xfc"));
    }
}
