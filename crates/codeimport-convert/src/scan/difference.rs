//! Commits reachable from some tips and not from others. Pure, but for reading the commits.
//!
//! A walk over both histories at once, newest first, that ends when nothing new can come any more. Commits whose dates
//! lie may be told although they are known; none that is new is ever left out. gix has such a walk too, but it refuses
//! commits with a malformed date, and those have to be told as well.

use crate::{ConvertError, Watch};
use codeimport_core::Stage;
use gix::ObjectId;
use std::{
    collections::{BTreeSet, BinaryHeap, HashMap},
    rc::Rc,
};

/// What the walk has to know of a commit.
pub(super) struct Links {
    /// Committer date, in seconds since 1970.
    pub(super) seconds: i64,
    /// Parents.
    pub(super) parents: Vec<ObjectId>,
}

/// Where commits are read.
pub(super) trait CommitLinks {
    /// Whether a commit is there.
    fn has(&self, id: &ObjectId) -> bool;
    /// Reads a commit that is there.
    fn links(&self, id: &ObjectId) -> Result<Links, ConvertError>;
}

/// A commit that the walk has reached.
struct Seen {
    known: bool,
    queued: bool,
    parents: Rc<[ObjectId]>,
    seconds: i64,
}

struct Walk<'a, L> {
    links: &'a L,
    seen: HashMap<ObjectId, Seen>,
    /// Newest on top.
    queue: BinaryHeap<(i64, ObjectId)>,
    /// How many of the queue's entries may still be new.
    maybe_new_count: usize,
}

/// The commits reachable from `tips` and not from `known`, roughly newest first. Known ones that are missing are passed over.
pub(super) fn difference(
    links: &impl CommitLinks,
    tips: &BTreeSet<ObjectId>,
    known: &BTreeSet<ObjectId>,
    watch: &Watch,
) -> Result<Vec<ObjectId>, ConvertError> {
    let mut walk = Walk { links, seen: HashMap::new(), queue: BinaryHeap::new(), maybe_new_count: 0 };
    for id in known.iter().filter(|id| links.has(id)) {
        walk.reach(*id, true)?;
    }
    for id in tips {
        walk.reach(*id, false)?;
    }
    let mut found = Vec::new();
    while walk.maybe_new_count > 0 {
        found.extend(walk.step()?);
        if found.len() % 1024 == 0 {
            watch.check(Stage::Scan)?;
        }
    }
    // Some were found before the known history reached them.
    found.retain(|id| walk.seen.get(id).is_some_and(|seen| !seen.known));
    Ok(found)
}

impl<L: CommitLinks> Walk<'_, L> {
    /// Takes the newest commit and goes on to its parents. Returns it if it looks new so far.
    fn step(&mut self) -> Result<Option<ObjectId>, ConvertError> {
        let Some((_, id)) = self.queue.pop() else {
            self.maybe_new_count = 0;
            return Ok(None);
        };
        let Some(seen) = self.seen.get_mut(&id) else { return Ok(None) };
        seen.queued = false;
        let (known, parents) = (seen.known, Rc::clone(&seen.parents));
        if !known {
            self.maybe_new_count -= 1;
        }
        for parent in parents.iter() {
            self.reach(*parent, known)?;
        }
        Ok((!known).then_some(id))
    }

    /// Puts a commit into the queue, unless it was reached before and nothing is new about it.
    fn reach(&mut self, id: ObjectId, known: bool) -> Result<(), ConvertError> {
        match self.seen.get_mut(&id) {
            None => {
                let Links { seconds, parents } = self.links.links(&id)?;
                self.seen.insert(id, Seen { known, queued: true, parents: parents.into(), seconds });
                self.maybe_new_count += usize::from(!known);
                self.queue.push((seconds, id));
            }
            Some(seen) if known && !seen.known => {
                seen.known = true;
                if seen.queued {
                    self.maybe_new_count -= 1;
                } else {
                    // It looked new, and so do its parents by now: go over them once more.
                    seen.queued = true;
                    self.queue.push((seen.seconds, id));
                }
            }
            Some(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph of numbered commits: number, date, parents.
    struct Graph(Vec<(u8, i64, Vec<u8>)>);

    fn id(number: u8) -> ObjectId {
        ObjectId::from_bytes_or_panic(&[number; 20])
    }

    impl CommitLinks for Graph {
        fn has(&self, wanted: &ObjectId) -> bool {
            self.0.iter().any(|(number, ..)| id(*number) == *wanted)
        }

        fn links(&self, wanted: &ObjectId) -> Result<Links, ConvertError> {
            let (_, seconds, parents) = self.0.iter().find(|(number, ..)| id(*number) == *wanted).expect("there");
            Ok(Links { seconds: *seconds, parents: parents.iter().map(|number| id(*number)).collect() })
        }
    }

    fn new_in(graph: &Graph, tips: &[u8], known: &[u8]) -> BTreeSet<u8> {
        let ids = |numbers: &[u8]| numbers.iter().map(|number| id(*number)).collect();
        let found = difference(graph, &ids(tips), &ids(known), &Watch::none()).expect("readable");
        found.iter().map(|id| id.as_slice()[0]).collect()
    }

    /// 1 - 2 - 3 - 5
    ///      \- 4 -/
    fn diamond() -> Graph {
        Graph(vec![(1, 10, vec![]), (2, 20, vec![1]), (3, 30, vec![2]), (4, 40, vec![2]), (5, 50, vec![3, 4])])
    }

    #[test]
    fn with_nothing_known_all_is_new() {
        assert_eq!(new_in(&diamond(), &[5], &[]), BTreeSet::from([1, 2, 3, 4, 5]));
    }

    #[test]
    fn what_is_reachable_from_known_commits_is_not_new() {
        assert_eq!(new_in(&diamond(), &[5], &[3]), BTreeSet::from([4, 5]));
        assert_eq!(new_in(&diamond(), &[4], &[3]), BTreeSet::from([4]), "a branch from an old commit");
        assert_eq!(new_in(&diamond(), &[3], &[5]), BTreeSet::new());
        assert_eq!(new_in(&diamond(), &[5, 3], &[5]), BTreeSet::new());
    }

    #[test]
    fn known_commits_that_are_missing_are_passed_over() {
        assert_eq!(new_in(&diamond(), &[2], &[9]), BTreeSet::from([1, 2]));
    }

    #[test]
    fn dates_that_lie_never_hide_a_new_commit() {
        // All dates are turned round: parents are newer than their children.
        let graph = Graph(diamond().0.into_iter().map(|(number, date, parents)| (number, -date, parents)).collect());
        for known in [vec![], vec![1], vec![2], vec![3], vec![4], vec![3, 4]] {
            let honest = new_in(&diamond(), &[5], &known);
            assert!(new_in(&graph, &[5], &known).is_superset(&honest), "{known:?}");
        }
    }
}
