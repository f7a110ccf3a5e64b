//! The tokens of an RCS file (rcsfile(5)): words, `;`, `:` and strings between `@`, in which `@@` is one `@`.

use super::RcsError;
use std::borrow::Cow;

/// What stands next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token<'a> {
    /// Anything without white space and special characters.
    Word(&'a [u8]),
    /// Between two `@`, with every `@` in it still doubled.
    Text(&'a [u8]),
    /// `;`
    Semicolon,
    /// `:`
    Colon,
}

/// Reads tokens one by one.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next token; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, RcsError> {
        self.skip_space();
        let Some(byte) = self.bytes.get(self.at) else { return Ok(None) };
        match byte {
            b';' => Ok(Some(self.single(Token::Semicolon))),
            b':' => Ok(Some(self.single(Token::Colon))),
            b'@' => self.text().map(|text| Some(Token::Text(text))),
            _ => Ok(Some(Token::Word(self.word()))),
        }
    }

    /// The next token, which stays next.
    pub(super) fn peek(&self) -> Result<Option<Token<'a>>, RcsError> {
        self.clone().next()
    }

    /// A word, which must be next.
    pub(super) fn expect_word(&mut self, expected: &'static str) -> Result<&'a [u8], RcsError> {
        match self.next()? {
            Some(Token::Word(word)) => Ok(word),
            found => Err(self.unexpected(expected, found.is_some())),
        }
    }

    /// A text, which must be next, as it is stored.
    pub(super) fn expect_text(&mut self, expected: &'static str) -> Result<&'a [u8], RcsError> {
        match self.next()? {
            Some(Token::Text(text)) => Ok(text),
            found => Err(self.unexpected(expected, found.is_some())),
        }
    }

    /// The error for what is here.
    pub(super) fn unexpected(&self, expected: &'static str, is_something: bool) -> RcsError {
        if is_something { RcsError::Unexpected { expected, at: self.at } } else { RcsError::Truncated(expected) }
    }

    fn single(&mut self, token: Token<'a>) -> Token<'a> {
        self.at += 1;
        token
    }

    fn skip_space(&mut self) {
        // As CVS does: the back space is white space, too.
        while self.bytes.get(self.at).is_some_and(|b| b.is_ascii_whitespace() || matches!(b, 8 | 11)) {
            self.at += 1;
        }
    }

    fn word(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b';' | b':' | b'@' | 8 | 11);
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn text(&mut self) -> Result<&'a [u8], RcsError> {
        let begin = self.at + 1;
        let mut at = begin;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let Some(length) = rest.iter().position(|b| *b == b'@') else { return Err(RcsError::Truncated("a text")) };
            at += length;
            if self.bytes.get(at + 1) != Some(&b'@') {
                self.at = at + 1;
                return Ok(&self.bytes[begin..at]);
            }
            at += 2;
        }
    }
}

/// A stored text as it is meant.
pub(super) fn undouble(stored: &[u8]) -> Cow<'_, [u8]> {
    if !stored.contains(&b'@') {
        return Cow::Borrowed(stored);
    }
    let mut text = Vec::with_capacity(stored.len());
    push_undoubled(&mut text, stored);
    Cow::Owned(text)
}

/// Appends a stored text as it is meant.
pub(super) fn push_undoubled(text: &mut Vec<u8>, stored: &[u8]) {
    let mut rest = stored;
    while let Some(at) = rest.iter().position(|b| *b == b'@') {
        text.extend_from_slice(&rest[..=at]);
        // The lexer has seen that they come in pairs.
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_texts_are_told_apart() {
        let mut lexer = Lexer::new(b"head\t1.2;\nexpand @b@@c@; a:1.2 @@");
        let expected = [
            Token::Word(b"head"),
            Token::Word(b"1.2"),
            Token::Semicolon,
            Token::Word(b"expand"),
            Token::Text(b"b@@c"),
            Token::Semicolon,
            Token::Word(b"a"),
            Token::Colon,
            Token::Word(b"1.2"),
            Token::Text(b""),
        ];
        for token in expected {
            assert_eq!(lexer.next(), Ok(Some(token)));
        }
        assert_eq!(lexer.next(), Ok(None));
    }

    #[test]
    fn doubled_ats_are_one() {
        assert_eq!(&*undouble(b"a@@b@@"), b"a@b@");
        assert_eq!(&*undouble(b"ab"), b"ab");
    }

    #[test]
    fn a_text_without_end_is_truncated() {
        for bytes in [&b"@abc"[..], b"@", b"@a@@"] {
            assert_eq!(Lexer::new(bytes).next(), Err(RcsError::Truncated("a text")));
        }
    }
}
