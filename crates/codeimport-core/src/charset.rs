//! Charsets of texts that do not say which one they are in. Pure.

use encoding_rs::{Encoding, WINDOWS_1252};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A charset for what is no UTF-8. Windows-1252 if nobody says otherwise: it has all of Latin-1, and no bytes are wrong in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Charset(&'static Encoding);

/// A name of no charset. The text continues a sentence that begins with the field.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is {0:?}, which is no charset of the WHATWG's list, such as iso-8859-2, koi8-r or euc-jp")]
pub struct UnknownCharset(String);

impl Charset {
    /// By a name of the WHATWG's list; the empty one is the default.
    ///
    /// # Errors
    ///
    /// [`UnknownCharset`], also for UTF-16, in which no line of an old system is.
    pub fn parse(name: &str) -> Result<Self, UnknownCharset> {
        if name.is_empty() {
            return Ok(Self::default());
        }
        let found = Encoding::for_label_no_replacement(name.as_bytes()).filter(|charset| charset.is_ascii_compatible());
        found.map(Self).ok_or_else(|| UnknownCharset(name.to_owned()))
    }

    /// The charset's own name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Bytes as text: as UTF-8 if they are, else in this charset; what is wrong in that becomes U+FFFD.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => self.0.decode_without_bom_handling(bytes).0,
        }
    }
}

impl From<Charset> for String {
    fn from(charset: Charset) -> Self {
        charset.name().to_owned()
    }
}

impl TryFrom<String> for Charset {
    type Error = UnknownCharset;

    fn try_from(name: String) -> Result<Self, UnknownCharset> {
        Self::parse(&name)
    }
}

impl Default for Charset {
    fn default() -> Self {
        Self(WINDOWS_1252)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_utf_8_is_in_the_charset_that_was_named() {
        let named = |name| Charset::parse(name).expect(name);
        assert_eq!(named("koi8-r").decode("grün".as_bytes()), "grün");
        assert_eq!(named("").decode(b"gr\xfcn \x80"), "grün €");
        assert_eq!(named("KOI8-R").decode(b"\xcd\xc9\xd2"), "мир");
        assert_eq!(named("latin2").name(), "ISO-8859-2");
    }

    #[test]
    fn names_of_no_charset_are_refused() {
        for name in ["utf-16le", "replacement", "odd", "\n"] {
            assert_eq!(Charset::parse(name), Err(UnknownCharset(name.to_owned())), "{name}");
        }
    }
}
