//! Items of the svn protocol (Subversion's `subversion/libsvn_ra_svn/protocol`): numbers, words, strings, lists.
//!
//! The bytes come from a server: depth and length are bounded, memory is taken as bytes arrive and never by a number's
//! word alone, and what breaks the form is an error, never a guess.

use std::io::{self, BufRead, Read as _};

/// Deepest nesting of lists. Answers to what is asked here have five levels.
const MAX_DEPTH: u32 = 16;

/// Longest number or word.
const MAX_TOKEN: usize = 128;

/// What an item costs besides its bytes, so that a list of nothing cannot fill memory either.
const OVERHEAD: usize = 32;

/// One item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Item {
    Number(u64),
    Word(String),
    String(Vec<u8>),
    List(Vec<Item>),
}

impl Item {
    /// Reads one item, and not a byte more: behind it, nobody may be going to send anything.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] for what is no item or needs more than `budget` bytes of memory,
    /// [`io::ErrorKind::UnexpectedEof`] where the bytes end before it does.
    pub(crate) fn read(input: &mut impl BufRead, budget: usize) -> io::Result<Self> {
        Input { input, budget }.item(0)
    }

    /// The items of a list; none for anything else.
    pub(crate) fn list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// The number; none for anything else.
    pub(crate) fn number(&self) -> Option<u64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// Whether it is this word.
    pub(crate) fn is_word(&self, expected: &str) -> bool {
        matches!(self, Self::Word(word) if word == expected)
    }

    /// The string's bytes; none for anything else.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        if let Self::String(bytes) = self { Some(bytes) } else { None }
    }

    /// The string as text; none for anything else.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}

/// A string as it is sent.
pub(crate) fn string(text: &str) -> String {
    format!("{}:{text}", text.len())
}

/// Bytes not read yet, and how much may be kept of them.
struct Input<'a, R> {
    input: &'a mut R,
    budget: usize,
}

impl<R: BufRead> Input<'_, R> {
    fn item(&mut self, depth: u32) -> io::Result<Item> {
        self.spend(OVERHEAD)?;
        match self.next_visible()? {
            b'(' if depth < MAX_DEPTH => self.items(depth),
            b'0'..=b'9' => self.number_or_string(),
            b'a'..=b'z' | b'A'..=b'Z' => {
                let word = self.token(|byte| byte.is_ascii_alphanumeric() || byte == b'-')?;
                self.end(Item::Word(word))
            }
            _ => Err(malformed()),
        }
    }

    fn items(&mut self, depth: u32) -> io::Result<Item> {
        self.input.consume(1);
        let mut items = Vec::new();
        while self.next_visible()? != b')' {
            items.push(self.item(depth + 1)?);
        }
        self.input.consume(1);
        self.end(Item::List(items))
    }

    fn number_or_string(&mut self) -> io::Result<Item> {
        let number: u64 = self.token(|byte| byte.is_ascii_digit())?.parse().map_err(|_| malformed())?;
        if self.next()? != b':' {
            return self.end(Item::Number(number));
        }
        self.input.consume(1);
        let len = usize::try_from(number).map_err(|_| malformed())?;
        self.spend(len)?;
        let mut bytes = Vec::new();
        if self.input.take(number).read_to_end(&mut bytes)? < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end(Item::String(bytes))
    }

    /// Bytes of a kind, all of them ASCII.
    fn token(&mut self, is_part: impl Fn(u8) -> bool) -> io::Result<String> {
        let mut token = String::new();
        loop {
            let byte = self.next()?;
            if !is_part(byte) {
                return Ok(token);
            }
            if token.len() == MAX_TOKEN {
                return Err(malformed());
            }
            token.push(char::from(byte));
            self.input.consume(1);
        }
    }

    /// Every item ends in one byte of white space.
    fn end(&mut self, item: Item) -> io::Result<Item> {
        match self.next()? {
            b' ' | b'\n' => {
                self.input.consume(1);
                Ok(item)
            }
            _ => Err(malformed()),
        }
    }

    /// The next byte that is no white space.
    fn next_visible(&mut self) -> io::Result<u8> {
        loop {
            match self.next()? {
                b' ' | b'\n' => self.input.consume(1),
                byte => return Ok(byte),
            }
        }
    }

    fn next(&mut self) -> io::Result<u8> {
        self.input.fill_buf()?.first().copied().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn spend(&mut self, bytes: usize) -> io::Result<()> {
        self.budget = self.budget.checked_sub(bytes).ok_or_else(malformed)?;
        Ok(())
    }
}

fn malformed() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BUDGET: usize = 64 << 10;

    fn read(bytes: &[u8]) -> Result<(Item, &[u8]), io::ErrorKind> {
        let mut rest = bytes;
        Item::read(&mut rest, BUDGET).map(|item| (item, rest)).map_err(|error| error.kind())
    }

    #[test]
    fn items_of_all_kinds_are_read() {
        let (item, rest) = read(b"( success ( 42 3:a ) x-1 ( ) ) ) ) rest").expect("well-formed up to its end");
        let expected = Item::List(vec![
            Item::Word("success".to_owned()),
            Item::List(vec![
                Item::Number(42),
                Item::String(b"a )".to_vec()),
                Item::Word("x-1".to_owned()),
                Item::List(vec![]),
            ]),
        ]);
        assert_eq!((item, rest), (expected, &b") rest"[..]));
    }

    #[test]
    fn what_may_go_on_is_told_from_what_may_not() {
        for begun in [&b""[..], b" ", b"(", b"( a", b"( a ", b"( 12", b"( 3:ab", b"( 3:abc", b"( )"] {
            assert_eq!(read(begun), Err(io::ErrorKind::UnexpectedEof), "{begun:?}");
        }
        for wrong in
            [&b")"[..], b"\0", b"-1 ", b"( a(", b"1:ab ", b"( )x", b"99999999999999999999999 ", b"9999999999:", b"\xff"]
        {
            assert_eq!(read(wrong), Err(io::ErrorKind::InvalidData), "{wrong:?}");
        }
    }

    #[test]
    fn neither_depth_nor_length_nor_number_is_without_end() {
        let flat = format!("( {}", "1 ".repeat(BUDGET));
        for long in ["( ".repeat(100_000), "1".repeat(1_000), "a".repeat(1_000), flat] {
            assert_eq!(read(long.as_bytes()), Err(io::ErrorKind::InvalidData));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(prop::sample::select(&b"() 019:a-\n\xff"[..]), 0..64)) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_string_comes_back_as_it_was_sent(text in ".{0,40}") {
            let sent = string(&text) + " ";
            prop_assert_eq!(read(sent.as_bytes()), Ok((Item::String(text.into_bytes()), &b""[..])));
        }
    }
}
