//! Which revisions have which numbers.
//!
//! A run asks for a revision by its place in the history that it sees, which takes four bytes. What was read and is in no history
//! is kept by its number: somebody deleted it, and a symbol may name it all the same.

use super::{FileId, RevId};
use crate::source::cvs::rcs::Number;
use std::collections::HashMap;

/// Stands for no revision.
const NONE: RevId = RevId::MAX;

/// What is known of each file's revisions.
#[derive(Default)]
pub(super) struct Sight {
    /// File -> place in its history -> revision.
    seen: Vec<Box<[RevId]>>,
    unseen: HashMap<(FileId, Number), RevId>,
}

impl Sight {
    /// From now on the revisions of files are asked for by their places among these numbers.
    pub(super) fn see<'n, N: Iterator<Item = &'n Number>>(&mut self, files: impl Iterator<Item = (FileId, N)>) {
        for (file, numbers) in files {
            let known = numbers.map(|number| self.unseen.remove(&(file, number.clone())).unwrap_or(NONE));
            let known: Box<[_]> = known.collect();
            *self.places(file) = known;
        }
        self.unseen.shrink_to_fit();
    }

    pub(super) fn put(&mut self, file: FileId, at: usize, revision: RevId) {
        if let Some(place) = self.places(file).get_mut(at) {
            *place = revision;
        }
    }

    pub(super) fn put_unseen(&mut self, file: FileId, number: Number, revision: RevId) {
        self.unseen.insert((file, number), revision);
    }

    pub(super) fn get(&self, file: FileId, at: usize) -> Option<RevId> {
        self.seen.get(file as usize)?.get(at).copied().filter(|revision| *revision != NONE)
    }

    pub(super) fn get_unseen(&self, file: FileId, number: &Number) -> Option<RevId> {
        self.unseen.get(&(file, number.clone())).copied()
    }

    fn places(&mut self, file: FileId) -> &mut Box<[RevId]> {
        let file = file as usize;
        if self.seen.len() <= file {
            self.seen.resize_with(file + 1, Box::default);
        }
        &mut self.seen[file]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_found_by_its_place_and_what_is_gone_by_its_number() {
        let number = |text: &str| Number::parse(text.as_bytes()).expect(text);
        let mut sight = Sight::default();
        for (revision, text) in (0..).zip(["1.1", "1.2", "1.3"]) {
            sight.put_unseen(1, number(text), revision);
        }
        let there = [number("1.1"), number("1.3"), number("1.4")];
        sight.see([(1, there.iter()), (0, there[..0].iter())].into_iter());
        sight.put(1, 2, 7);
        assert_eq!([0, 1, 2, 3].map(|at| sight.get(1, at)), [Some(0), Some(2), Some(7), None]);
        assert_eq!((sight.get(0, 0), sight.get(9, 0)), (None, None));
        let gone = ["1.1", "1.2"].map(|text| sight.get_unseen(1, &number(text)));
        assert_eq!(gone, [None, Some(1)]);
    }
}
