//! Which files have a symbol: what files say of their symbols, turned round. Pure.

use super::history::Histories;

/// A file that has a symbol.
#[derive(Clone, Copy, Default)]
pub(super) struct Named {
    /// Its index.
    pub(super) file: u32,
    /// The place of the number that the symbol stands for there.
    pub(super) number: u32,
}

/// The files of all symbols. Large repositories have millions of these, so each takes eight bytes, and once only.
#[derive(Default)]
pub(super) struct NamedFiles {
    /// The files of each name together.
    files: Vec<Named>,
    /// Name -> where its files begin; one more for the end.
    begins: Vec<usize>,
}

impl NamedFiles {
    /// Takes the symbols out of the files.
    pub(super) fn take(histories: &mut Histories) -> Self {
        let begins = begins(histories);
        let mut next = begins.clone();
        let mut files = vec![Named::default(); begins.last().copied().unwrap_or_default()];
        // The files of each name stay in their order.
        for (file, history) in (0..).zip(&mut histories.files) {
            for symbol in std::mem::take(&mut history.symbols) {
                let next = &mut next[symbol.name as usize];
                files[*next] = Named { file, number: symbol.number };
                *next += 1;
            }
        }
        Self { files, begins }
    }

    /// The files that have a name, by its place.
    pub(super) fn of(&self, name: u32) -> &[Named] {
        let name = name as usize;
        &self.files[self.begins[name]..self.begins[name + 1]]
    }
}

/// Where the files of each name begin, if all stand one behind the other.
fn begins(histories: &Histories) -> Vec<usize> {
    let mut begins = vec![0; histories.names.texts().len() + 1];
    for symbol in histories.files.iter().flat_map(|history| &history.symbols) {
        begins[symbol.name as usize + 1] += 1;
    }
    for name in 1..begins.len() {
        begins[name] += begins[name - 1];
    }
    begins
}

#[cfg(test)]
mod tests {
    use super::super::history::FileHistory;
    use super::super::interner::Interner;
    use super::super::rcs::Number;
    use super::*;

    #[test]
    fn each_name_has_its_files_in_their_order_and_the_files_keep_nothing() {
        let mut interner = Interner::default();
        let number = |text: &str| Number::parse(text.as_bytes()).expect(text);
        let mut file = |symbols: &[(&'static str, &str)]| {
            let symbols = symbols.iter().map(|(name, text)| (name.as_bytes(), number(text)));
            FileHistory { symbols: interner.symbols(symbols), ..FileHistory::default() }
        };
        let files = vec![file(&[("a", "1.1"), ("b", "1.2")]), file(&[]), file(&[("b", "1.1"), ("a", "1.3")])];
        let mut histories = Histories { files, names: interner.into_names() };
        let named = NamedFiles::take(&mut histories);
        let told = |name: u32| -> Vec<_> {
            let of = named.of(name).iter();
            of.map(|named| (named.file, histories.names.number_at(named.number).to_string())).collect()
        };
        let expected = [("1.1", "1.3"), ("1.2", "1.1")].map(|(a, b)| vec![(0, a.to_owned()), (2, b.to_owned())]);
        assert_eq!([told(0), told(1)], expected);
        assert!(histories.files.iter().all(|file| file.symbols.is_empty()));
    }
}
