//! Bytes of a commit as text.

use encoding_rs::Encoding;

/// Decodes by the commit's `encoding` header if it has one that exists, else as UTF-8; what does not fit is replaced.
/// A NUL, which databases refuse, becomes U+FFFD as well.
pub(super) fn decode(bytes: &[u8], encoding: Option<&[u8]>) -> String {
    let text = match encoding.and_then(Encoding::for_label) {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0,
        None => String::from_utf8_lossy(bytes),
    };
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_as_the_commit_says() {
        assert_eq!(decode(b"gr\xfcn", Some(b"ISO-8859-1")), "grün");
        assert_eq!(decode("grün".as_bytes(), None), "grün");
        assert_eq!(decode(b"gr\xfcn", None), "gr\u{fffd}n");
        assert_eq!(decode(b"gr\xfcn", Some(b"no-such-encoding")), "gr\u{fffd}n");
        assert_eq!(decode(b"a\0b", None), "a\u{fffd}b");
    }
}
