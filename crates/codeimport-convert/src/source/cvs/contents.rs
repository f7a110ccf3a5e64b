//! Texts of revisions, from the transport into the store, and where they are there.

use super::changeset::{Changeset, Unit, key};
use super::history::FileHistory;
use super::keywords::{LogEntry, collapse};
use super::ledger::{Content, Ledger};
use super::look::Look;
use super::packed;
use super::run::Run;
use super::transport::Text;
use crate::ConvertError;
use crate::objects::ObjectStore;
use crate::scratch::nameless;
use gix::objs::Kind;
use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Bytes of texts after which they are made safe, so that memory and the loss by a crash stay bounded.
const FLUSH_BYTES: usize = 256 << 20;

/// Contents of revisions, by file and place in its history: a row for each, in a file without a name.
pub(super) struct Contents {
    folder: PathBuf,
    file: Option<File>,
}

/// Bytes of a row: whether there is a text, and whether it is executable; and its name.
const ROW: usize = 24;

impl Contents {
    /// None yet. `folder`: for what memory has no room for.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), file: None }
    }

    /// The content of a revision; none if it has none, or it was not put in.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub(super) fn get(&self, history: &FileHistory, at: usize) -> io::Result<Option<Content>> {
        let mut row = [0; ROW];
        match self.file.as_ref().map(|file| file.read_exact_at(&mut row, offset(history, at))) {
            None => return Ok(None),
            // Nothing was put in behind.
            Some(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Some(read) => read?,
        }
        let number = |word: usize| u32::from_le_bytes(std::array::from_fn(|at| row[4 * word + at]));
        Ok(packed::content(std::array::from_fn(number)))
    }

    fn put(&mut self, history: &FileHistory, at: usize, content: Content) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(nameless(&self.folder)?),
        };
        let row = packed::of_content(Some(content)).map(u32::to_le_bytes);
        file.write_all_at(row.as_flattened(), offset(history, at))
    }
}

fn offset(history: &FileHistory, at: usize) -> u64 {
    ((history.first + at) * ROW) as u64
}

impl Run<'_> {
    /// Stores the texts of all revisions that are converted now.
    pub(super) fn read_texts(
        &self,
        look: &Look,
        ledger: &Ledger,
        changesets: impl Iterator<Item = io::Result<Changeset>>,
        contents: &mut Contents,
        store: &mut ObjectStore,
    ) -> Result<(), ConvertError> {
        let mut keys = Vec::new();
        for changeset in changesets {
            keys.extend(self.ours(changeset)?.units.iter().filter(|unit| !unit.is_dead).map(Unit::key));
        }
        for (index, at) in look.unseen(ledger) {
            let is_read = self.ours(contents.get(&look.files[index], at))?.is_some();
            if !is_read && !self.ours(look.revision(index, at))?.is_dead {
                keys.push(key(index, at));
            }
        }
        keys.sort_unstable();
        let wanted: Vec<_> = keys.chunk_by(|one, next| one.0 == next.0).map(|keys| look.wanted(keys)).collect();
        let (mut unsafe_bytes, mut done) = (0, 0);
        self.transport.texts(&wanted, self.watch, &mut |text| {
            unsafe_bytes += text.bytes.len();
            let (history, at) = (&look.files[text.key.0 as usize], text.key.1 as usize);
            let content = self.store_text(look, text, store)?;
            self.ours(contents.put(history, at, content))?;
            if unsafe_bytes > FLUSH_BYTES {
                self.ours(store.flush())?;
                unsafe_bytes = 0;
            }
            done += 1;
            if done % 256 == 0 {
                self.report("texts", done, keys.len());
            }
            Ok(())
        })
    }

    fn store_text(&self, look: &Look, text: Text, store: &mut ObjectStore) -> Result<Content, ConvertError> {
        let (index, at) = (text.key.0 as usize, text.key.1 as usize);
        let history = &look.files[index];
        let bytes = if history.is_binary || self.options.cvs.raw_keywords {
            text.bytes
        } else {
            let revision = self.ours(look.revision(index, at))?;
            let (author, message) = (look.words.get(revision.author), look.words.get(revision.log));
            let entry =
                LogEntry { number: history.numbers[at].to_string(), seconds: revision.seconds, author, message };
            match collapse(&text.bytes, &entry) {
                Cow::Borrowed(_) => text.bytes,
                Cow::Owned(collapsed) => collapsed,
            }
        };
        let blob = self.ours(store.write(Kind::Blob, bytes))?;
        Ok(Content { blob, is_executable: text.is_executable })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::object_id;

    #[test]
    fn a_content_is_where_it_was_put_and_nowhere_else() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (mut contents, history) =
            (Contents::new(dir.path()), |first| FileHistory { first, ..FileHistory::default() });
        let found = |contents: &Contents, first, at| contents.get(&history(first), at).expect("readable");
        assert_eq!(found(&contents, 5, 2), None);
        let content = Content { blob: object_id(Kind::Blob, b"text"), is_executable: true };
        contents.put(&history(5), 2, content).expect("there is room");
        assert_eq!([2, 1, 3, 900].map(|at| found(&contents, 5, at)), [Some(content), None, None, None]);
        assert_eq!(found(&contents, 0, 0), None);
    }
}
