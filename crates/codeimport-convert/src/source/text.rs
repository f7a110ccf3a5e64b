//! Text of unknown charset: UTF-8 if it is UTF-8, else Windows-1252, which no bytes are wrong in and which has all of
//! Latin-1. Pure.

use std::borrow::Cow;

/// Bytes as text, without the NULs that would end a commit for many readers.
pub(in crate::source) fn decode(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    };
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_utf_8_is_windows_1252() {
        assert_eq!(decode("grün".as_bytes()), "grün");
        assert_eq!(decode(b"gr\xfcn \x80\0"), "grün €");
    }
}
