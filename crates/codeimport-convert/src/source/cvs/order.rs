//! In which order changesets were made. Pure, and total: the same changesets always come in the same order.
//!
//! By date, but never before what they depend on: clocks of servers and clients differ. Changesets that depend on each other
//! in a circle were none; they are taken apart until no circle is left.
//!
//! Changesets that are newer than all others, and that none of the others depends on, come last and change nothing about the
//! order of the rest. So what was converted once stays as it was when more comes.

use super::changeset::{Changeset, Unit};
use crate::rows::Rows;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::num::NonZeroU32;

/// Brings changesets into order, and tells of each whether `is_settled` holds for it and all that it depends on.
pub(super) fn order(changesets: Rows<Changeset>, is_settled: impl Fn(i64) -> bool) -> Rows<(Changeset, bool)> {
    let changesets = without_circles(changesets);
    let graph = Graph::of(&changesets);
    let sorted = graph.sort(&changesets);
    let mut settled = vec![false; changesets.len()];
    for index in sorted.iter() {
        let before = graph.before[*index].iter().all(|before| settled[*before]);
        settled[*index] = before && is_settled(changesets[*index].seconds());
    }
    let mut changesets: Rows<_> = changesets.into_iter().map(Some).collect();
    let take = |index: usize| changesets[index].take().map(|changeset| (changeset, settled[index]));
    sorted.into_iter().filter_map(take).collect()
}

/// What depends on what, by index.
struct Graph {
    before: Rows<Box<[usize]>>,
    after: Rows<Vec<usize>>,
}

/// In which changeset a revision is: by its file, and its place there.
struct Homes(Vec<Vec<Option<NonZeroU32>>>);

impl Homes {
    fn of(changesets: &Rows<Changeset>) -> Self {
        let mut homes = Self(Vec::new());
        for (home, changeset) in (1..).map_while(NonZeroU32::new).zip(changesets.iter()) {
            changeset.units.iter().for_each(|unit| homes.put(unit.key(), home));
        }
        homes
    }

    fn put(&mut self, (file, at): (u32, u32), home: NonZeroU32) {
        let (file, at) = (file as usize, at as usize);
        self.0.resize_with(self.0.len().max(file + 1), Vec::new);
        let places = &mut self.0[file];
        places.resize(places.len().max(at + 1), None);
        places[at] = Some(home);
    }

    fn get(&self, (file, at): (u32, u32)) -> Option<usize> {
        let home = *self.0.get(file as usize)?.get(at as usize)?;
        home.map(|home| home.get() as usize - 1)
    }
}

impl Graph {
    fn of(changesets: &Rows<Changeset>) -> Self {
        let home = Homes::of(changesets);
        let mut befores = Rows::default();
        let mut after: Rows<Vec<_>> = changesets.iter().map(|_| Vec::new()).collect();
        for (index, changeset) in changesets.iter().enumerate() {
            let before = changeset.units.iter().flat_map(Unit::after).filter_map(|key| home.get(key));
            let before: BTreeSet<_> = before.filter(|before| *before != index).collect();
            before.iter().for_each(|before| after[*before].push(index));
            befores.push(before.into_iter().collect());
        }
        Self { before: befores, after }
    }

    /// All that are in no circle, each behind what it depends on, else by key.
    fn sort(&self, changesets: &Rows<Changeset>) -> Rows<usize> {
        let mut missing: Rows<_> = self.before.iter().map(|before| before.len()).collect();
        let free = (0..changesets.len()).filter(|index| missing[*index] == 0);
        let mut ready: BinaryHeap<_> = free.map(|index| Reverse((changesets[index].key(), index))).collect();
        let mut sorted = Rows::default();
        while let Some(Reverse((_, index))) = ready.pop() {
            sorted.push(index);
            for after in &self.after[index] {
                missing[*after] -= 1;
                if missing[*after] == 0 {
                    ready.push(Reverse((changesets[*after].key(), *after)));
                }
            }
        }
        sorted
    }

    /// Sets of changesets that depend on each other in circles (Tarjan's strongly connected components, without recursion);
    /// single ones are left out.
    fn circles(&self) -> Vec<Vec<usize>> {
        const UNSEEN: usize = usize::MAX;
        let count = self.after.len();
        let (mut number, mut low) = (vec![UNSEEN; count], vec![0; count]);
        let (mut on_stack, mut stack, mut next) = (vec![false; count], Vec::new(), 0);
        let mut circles = Vec::new();
        for root in 0..count {
            if number[root] != UNSEEN {
                continue;
            }
            let mut way = vec![(root, 0)];
            while let Some((node, edge)) = way.pop() {
                if edge == 0 {
                    (number[node], low[node]) = (next, next);
                    next += 1;
                    stack.push(node);
                    on_stack[node] = true;
                }
                if let Some(after) = self.after[node].get(edge) {
                    way.push((node, edge + 1));
                    if number[*after] == UNSEEN {
                        way.push((*after, 0));
                    } else if on_stack[*after] {
                        low[node] = low[node].min(number[*after]);
                    }
                    continue;
                }
                if let Some((parent, _)) = way.last() {
                    low[*parent] = low[*parent].min(low[node]);
                }
                if low[node] == number[node] {
                    let begin = stack.iter().rposition(|other| *other == node).unwrap_or_default();
                    let circle = stack.split_off(begin);
                    circle.iter().for_each(|member| on_stack[*member] = false);
                    if circle.len() > 1 {
                        circles.push(circle);
                    }
                }
            }
        }
        circles
    }
}

