//! Items of the svn protocol (Subversion's `subversion/libsvn_ra_svn/protocol`): numbers, words, strings, lists. Pure.
//!
//! The bytes come from a server: depth and length are bounded, and what breaks the form is an error, never a guess.

/// Deepest nesting of lists. Answers to what is asked here have four levels.
const MAX_DEPTH: u32 = 16;

/// Longest string, and longest number or word. A poll is answered in a few hundred bytes.
const MAX_STRING: usize = 64 << 10;
const MAX_TOKEN: usize = 128;

/// One item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Item {
    Number(u64),
    Word(String),
    String(Vec<u8>),
    List(Vec<Item>),
}

/// Why no item can be made of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ItemError {
    /// They may be the beginning of one: more are needed.
    Incomplete,
    /// They never will be one.
    Malformed,
}

impl Item {
    /// The first item of some bytes, and how many of them it takes, the white space behind it included.
    ///
    /// # Errors
    ///
    /// See [`ItemError`].
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, usize), ItemError> {
        let mut input = Input { rest: bytes };
        let item = input.item(0)?;
        Ok((item, bytes.len() - input.rest.len()))
    }

    /// The items of a list; none for anything else.
    pub(super) fn list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// The number; none for anything else.
    pub(super) fn number(&self) -> Option<u64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// Whether it is this word.
    pub(super) fn is_word(&self, expected: &str) -> bool {
        matches!(self, Self::Word(word) if word == expected)
    }

    /// The string as text; none for anything else.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::String(bytes) = self { std::str::from_utf8(bytes).ok() } else { None }
    }
}

/// A string as it is sent.
pub(super) fn string(text: &str) -> String {
    format!("{}:{text}", text.len())
}

/// Bytes not read yet.
struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn item(&mut self, depth: u32) -> Result<Item, ItemError> {
        self.skip_space();
        match self.rest.first() {
            None => Err(ItemError::Incomplete),
            Some(b'(') if depth < MAX_DEPTH => self.items(depth),
            Some(b'0'..=b'9') => self.number_or_string(),
            Some(b'a'..=b'z' | b'A'..=b'Z') => {
                let word = self.token(|byte| byte.is_ascii_alphanumeric() || byte == b'-')?;
                let word = Item::Word(String::from_utf8_lossy(word).into_owned());
                self.end(word)
            }
            Some(_) => Err(ItemError::Malformed),
        }
    }

    fn items(&mut self, depth: u32) -> Result<Item, ItemError> {
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        loop {
            self.skip_space();
            match self.rest.first() {
                None => return Err(ItemError::Incomplete),
                Some(b')') => {
                    self.rest = &self.rest[1..];
                    return self.end(Item::List(items));
                }
                Some(_) => items.push(self.item(depth + 1)?),
            }
        }
    }

    fn number_or_string(&mut self) -> Result<Item, ItemError> {
        let digits = self.token(|byte| byte.is_ascii_digit())?;
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u64>().ok());
        let number = number.ok_or(ItemError::Malformed)?;
        if self.rest.first() != Some(&b':') {
            return self.end(Item::Number(number));
        }
        let len = usize::try_from(number).ok().filter(|len| *len <= MAX_STRING).ok_or(ItemError::Malformed)?;
        let (bytes, rest) = self.rest[1..].split_at_checked(len).ok_or(ItemError::Incomplete)?;
        self.rest = rest;
        self.end(Item::String(bytes.to_vec()))
    }

    /// Bytes of a kind; what follows must be there, since it may be one more of them.
    fn token(&mut self, is_part: impl Fn(u8) -> bool) -> Result<&'a [u8], ItemError> {
        let len = self.rest.iter().position(|byte| !is_part(*byte));
        if len.unwrap_or(self.rest.len()) > MAX_TOKEN {
            return Err(ItemError::Malformed);
        }
        let (token, rest) = self.rest.split_at(len.ok_or(ItemError::Incomplete)?);
        self.rest = rest;
        Ok(token)
    }

    /// Every item ends in white space.
    fn end(&mut self, item: Item) -> Result<Item, ItemError> {
        match self.rest.first() {
            Some(b' ' | b'\n') => {
                self.skip_space();
                Ok(item)
            }
            Some(_) => Err(ItemError::Malformed),
            None => Err(ItemError::Incomplete),
        }
    }

    fn skip_space(&mut self) {
        let space = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n')).count();
        self.rest = &self.rest[space..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn items_of_all_kinds_are_read() {
        let bytes = b"( success ( 42 3:a ) x-1 ( ) ) ) ) rest";
        let bytes = &bytes[..];
        let (item, len) = Item::parse(bytes).expect("well-formed up to its end");
        let expected = Item::List(vec![
            Item::Word("success".to_owned()),
            Item::List(vec![
                Item::Number(42),
                Item::String(b"a )".to_vec()),
                Item::Word("x-1".to_owned()),
                Item::List(vec![]),
            ]),
        ]);
        assert_eq!((item, &bytes[len..]), (expected, &b") rest"[..]));
    }

    #[test]
    fn what_may_go_on_is_told_from_what_may_not() {
        for begun in [&b""[..], b" ", b"(", b"( a", b"( a ", b"( 12", b"( 3:ab", b"( 3:abc", b"( )"] {
            assert_eq!(Item::parse(begun), Err(ItemError::Incomplete), "{begun:?}");
        }
        for wrong in
            [&b")"[..], b"\0", b"-1 ", b"( a(", b"1:ab ", b"( )x", b"99999999999999999999999 ", b"9999999999:", b"\xff"]
        {
            assert_eq!(Item::parse(wrong), Err(ItemError::Malformed), "{wrong:?}");
        }
    }

    #[test]
    fn neither_depth_nor_length_is_without_end() {
        assert_eq!(Item::parse("( ".repeat(100_000).as_bytes()), Err(ItemError::Malformed));
        assert_eq!(Item::parse("1".repeat(1_000).as_bytes()), Err(ItemError::Malformed));
        assert_eq!(Item::parse("a".repeat(1_000).as_bytes()), Err(ItemError::Malformed));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(prop::sample::select(&b"() 019:a-\n\xff"[..]), 0..64)) {
            if let Ok((_, len)) = Item::parse(&bytes) {
                prop_assert!(len <= bytes.len());
            }
        }

        #[test]
        fn a_string_comes_back_as_it_was_sent(text in ".{0,40}") {
            let sent = string(&text) + " ";
            prop_assert_eq!(Item::parse(sent.as_bytes()), Ok((Item::String(text.into_bytes()), sent.len())));
        }
    }
}
