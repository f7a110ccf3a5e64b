//! What a pack that is being written has by now, and where in it. There may be a million objects, so most of them are in a table without
//! a gap, in order of their names; only the last ones, before they come to the others, are in one that is quick to add to.

use super::index::IndexEntry;
use crate::rows::Rows;
use gix::ObjectId;
use std::collections::HashMap;

/// Objects that are added to the others at once, at least.
const FEW: usize = 1 << 12;

/// With many objects so large a part of them is added at once: else they would be moved again and again.
const PART: usize = 8;

/// All objects in the file.
#[derive(Default)]
pub(super) struct Written {
    sorted: Rows<IndexEntry>,
    last: HashMap<ObjectId, IndexEntry>,
}

impl Written {
    pub(super) fn add(&mut self, entry: IndexEntry) {
        self.last.insert(entry.id, entry);
        if self.last.len() >= FEW.max(self.sorted.len() / PART) {
            self.sort_in();
        }
    }

    pub(super) fn get(&self, id: &ObjectId) -> Option<&IndexEntry> {
        let sorted = || self.sorted.get(self.sorted.partition_point(|entry| entry.id < *id));
        self.last.get(id).or_else(|| sorted().filter(|entry| entry.id == *id))
    }

    /// All in order of their names.
    pub(super) fn into_sorted(mut self) -> Rows<IndexEntry> {
        self.sort_in();
        self.sorted
    }

    /// Puts the last ones where they belong among the others, beginning with the greatest.
    fn sort_in(&mut self) {
        let mut last: Vec<_> = self.last.drain().map(|(_, entry)| entry).collect();
        last.sort_unstable_by_key(|entry| entry.id);
        let mut rest = self.sorted.len();
        last.iter().for_each(|entry| self.sorted.push(*entry));
        for place in (0..self.sorted.len()).rev() {
            let Some(greatest) = last.last() else { return };
            if let Some(before) = rest.checked_sub(1).filter(|before| self.sorted[*before].id > greatest.id) {
                self.sorted[place] = self.sorted[before];
                rest = before;
            } else {
                self.sorted[place] = *greatest;
                last.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::object_id;
    use gix::objs::Kind;

    #[test]
    fn what_was_added_is_found_and_comes_out_in_order() {
        let entry = |n: u32| {
            let id = object_id(Kind::Blob, &n.to_be_bytes());
            IndexEntry::new(id, u64::from(n) << 20, n)
        };
        let count = u32::try_from(FEW * 3 * PART + 77).expect("small");
        let mut written = Written::default();
        assert!(written.get(&entry(0).id).is_none());
        for n in 0..count {
            written.add(entry(n));
            for known in [0, n / 2, n] {
                assert_eq!(written.get(&entry(known).id), Some(&entry(known)));
            }
        }
        assert!(written.get(&entry(count).id).is_none());
        let sorted = written.into_sorted();
        assert!(sorted.len() == count as usize && sorted.iter().is_sorted_by(|a, b| a.id < b.id));
        assert!(sorted.iter().all(|found| entry(found.crc32) == *found));
    }
}
