//! Which branch contains which other one, and up to which of its revisions. Pure.
//!
//! Kept as what happened (a copy, a merge, a new beginning), not as what follows from it: a branch contains all that the
//! branches it was copied or merged from contained *then*. So memory grows with the number of copies and merges, and a
//! question follows them back.

use std::collections::{BTreeMap, HashMap};

/// Copies and merges, by the branch that took them.
#[derive(Default)]
pub(crate) struct Ancestry(BTreeMap<Vec<u8>, Vec<Event>>);

/// Something that happened to a branch in a revision.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Event {
    since: u64,
    /// The branch taken in, up to a revision; none: the branch began anew.
    taken: Option<(Vec<u8>, u64)>,
}

/// What one branch contained in one revision.
pub(crate) struct Contained(HashMap<Vec<u8>, u64>);

impl Contained {
    /// Up to which of its revisions another branch was contained; 0 for not at all.
    pub(crate) fn up_to(&self, other: &[u8]) -> u64 {
        self.0.get(other).copied().unwrap_or_default()
    }
}

impl Ancestry {
    /// Notes that in revision `since` a branch took in another one up to a revision.
    pub(crate) fn contain(&mut self, branch: &[u8], other: &[u8], up_to: u64, since: u64) {
        self.push(branch, Event { since, taken: Some((other.to_vec(), up_to)) });
    }

    /// Notes that a branch began anew in revision `since`: from then on it contains nothing of what it did before.
    pub(crate) fn begin_anew(&mut self, branch: &[u8], since: u64) {
        if self.0.contains_key(branch) {
            self.push(branch, Event { since, taken: None });
        }
    }

    fn push(&mut self, branch: &[u8], event: Event) {
        self.0.entry(branch.to_vec()).or_default().push(event);
    }

    /// What a branch contained in revision `at`. One walk over what happened answers for all other branches: a long-lived
    /// trunk names hundreds of them in each merge.
    pub(crate) fn contained(&self, branch: &[u8], at: u64) -> Contained {
        // (Branch, its beginning) -> latest revision looked at: a later one has seen all that an earlier one could.
        let mut seen: HashMap<(&[u8], u64), u64> = HashMap::new();
        let mut to_see = vec![(branch, at)];
        let mut up_to: HashMap<&[u8], u64> = HashMap::new();
        while let Some((branch, at)) = to_see.pop() {
            let (begun, events) = self.in_force(branch, at);
            let latest = seen.entry((branch, begun)).or_default();
            if *latest >= at {
                continue;
            }
            *latest = at;
            for (taken, taken_up_to) in events.iter().filter_map(|event| event.taken.as_ref()) {
                let latest = up_to.entry(taken).or_default();
                *latest = (*latest).max(*taken_up_to);
                to_see.push((taken.as_slice(), *taken_up_to));
            }
        }
        Contained(up_to.into_iter().map(|(branch, up_to)| (branch.to_vec(), up_to)).collect())
    }

    /// When a branch's life at a revision began (0: it is the first), and what happened in it up to then.
    fn in_force(&self, branch: &[u8], at: u64) -> (u64, &[Event]) {
        let events = self.0.get(branch).map_or(&[][..], Vec::as_slice);
        let events = &events[..events.partition_point(|event| event.since <= at)];
        match events.iter().rposition(|event| event.taken.is_none()) {
            Some(begin) => (events[begin].since, &events[begin + 1..]),
            None => (0, events),
        }
    }

    /// All events as lines: branch, revision, and what was taken, up to which revision.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for (branch, events) in &self.0 {
            for event in events {
                lines.extend_from_slice(branch);
                lines.extend_from_slice(format!("\t{}", event.since).as_bytes());
                if let Some((taken, up_to)) = &event.taken {
                    lines.extend_from_slice(format!("\t{up_to}\t").as_bytes());
                    lines.extend_from_slice(taken);
                }
                lines.push(b'\n');
            }
        }
        lines
    }

    /// Reads what [`Self::encode`] wrote; none if it is something else.
    pub(crate) fn decode(lines: &[u8]) -> Option<Self> {
        let mut ancestry = Self::default();
        for line in lines.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let mut fields = line.splitn(4, |b| *b == b'\t');
            let (branch, since) = (fields.next()?, number(fields.next()?)?);
            let taken = match (fields.next(), fields.next()) {
                (Some(up_to), Some(taken)) => Some((taken.to_vec(), number(up_to)?)),
                (None, None) => None,
                _ => return None,
            };
            ancestry.push(branch, Event { since, taken });
        }
        Some(ancestry)
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_branch_contains_comes_along_with_it() {
        let mut ancestry = Ancestry::default();
        ancestry.contain(b"a", b"trunk", 5, 6);
        ancestry.contain(b"b", b"a", 9, 10);
        assert_eq!((ancestry.contained(b"b", 10).up_to(b"trunk"), ancestry.contained(b"b", 10).up_to(b"a")), (5, 9));
        ancestry.contain(b"b", b"trunk", 3, 11);
        assert_eq!(ancestry.contained(b"b", 11).up_to(b"trunk"), 5, "never less");
        assert_eq!(ancestry.contained(b"b", 9).up_to(b"a"), 0, "not before it was copied");
    }

    #[test]
    fn what_was_taken_in_later_does_not_come_along() {
        let mut ancestry = Ancestry::default();
        ancestry.contain(b"b", b"a", 9, 10);
        ancestry.contain(b"a", b"trunk", 11, 12);
        assert_eq!(ancestry.contained(b"b", 20).up_to(b"trunk"), 0);
        ancestry.contain(b"b", b"a", 15, 16);
        assert_eq!(ancestry.contained(b"b", 20).up_to(b"trunk"), 11);
    }

    #[test]
    fn a_branch_that_began_anew_contains_nothing_of_its_former_life() {
        let mut ancestry = Ancestry::default();
        ancestry.contain(b"b", b"trunk", 5, 6);
        ancestry.contain(b"c", b"b", 7, 8);
        ancestry.begin_anew(b"b", 9);
        assert_eq!(ancestry.contained(b"b", 10).up_to(b"trunk"), 0);
        assert_eq!(ancestry.contained(b"c", 10).up_to(b"trunk"), 5, "who took it in before has it still");
        ancestry.contain(b"b", b"c", 9, 11);
        assert_eq!(ancestry.contained(b"b", 11).up_to(b"trunk"), 5, "by way of its own former life");
    }

    #[test]
    fn branches_that_take_each_other_in_end_the_search() {
        let mut ancestry = Ancestry::default();
        for revision in 1..50 {
            ancestry.contain(b"a", b"b", revision * 2, revision * 2 + 1);
            ancestry.contain(b"b", b"a", revision * 2 + 1, revision * 2 + 2);
        }
        assert_eq!(ancestry.contained(b"a", 1_000).up_to(b"b"), 98);
        assert_eq!(ancestry.contained(b"a", 1_000).up_to(b"c"), 0);
    }

    #[test]
    fn events_survive_the_round_trip() {
        let mut ancestry = Ancestry::default();
        ancestry.contain(b"b", b"odd\tname", 5, 6);
        ancestry.begin_anew(b"b", 9);
        let read = Ancestry::decode(&ancestry.encode()).expect("well-formed");
        assert_eq!(read.0, ancestry.0);
        assert!(Ancestry::decode(b"b\tx\n").is_none());
    }
}
