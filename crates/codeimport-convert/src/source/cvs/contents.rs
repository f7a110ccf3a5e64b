//! Texts of revisions, from the transport into the store.

use super::changeset::Changeset;
use super::keywords::{LogEntry, collapse};
use super::ledger::{Content, Ledger};
use super::look::{Contents, Look};
use super::rcs::Number;
use super::run::Run;
use super::transport::{Text, Wanted};
use crate::ConvertError;
use crate::objects::ObjectStore;
use gix::objs::Kind;
use std::collections::{BTreeMap, HashSet};

/// Bytes of texts after which they are made safe, so that memory and the loss by a crash stay bounded.
const FLUSH_BYTES: usize = 256 << 20;

impl Run<'_> {
    /// Stores the texts of all revisions that are converted now.
    pub(super) fn read_texts(
        &self,
        look: &Look,
        ledger: &Ledger,
        changesets: &[Changeset],
        contents: &mut Contents,
        store: &mut ObjectStore,
    ) -> Result<(), ConvertError> {
        let units = changesets.iter().flat_map(|changeset| &*changeset.units).map(|unit| (unit.file, &unit.number));
        let unseen = look.unseen(ledger);
        let mut numbers: BTreeMap<usize, HashSet<Number>> = BTreeMap::new();
        let mut total = 0;
        for (index, number) in units.chain(unseen) {
            let is_known = contents.contains_key(&(index, number.clone()));
            if !is_known && look.histories.files[index].revisions.get(number).is_some_and(|revision| !revision.is_dead)
            {
                numbers.entry(index).or_default().insert(number.clone());
                total += 1;
            }
        }
        let wanted = numbers.into_iter().map(|(index, numbers)| Wanted {
            index,
            path: &look.histories.files[index].path,
            numbers,
        });
        let wanted: Vec<_> = wanted.collect();
        let (mut unsafe_bytes, mut done) = (0, 0);
        self.transport.texts(&wanted, self.watch, &mut |text| {
            unsafe_bytes += text.bytes.len();
            let key = (text.index, text.number.clone());
            contents.insert(key, self.ours(self.store_text(look, text, store))?);
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
        text: Text,
        store: &mut ObjectStore,
    ) -> Result<Content, crate::objects::StoreError> {
        let history = &look.histories.files[text.index];
        let revision =
            history.revisions.get(&text.number).filter(|_| !history.is_binary && !self.options.cvs.raw_keywords);
        let bytes = match revision {
            Some(revision) => {
                let (author, message) = (&revision.author, &revision.log);
                let entry = LogEntry { number: text.number.to_string(), seconds: revision.seconds, author, message };
                match collapse(&text.bytes, &entry) {
                    std::borrow::Cow::Borrowed(_) => text.bytes,
                    std::borrow::Cow::Owned(collapsed) => collapsed,
                }
            }
            None => text.bytes,
        };
        Ok(Content { blob: store.write(Kind::Blob, bytes)?, is_executable: text.is_executable })
    }
}
