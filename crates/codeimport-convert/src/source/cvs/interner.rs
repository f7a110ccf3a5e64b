//! What is said of many files, kept once: accounts, messages, and the names and numbers of symbols. Pure.

use super::rcs::Number;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;

/// What CVS shows, and later servers store, where no message was given.
const EMPTY_LOG: &[u8] = b"*** empty log message ***\n";

/// A symbol of a file, by the places of its name and number in [`Names`]: large repositories have more of them than of
/// anything else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Symbol {
    pub(super) name: u32,
    pub(super) number: u32,
}

/// Names and numbers of symbols, each once.
#[derive(Default)]
pub(super) struct Names {
    texts: Vec<Arc<[u8]>>,
    numbers: Vec<Number>,
}

impl Names {
    /// The name of a symbol. Symbols come from the interner of these names only.
    pub(super) fn text(&self, symbol: Symbol) -> &Arc<[u8]> {
        &self.texts[symbol.name as usize]
    }

    /// What a symbol stands for.
    pub(super) fn number(&self, symbol: Symbol) -> &Number {
        self.number_at(symbol.number)
    }

    /// The number at the place that a symbol has it.
    pub(super) fn number_at(&self, place: u32) -> &Number {
        &self.numbers[place as usize]
    }

    /// All names, in order of their places.
    pub(super) fn texts(&self) -> &[Arc<[u8]>] {
        &self.texts
    }
}

/// The place of an account or message in [`Words`].
pub(super) type WordsId = u32;

/// Accounts and messages, one behind the other.
#[derive(Default)]
pub(super) struct Words {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Words {
    /// One of them. Ids come from the interner of these words only.
    pub(super) fn get(&self, id: WordsId) -> &[u8] {
        let at = id as usize;
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[begin..self.ends[at]]
    }

    fn push(&mut self, text: &[u8]) -> WordsId {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
        place(self.ends.len() - 1)
    }
}

/// Words that are looked for by what they are.
#[derive(Default)]
struct Index {
    words: Words,
    /// Hash -> place. Those whose hash is taken have the next one that is free.
    places: HashMap<u64, WordsId>,
    hasher: RandomState,
}

impl Index {
    fn keep(&mut self, text: &[u8]) -> WordsId {
        let mut hash = self.hasher.hash_one(text);
        while let Some(id) = self.places.get(&hash) {
            if self.words.get(*id) == text {
                return *id;
            }
            hash = hash.wrapping_add(1);
        }
        let id = self.words.push(text);
        self.places.insert(hash, id);
        id
    }
}

/// Keeps equal things once: few authors, and one message for many files.
#[derive(Default)]
pub(super) struct Interner {
    words: Index,
    commitids: Index,
    names: Names,
    name_places: HashMap<Arc<[u8]>, u32>,
    number_places: HashMap<Number, u32>,
}

impl Interner {
    pub(super) fn keep(&mut self, text: &[u8]) -> WordsId {
        self.words.keep(text)
    }

    /// What stands for a commit id: nobody needs its text.
    pub(super) fn commitid(&mut self, text: &[u8]) -> NonZeroU32 {
        NonZeroU32::MIN.saturating_add(self.commitids.keep(text))
    }

    /// A log message as CVS shows it.
    pub(super) fn keep_log(&mut self, log: &[u8]) -> WordsId {
        let log = log.split(|b| *b == 0).next().unwrap_or_default();
        match log.last() {
            None => self.keep(EMPTY_LOG),
            Some(b'\n') => self.keep(log),
            Some(_) => self.keep(&[log, b"\n"].concat()),
        }
    }

    /// The symbols of a file. Of two with the same name the first counts, as for CVS.
    pub(super) fn symbols<'n>(&mut self, all: impl Iterator<Item = (&'n [u8], Number)>) -> Vec<Symbol> {
        let mut symbols: Vec<_> = all.map(|(name, number)| self.symbol(name, number.of_symbol())).collect();
        symbols.sort_by_key(|symbol| symbol.name);
        symbols.dedup_by_key(|symbol| symbol.name);
        symbols
    }

    fn symbol(&mut self, name: &[u8], number: Number) -> Symbol {
        let name = match self.name_places.get(name) {
            Some(place) => *place,
            None => {
                let text: Arc<[u8]> = name.into();
                self.names.texts.push(text.clone());
                insert(&mut self.name_places, text)
            }
        };
        let number = match self.number_places.get(&number) {
            Some(place) => *place,
            None => {
                self.names.numbers.push(number.clone());
                insert(&mut self.number_places, number)
            }
        };
        Symbol { name, number }
    }

    /// What its symbols are called, and the words.
    pub(super) fn finish(self) -> (Names, Words) {
        (self.names, self.words.words)
    }
}

/// Gives a key the next place.
fn insert<K: std::hash::Hash + Eq>(places: &mut HashMap<K, u32>, key: K) -> u32 {
    let place = place(places.len());
    places.insert(key, place);
    place
}

/// Names, numbers and messages are thousands or millions, not billions.
fn place(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_and_numbers_are_kept_once_and_the_first_of_a_file_counts() {
        let mut interner = Interner::default();
        let number = |text: &str| Number::parse(text.as_bytes()).expect(text);
        let one = interner
            .symbols([(&b"b"[..], number("1.2.0.4")), (b"a", number("1.1")), (b"b", number("1.3"))].into_iter());
        let other = interner.symbols([(&b"c"[..], number("1.1"))].into_iter());
        let (names, _) = interner.finish();
        let told: Vec<_> =
            one.iter().chain(&other).map(|s| (&**names.text(*s), names.number(*s).to_string())).collect();
        let expected: [(&[u8], &str); 3] = [(b"b", "1.2.4"), (b"a", "1.1"), (b"c", "1.1")];
        assert_eq!(told, expected.map(|(name, number)| (name, number.to_owned())));
        assert_eq!(one[1].number, other[0].number);
    }

    #[test]
    fn equal_words_are_kept_once() {
        let mut interner = Interner::default();
        let ids = [&b"one"[..], b"", b"two", b"one", b""].map(|text| interner.keep(text));
        let (_, words) = interner.finish();
        assert_eq!(ids.map(|id| words.get(id)), [&b"one"[..], b"", b"two", b"one", b""]);
        assert_eq!((ids[0], ids[1], words.bytes.len()), (ids[3], ids[4], 6));
    }
}
