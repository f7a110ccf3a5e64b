//! Texts of revisions, from the transport into the store.

use super::changeset::{Changeset, key};
use super::keywords::{LogEntry, collapse};
use super::ledger::{Content, Ledger};
use super::look::{Contents, Look};
use super::rcs::Number;
use super::run::Run;
use super::transport::{Text, Wanted};
use crate::ConvertError;
use crate::objects::ObjectStore;
use gix::objs::Kind;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::io;

/// Bytes of texts after which they are made safe, so that memory and the loss by a crash stay bounded.
const FLUSH_BYTES: usize = 256 << 20;

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
        let mut numbers: BTreeMap<usize, HashSet<Number>> = BTreeMap::new();
        let mut total = 0;
        let mut want = |index: usize, at: usize| {
            let revision = &look.files[index].revisions[at];
            if !revision.is_dead && !contents.contains_key(&key(index, at)) {
                numbers.entry(index).or_default().insert(revision.number.clone());
                total += 1;
            }
        };
        for changeset in changesets {
            self.ours(changeset)?.units.iter().for_each(|unit| want(unit.file as usize, unit.at as usize));
        }
        look.unseen(ledger).for_each(|(index, at)| want(index, at));
        let wanted =
            numbers.into_iter().map(|(index, numbers)| Wanted { index, path: &look.files[index].path, numbers });
        let wanted: Vec<_> = wanted.collect();
        let (mut unsafe_bytes, mut done) = (0, 0);
        self.transport.texts(&wanted, self.watch, &mut |text| {
            unsafe_bytes += text.bytes.len();
            // No other revisions are asked for than those of the histories.
            if let Some(at) = look.files[text.index].find(&text.number) {
                let key = key(text.index, at);
                contents.insert(key, self.ours(self.store_text(look, at, text, store))?);
            }
            if unsafe_bytes > FLUSH_BYTES {
                self.ours(store.flush())?;
                unsafe_bytes = 0;
            }
            done += 1;
            if done % 256 == 0 {
                self.report("texts", done, total);
            }
            Ok(())
        })
    }

    fn store_text(
        &self,
        look: &Look,
        at: usize,
        text: Text,
        store: &mut ObjectStore,
    ) -> Result<Content, crate::objects::StoreError> {
        let history = &look.files[text.index];
        let bytes = if history.is_binary || self.options.cvs.raw_keywords {
            text.bytes
        } else {
            let revision = &history.revisions[at];
            let (author, message) = (look.words.get(revision.author), look.words.get(revision.log));
            let entry = LogEntry { number: text.number.to_string(), seconds: revision.seconds, author, message };
            match collapse(&text.bytes, &entry) {
                Cow::Borrowed(_) => text.bytes,
                Cow::Owned(collapsed) => collapsed,
            }
        };
        Ok(Content { blob: store.write(Kind::Blob, bytes)?, is_executable: text.is_executable })
    }
}