/// The same revisions in changesets that depend on each other in no circle.
fn without_circles(changesets: Rows<Changeset>) -> Rows<Changeset> {
    let circles = Graph::of(&changesets).circles();
    if circles.is_empty() {
        return changesets;
    }
    let mut left: Rows<_> = changesets.into_iter().map(Some).collect();
    let taken = circles.into_iter().map(|circle| circle.into_iter().filter_map(|index| left[index].take()).collect());
    let parts: Vec<_> = taken.flat_map(take_apart).collect();
    left.into_iter().flatten().chain(parts).collect()
}

/// Takes the changesets of one circle apart. Only they decide how, so nothing that comes later changes it.
///
/// The oldest one of which something can be done gives that, and keeps the rest for later.
fn take_apart(mut circle: Vec<Changeset>) -> Vec<Changeset> {
    circle.sort_by(|a, b| a.key().cmp(&b.key()));
    let inside = circle.iter().flat_map(|changeset| &*changeset.units);
    let mut open: BTreeSet<_> = inside.map(Unit::key).collect();
    let mut waiting: VecDeque<_> = circle.into();
    let mut parts = Vec::new();
    let mut passed = 0;
    while let Some(changeset) = waiting.pop_front() {
        let Changeset { line, units } = changeset;
        let (later, now): (Vec<_>, Vec<_>) =
            units.into_iter().partition(|unit| unit.after().any(|before| open.contains(&before)));
        passed = if now.is_empty() { passed + 1 } else { 0 };
        for unit in &now {
            open.remove(&unit.key());
        }
        if !now.is_empty() {
            parts.push(Changeset { line: line.clone(), units: now.into() });
        }
        if !later.is_empty() && passed <= waiting.len() {
            waiting.push_back(Changeset { line, units: later.into() });
        } else if !later.is_empty() {
            // A file whose revisions come after themselves; numbers rise, so there is none.
            parts.push(Changeset { line, units: later.into() });
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::changeset::group;
    use super::super::changeset::tests::{shown, units};
    use super::*;

    fn ordered(text: &str, now: i64) -> (Vec<String>, usize) {
        let ordered = order(group(units(text)), |seconds| seconds <= now);
        let settled = ordered.iter().filter(|(_, settled)| *settled).count();
        (shown(ordered.iter().map(|(changeset, _)| changeset)), settled)
    }

    #[test]
    fn dates_decide_unless_something_must_come_first() {
        let cases = [
            ("0 1.1 20 a, 1 1.1 10 b", vec!["1:1.1", "0:1.1"]),
            // The clock went back between two revisions.
            ("0 1.1 20 a, 0 1.2 10 b 1.1, 1 1.1 15 c", vec!["1:1.1", "0:1.1", "0:1.2"]),
            // Two that depend on each other: the older one gives what it can.
            ("0 1.1 10 a, 0 1.2 20 b 1.1, 1 1.1 21 b, 1 1.2 11 a 1.1", vec!["0:1.1", "0:1.2 1:1.1", "1:1.2"]),
        ];
        for (text, expected) in cases {
            assert_eq!(ordered(text, 100).0, expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_settled_holds_back_what_depends_on_it() {
        assert_eq!(ordered("0 1.1 50 a, 0 1.2 10 b 1.1, 1 1.1 15 c", 20).1, 1);
        assert_eq!(ordered("0 1.1 50 a, 0 1.2 10 b 1.1, 1 1.1 15 c", 50).1, 3);
    }

    #[test]
    fn what_comes_later_changes_nothing_about_the_order_of_the_rest() {
        let old = "0 1.1 10 a, 0 1.2 20 b 1.1, 1 1.1 21 b, 1 1.2 11 a 1.1, 2 1.1 5 c";
        // One more that is older by its clock, and depends on one that is newer than all.
        let both = format!("{old}, 3 1.1 90 d, 3 1.2 6 e 1.1, 0 1.3 80 f 1.2, 1 1.3 95 g 1.2");
        let ((before, _), (after, settled)) = (ordered(old, 50), ordered(&both, 50));
        assert_eq!((&after[..before.len()], settled), (&before[..], before.len()));
    }
}
