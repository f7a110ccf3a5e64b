//! Which files have a symbol: what files say of their symbols, turned round.

use super::history::Histories;
use super::interner::{Names, Symbol};
use super::long_list::LongList;
use std::io;
use std::path::Path;

/// Symbols of files that are turned round at a time, at least: so many are in memory.
const STRETCH: usize = 1 << 15;

/// With many names so many symbols for each: else there would be more of stretches' ends than of symbols.
const FOR_EACH_NAME: usize = 16;

/// A file that has a symbol.
#[derive(Clone, Copy, Default)]
pub(super) struct Named {
    /// Its index.
    pub(super) file: u32,
    /// The place of the number that the symbol stands for there.
    pub(super) number: u32,
}

impl From<Named> for [u32; 2] {
    fn from(named: Named) -> Self {
        [named.file, named.number]
    }
}

impl From<[u32; 2]> for Named {
    fn from([file, number]: [u32; 2]) -> Self {
        Self { file, number }
    }
}

/// What a name is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NameKind {
    /// No file has it.
    Unused,
    /// A tag in each file that has it.
    Tag,
    /// A branch in some file.
    Branch,
}

/// The files of all symbols. Large repositories have millions of these.
pub(super) struct NamedFiles {
    /// The files of each name together, first for the files of the first stretch, then for those of the second, and so on.
    files: LongList<2>,
    stretches: Vec<Stretch>,
    kinds: Vec<NameKind>,
}

/// Files that were turned round together.
struct Stretch {
    begin: usize,
    /// Name -> where its files end, counted from the begin of the stretch.
    ends: Vec<u32>,
}

impl NamedFiles {
    /// Turns round what files say. `scratch`: a folder for what memory has no room for.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn of(histories: &Histories, scratch: &Path) -> io::Result<Self> {
        let kinds = vec![NameKind::Unused; histories.names.texts().len()];
        let mut named = Self { files: LongList::new(scratch), stretches: Vec::new(), kinds };
        let stretch = STRETCH.max(histories.names.texts().len() * FOR_EACH_NAME);
        let mut open = Vec::new();
        for (file, history) in (0..).zip(&histories.files) {
            let symbols: Vec<Symbol> = histories.symbols.read(history.symbols.clone())?;
            symbols.iter().for_each(|symbol| named.note_kind(*symbol, &histories.names));
            open.extend(symbols.into_iter().map(|symbol| (file, symbol)));
            if open.len() >= stretch {
                named.turn_round(&open)?;
                open.clear();
            }
        }
        named.turn_round(&open)?;
        Ok(named)
    }

    /// The files that have a name, by its place.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn files(&self, name: u32) -> io::Result<Vec<Named>> {
        let name = name as usize;
        let mut files = Vec::new();
        for Stretch { begin, ends } in &self.stretches {
            let first = name.checked_sub(1).map_or(0, |before| ends[before]);
            files.extend(self.files.read::<Named>(begin + first as usize..begin + ends[name] as usize)?);
        }
        Ok(files)
    }

    /// What a name is, by its place.
    pub(super) fn kind(&self, name: u32) -> NameKind {
        self.kinds[name as usize]
    }

    fn note_kind(&mut self, symbol: Symbol, names: &Names) {
        let kind = &mut self.kinds[symbol.name as usize];
        if !names.number(symbol).is_revision() {
            *kind = NameKind::Branch;
        } else if *kind == NameKind::Unused {
            *kind = NameKind::Tag;
        }
    }

    /// Adds a stretch.
    fn turn_round(&mut self, symbols: &[(u32, Symbol)]) -> io::Result<()> {
        let mut next = vec![0; self.kinds.len()];
        symbols.iter().for_each(|(_, symbol)| next[symbol.name as usize] += 1);
        // How many each name has becomes where those of each begin.
        let mut sum: u32 = 0;
        for next in &mut next {
            sum += std::mem::replace(next, sum);
        }
        let mut files = vec![Named::default(); symbols.len()];
        for (file, symbol) in symbols {
            let next = &mut next[symbol.name as usize];
            files[*next as usize] = Named { file: *file, number: symbol.number };
            *next += 1;
        }
        let places = self.files.extend(files)?;
        self.stretches.push(Stretch { begin: places.start, ends: next });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::gathering::Gathering;
    use super::super::history::FileHistory;
    use super::super::rcs::Number;
    use super::*;

    /// As many files as told, each with these symbols.
    fn turned_round(count: u32, symbols: &[(&'static str, &str)]) -> (NamedFiles, Names) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut gathering = Gathering::new(dir.path());
        let number = |text: &str| Number::parse(text.as_bytes()).expect(text);
        for file in 0..count {
            // The first file has one of its own, too.
            let own = (file == 0).then_some(("own", "1.1.0.2"));
            let symbols = symbols.iter().copied().chain(own);
            let path = format!("{file:09}").into_bytes();
            let file = FileHistory { path, ..FileHistory::default() };
            gathering.add(file, Vec::new(), symbols.map(|(name, text)| (name.as_bytes(), number(text))));
        }
        let histories = gathering.finish().expect("there is room");
        (NamedFiles::of(&histories, dir.path()).expect("there is room"), histories.names)
    }

    #[test]
    fn each_name_has_its_files_in_their_order() {
        let (named, names) = turned_round(3, &[("a", "1.1"), ("b", "1.2")]);
        let told = |name: u32| -> Vec<_> {
            let files = named.files(name).expect("readable").into_iter();
            files.map(|named| (named.file, names.number_at(named.number).to_string())).collect()
        };
        let all = |number: &str| (0..3).map(|file| (file, number.to_owned())).collect::<Vec<_>>();
        assert_eq!([told(0), told(1), told(2)], [all("1.1"), all("1.2"), vec![(0, "1.1.2".to_owned())]]);
        assert_eq!([0, 1, 2].map(|name| named.kind(name)), [NameKind::Tag, NameKind::Tag, NameKind::Branch]);
    }

    #[test]
    fn more_than_memory_has_room_for_is_the_same() {
        let count = u32::try_from(STRETCH + STRETCH / 2).expect("small");
        let (named, names) = turned_round(count, &[("a", "1.1"), ("b", "1.2")]);
        assert!(named.stretches.len() > 2);
        for (name, number) in [(0, "1.1"), (1, "1.2")] {
            let files = named.files(name).expect("readable");
            assert!(files.iter().map(|named| named.file).eq(0..count));
            assert!(files.iter().all(|named| names.number_at(named.number).to_string() == number));
        }
    }
}
