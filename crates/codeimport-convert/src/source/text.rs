//! Texts of people, of which the source does not know the charset, as Git has them. Pure.

use codeimport_core::Charset;

/// Bytes as text, without the NULs that would end a commit for many readers: UTF-8 if they are, else Windows-1252.
pub(in crate::source) fn decode(bytes: &[u8]) -> String {
    decode_from(Charset::default(), bytes)
}

/// The same, where somebody knows the charset of what is no UTF-8.
pub(in crate::source) fn decode_from(charset: Charset, bytes: &[u8]) -> String {
    charset.decode(bytes).replace('\0', "")
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
