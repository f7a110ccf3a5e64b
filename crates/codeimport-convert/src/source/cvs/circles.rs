//! Changesets that depend on each other in circles, and were none. Pure.

use super::changeset::{Changeset, Unit};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// The same revisions in changesets that depend on each other in no circle: those that were in one, by the places that they had,
/// and what became of them.
pub(super) fn take_circles_apart(changesets: &[Changeset]) -> (BTreeSet<usize>, Vec<Changeset>) {
    let circles = Graph::of(changesets).circles();
    let members = |circle: &[usize]| circle.iter().map(|index| changesets[*index].clone()).collect();
    let parts = circles.iter().flat_map(|circle| take_apart(members(circle))).collect();
    (circles.into_iter().flatten().collect(), parts)
}

/// What depends on what, by index.
struct Graph {
    after: Vec<Vec<usize>>,
}

impl Graph {
    fn of(changesets: &[Changeset]) -> Self {
        let all = || changesets.iter().enumerate();
        let units = all().flat_map(|(index, changeset)| changeset.units.iter().map(move |unit| (unit.key(), index)));
        let homes: HashMap<_, _> = units.collect();
        let mut after = vec![Vec::new(); changesets.len()];
        for (index, changeset) in all() {
            let before = changeset.units.iter().flat_map(Unit::after).filter_map(|key| homes.get(&key).copied());
            let before: BTreeSet<_> = before.filter(|before| *before != index).collect();
            before.into_iter().for_each(|before| after[before].push(index));
        }
        Self { after }
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
