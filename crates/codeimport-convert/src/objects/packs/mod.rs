//! The finished packs of a repository. Their files are asked for the bytes needed, and nothing of them stays in memory.
//!
//! Git libraries map packs into memory instead. A conversion asks for every object that it makes whether there is one, and
//! for texts from long ago: so the whole of all indexes and much of the packs would soon be in memory, and more of it with
//! every revision.
//!
//! ```text
//!   index_file   where an object lies
//!   entry        what lies there               delta    which may be how it differs from another
//! ```

mod delta;
mod entry;
mod index_file;

pub(super) use entry::Entry;

use super::filter::Filter;
use super::recent::Object;
use entry::{Base, damaged};
use gix::ObjectId;
use index_file::IndexFile;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Questions that are answered by looking. Who asks more often is worth a filter.
const UNFILTERED: u32 = 500;

/// Deltas upon deltas; git's own limit is 4,095.
const MOST_DELTAS: usize = 5_000;

/// All finished packs.
pub(super) struct Packs {
    /// In the order in which they came, as far as that is known: what is asked for mostly came late.
    packs: Vec<Pack>,
    filter: Option<Filter>,
    asked: u32,
}

struct Pack {
    path: PathBuf,
    index: IndexFile,
}

impl Packs {
    /// Those in a folder, which need not be there. One that cannot be read is as good as not there.
    pub(super) fn open(folder: &Path) -> Self {
        let mut found: Vec<_> =
            fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        found.retain(|path| path.extension().is_some_and(|extension| extension == "idx"));
        found.sort_by_cached_key(|path| (fs::metadata(path).and_then(|about| about.modified()).ok(), path.clone()));
        let mut packs = Self { packs: Vec::new(), filter: None, asked: 0 };
        found.iter().for_each(|index| packs.add(index));
        packs
    }

    /// Takes in another pack, by the path of its index.
    pub(super) fn add(&mut self, index: &Path) {
        let path = index.with_extension("pack");
        let Ok(index) = IndexFile::open(index) else { return };
        let count = self.len() + index.len() as usize;
        // One that has no room for it, or has only half of it, is made anew when it is needed.
        self.filter = self.filter.take().filter(|filter| filter.has_room(count)).and_then(|mut filter| {
            index.each(|id| filter.put(id)).ok()?;
            Some(filter)
        });
        self.packs.push(Pack { path, index });
    }

    /// Whether an object is in one of them.
    pub(super) fn contain(&mut self, id: &ObjectId) -> bool {
        if self.packs.is_empty() {
            return false;
        }
        self.asked = self.asked.saturating_add(1);
        if self.filter.is_none() && self.asked > UNFILTERED {
            self.filter = self.make_filter().ok();
        }
        self.filter.as_ref().is_none_or(|filter| filter.may_have(id)) && matches!(self.find(id), Ok(Some(_)))
    }

    /// Reads an object; none if no pack has it.
    ///
    /// # Errors
    ///
    /// The files', or [`io::ErrorKind::InvalidData`].
    pub(super) fn read(&self, id: &ObjectId) -> io::Result<Option<Object>> {
        let found = self.find(id)?;
        found.map(|(pack, offset)| pack.read(offset)).transpose()
    }

    fn find(&self, id: &ObjectId) -> io::Result<Option<(&Pack, u64)>> {
        for pack in self.packs.iter().rev() {
            if let Some(offset) = pack.index.find(id)? {
                return Ok(Some((pack, offset)));
            }
        }
        Ok(None)
    }

    /// How many objects there are.
    fn len(&self) -> usize {
        self.packs.iter().map(|pack| pack.index.len() as usize).sum()
    }

    fn make_filter(&self) -> io::Result<Filter> {
        // Twice as much room as is needed now, so that not each pack that comes needs another one.
        let mut filter = Filter::with_room(2 * self.len());
        self.packs.iter().try_for_each(|pack| pack.index.each(|id| filter.put(id)))?;
        Ok(filter)
    }
}

impl Pack {
    /// The object at a place. The file is opened for it: of all packs only the indexes are asked all the time.
    fn read(&self, offset: u64) -> io::Result<Object> {
        let file = File::open(&self.path)?;
        let (mut entry, mut deltas) = (Entry::read(&file, offset)?, Vec::new());
        let base = loop {
            let (base, delta) = match entry {
                Entry::Whole(object) => break object,
                Entry::Delta { base, delta } if deltas.len() < MOST_DELTAS => (base, delta),
                Entry::Delta { .. } => return Err(damaged()),
            };
            deltas.push(delta);
            let offset = match base {
                Base::At(offset) => offset,
                Base::Named(id) => self.index.find(&id)?.ok_or_else(damaged)?,
            };
            entry = Entry::read(&file, offset)?;
        };
        deltas.iter().rev().try_fold(base, |base, delta| {
            Ok(Object { kind: base.kind, content: delta::apply(&base.content, delta)?.into() })
        })
    }
}
