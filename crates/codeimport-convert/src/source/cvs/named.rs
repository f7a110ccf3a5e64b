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
