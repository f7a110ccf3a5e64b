//! Histories as they come in, file by file. What there is most of is put away at once: their symbols, and what is said of revisions.

use super::history::{FileHistory, Histories, Revision, Revisions};
use super::interner::Interner;
use super::long_list::LongList;
use super::rcs::{Number, RcsFile};
use std::io;
use std::path::Path;

/// Files of a repository, in any order.
pub(super) struct Gathering {
    pub(super) interner: Interner,
    symbols: LongList<2>,
    revisions: Revisions,
    files: Vec<FileHistory>,
    /// The first thing that went wrong with the disk.
    failure: Option<io::Error>,
}

impl Gathering {
    /// None yet. `scratch`: a folder for what memory has no room for.
    pub(super) fn new(scratch: &Path) -> Self {
        let (symbols, revisions) = (LongList::new(scratch), Revisions::new(scratch));
        Self { interner: Interner::default(), symbols, revisions, files: Vec::new(), failure: None }
    }

    /// Takes in a file, with what is said of its revisions, and its symbols as they are stored.
    pub(super) fn add<'n>(
        &mut self,
        mut file: FileHistory,
        revisions: Vec<Revision>,
        symbols: impl Iterator<Item = (&'n [u8], Number)>,
    ) {
        let symbols = self.interner.symbols(symbols);
        let put_away = || Ok((self.revisions.add(revisions)?, self.symbols.extend(symbols)?));
        match put_away() {
            Ok(places) => (file.first, file.symbols) = places,
            Err(error) => drop(self.failure.get_or_insert(error)),
        }
        self.files.push(file);
    }

    /// Takes in a `,v` file. It is refused if one of its revisions has no log: then it is not whole.
    pub(super) fn add_rcs(&mut self, path: Vec<u8>, file: &RcsFile<'_>) -> Result<(), Number> {
        let (mut numbers, mut revisions) = (Vec::new(), Vec::new());
        for (number, delta) in &file.deltas {
            let Some(log) = &delta.log else { return Err(number.clone()) };
            numbers.push(number.clone());
            revisions.push(Revision {
                seconds: delta.seconds,
                author: self.interner.keep(delta.author),
                log: self.interner.keep_log(log),
                commitid: delta.commitid.as_deref().map(|id| self.interner.commitid(id)),
                is_dead: delta.state == b"dead",
            });
        }
        let default_branch = file.branch.clone();
        let (is_binary, numbers) = (&*file.expand == b"b", numbers.into());
        let history = FileHistory { path, default_branch, is_binary, numbers, ..FileHistory::default() };
        self.add(history, revisions, file.symbols.iter().map(|(name, number)| (*name, number.clone())));
        Ok(())
    }

    /// All that came in. Of files with the same path the last one counts.
    ///
    /// # Errors
    ///
    /// What the disk said when symbols were to be put away.
    pub(super) fn finish(mut self) -> io::Result<Histories> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        self.files.reverse();
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.files.dedup_by(|a, b| a.path == b.path);
        let (names, words) = self.interner.finish();
        Ok(Histories { files: self.files, names, words, symbols: self.symbols, revisions: self.revisions })
    }
}
