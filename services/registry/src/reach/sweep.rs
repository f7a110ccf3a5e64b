//! Which commits each tip leads to, found out in passes over the history that keep nothing of it. Pure.
//!
//! A pass is shown the commits from the newest to the oldest. What it remembers is the *edge*: commits that a tip or a child has named and that
//! did not come yet, each with a bit for every tip that leads to it. As children nearly always stand behind their parents, one pass is
//! nearly always enough, and the edge is as wide as the history is at its widest, not as long.
//!
//! A parent that stands above its child is still on the edge when the pass ends. The next pass begins with it, and stops at what
//! the former ones have found.

use super::{Span, Spans};
use std::collections::HashMap;

/// The id of a commit.
pub type CommitId = [u8; 20];

/// One bit for each tip.
type Lanes = Box<[u64]>;

/// Works out what some tips lead to.
#[derive(Debug)]
pub struct Sweep {
    edge: HashMap<CommitId, Lanes>,
    /// What the passes before this one have found, for each tip.
    found: Vec<Spans>,
    is_first_pass: bool,
    pass: Pass,
}

/// What the pass under way has found: for each tip the spans that are complete, and where the open ones begin.
#[derive(Debug)]
struct Pass {
    spans: Vec<Vec<Span>>,
    highs: Vec<i64>,
    /// Tips that led to the last commit, and its number.
    open: Lanes,
    last: i64,
}

impl Sweep {
    /// A sweep whose first pass may begin. Each tip is one, however often it is named.
    #[must_use]
    pub fn new(tips: &[CommitId]) -> Self {
        let mut edge: HashMap<CommitId, Lanes> = HashMap::new();
        for (lane, id) in tips.iter().enumerate() {
            set(edge.entry(*id).or_insert_with(|| no_lanes(tips.len())), lane);
        }
        Self { edge, found: vec![Spans::default(); tips.len()], is_first_pass: true, pass: Pass::new(tips.len()) }
    }

    /// Takes in the next commit of the pass. Numbers must fall.
    pub fn take(&mut self, number: i64, id: &CommitId, parent_ids: &[CommitId]) {
        let Some(mut lanes) = self.edge.remove(id) else { return self.pass.take(number, &[]) };
        if !self.is_first_pass {
            self.leave_out_found(number, &mut lanes);
        }
        self.pass.take(number, &lanes);
        if lanes.iter().any(|word| *word != 0) {
            self.hand_down(lanes, parent_ids);
        }
    }

    /// Whether further commits would tell the pass nothing.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.edge.is_empty()
    }

    /// Ends a pass and tells what is left on the edge: parents that stand above their children, and what no commit of the passes was.
    pub fn end_pass(&mut self) -> Vec<CommitId> {
        let ended = std::mem::replace(&mut self.pass, Pass::new(self.found.len())).end();
        for (found, new) in self.found.iter_mut().zip(ended) {
            *found = if self.is_first_pass { new } else { Spans::union([&*found, &new]) };
        }
        self.is_first_pass = false;
        self.edge.keys().copied().collect()
    }

    /// Takes a commit from the edge whose own reach is known, and hands that to all tips that lead to it.
    pub fn settle(&mut self, id: &CommitId, reach: &Spans) {
        let Some(lanes) = self.edge.remove(id) else { return };
        for lane in lanes_in(&lanes) {
            self.found[lane] = Spans::union([&self.found[lane], reach]);
        }
    }

    /// What each tip leads to, itself included.
    #[must_use]
    pub fn finish(self) -> Vec<Spans> {
        self.found
    }

    /// What a former pass has found needs not be found again, nor what is below it.
    fn leave_out_found(&self, number: i64, lanes: &mut Lanes) {
        let found: Vec<_> = lanes_in(lanes).filter(|lane| self.found[*lane].contains(number)).collect();
        found.into_iter().for_each(|lane| lanes[lane / 64] &= !(1 << (lane % 64)));
    }

    /// The first parent gets them as they are, as most commits have but one.
    fn hand_down(&mut self, lanes: Lanes, parent_ids: &[CommitId]) {
        let Some((first, others)) = parent_ids.split_first() else { return };
        for id in others {
            match self.edge.get_mut(id) {
                Some(there) => add(there, &lanes),
                None => drop(self.edge.insert(*id, lanes.clone())),
            }
        }
        match self.edge.get_mut(first) {
            Some(there) => add(there, &lanes),
            None => drop(self.edge.insert(*first, lanes)),
        }
    }
}

impl Pass {
    fn new(tips: usize) -> Self {
        Self { spans: vec![Vec::new(); tips], highs: vec![0; tips], open: no_lanes(tips), last: 0 }
    }

    /// Where bits change from one commit to the next, spans begin and end. A number that no commit has ends all of them.
    fn take(&mut self, number: i64, lanes: &[u64]) {
        let adjoins = number + 1 == self.last;
        for word in 0..self.open.len() {
            let (before, now) = (self.open[word], lanes.get(word).copied().unwrap_or_default());
            let going_on = if adjoins { before & now } else { 0 };
            self.close(word, before & !going_on);
            bits_in(now & !going_on).for_each(|bit| self.highs[word * 64 + bit] = number);
            self.open[word] = now;
        }
        self.last = number;
    }

    fn close(&mut self, word: usize, bits: u64) {
        for lane in bits_in(bits).map(|bit| word * 64 + bit) {
            self.spans[lane].push(Span { low: self.last, high: self.highs[lane] });
        }
    }

    fn end(mut self) -> impl Iterator<Item = Spans> {
        (0..self.open.len()).for_each(|word| self.close(word, self.open[word]));
        self.spans.into_iter().map(Spans::new)
    }
}

fn no_lanes(tips: usize) -> Lanes {
    vec![0; tips.div_ceil(64)].into()
}

fn set(lanes: &mut Lanes, lane: usize) {
    lanes[lane / 64] |= 1 << (lane % 64);
}

fn add(to: &mut Lanes, lanes: &Lanes) {
    to.iter_mut().zip(lanes).for_each(|(to, word)| *to |= word);
}

fn lanes_in(lanes: &Lanes) -> impl Iterator<Item = usize> {
    lanes.iter().enumerate().flat_map(|(word, bits)| bits_in(*bits).map(move |bit| word * 64 + bit))
}

fn bits_in(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Commits<'a> = &'a [(u8, &'a [u8])];

    fn id(n: u8) -> CommitId {
        [n; 20]
    }

    fn pass(sweep: &mut Sweep, commits: Commits<'_>) -> Vec<CommitId> {
        for (number, (name, parents)) in (1..).zip(commits).collect::<Vec<_>>().into_iter().rev() {
            sweep.take(number, &id(*name), &parents.iter().map(|n| id(*n)).collect::<Vec<_>>());
        }
        let mut left = sweep.end_pass();
        left.sort_unstable();
        left
    }

    fn tips(names: &[u8]) -> Vec<CommitId> {
        names.iter().map(|n| id(*n)).collect()
    }

    fn told(sweep: Sweep) -> Vec<Vec<(i64, i64)>> {
        let spans = sweep.finish();
        spans.iter().map(|spans| spans.as_slice().iter().map(|span| (span.low, span.high)).collect()).collect()
    }

    /// Commits with the numbers 1, 2, 3, … in this order; as many passes as it takes. And how many those were.
    fn reach(commits: Commits<'_>, names: &[u8]) -> (Vec<Vec<(i64, i64)>>, usize) {
        let mut sweep = Sweep::new(&tips(names));
        let passes = (1..10).find(|_| pass(&mut sweep, commits).is_empty()).expect("an end");
        (told(sweep), passes)
    }

    #[test]
    fn each_tip_leads_to_its_ancestors_and_itself() {
        let diamond: Commits<'_> = &[(1, &[]), (2, &[1]), (3, &[1]), (4, &[2, 3])];
        assert_eq!(reach(diamond, &[4, 3, 2]), (vec![vec![(1, 4)], vec![(3, 3), (1, 1)], vec![(1, 2)]], 1));
    }

    #[test]
    fn what_no_tip_leads_to_is_in_nothing() {
        assert_eq!(reach(&[(1, &[]), (2, &[1]), (3, &[1])], &[3]).0, [vec![(3, 3), (1, 1)]]);
    }

    #[test]
    fn a_parent_that_stands_above_its_child_takes_another_pass() {
        let odd: Commits<'_> = &[(1, &[3]), (2, &[]), (3, &[2])];
        assert_eq!(reach(odd, &[1, 3]), (vec![vec![(1, 3)], vec![(2, 3)]], 2));
    }

    #[test]
    fn a_further_pass_ends_where_a_former_one_was() {
        // 4 stands above its child 3, but the tip 5 leads to 4 by another way, too.
        let skewed: Commits<'_> = &[(1, &[]), (3, &[4]), (4, &[1]), (5, &[4, 3])];
        let mut sweep = Sweep::new(&tips(&[5]));
        assert_eq!(pass(&mut sweep, skewed), [id(4)]);
        sweep.take(3, &id(4), &[id(1)]);
        assert!(sweep.is_done(), "nothing below is looked at again");
        sweep.end_pass();
        assert_eq!(told(sweep), [[(1, 4)]]);
    }

    #[test]
    fn a_circle_that_cannot_be_ends_all_the_same() {
        assert_eq!(reach(&[(1, &[2]), (2, &[1, 2])], &[1]).0, [[(1, 2)]]);
    }

    #[test]
    fn more_tips_than_fit_into_a_word_are_told_apart() {
        let line: Vec<(u8, Vec<u8>)> = (1..=150).map(|n| (n, if n > 1 { vec![n - 1] } else { vec![] })).collect();
        let line: Vec<(u8, &[u8])> = line.iter().map(|(n, parents)| (*n, parents.as_slice())).collect();
        let names: Vec<u8> = (1..=150).collect();
        let expected: Vec<_> = (1..=150).map(|n| vec![(1, n)]).collect();
        assert_eq!(reach(&line, &names), (expected, 1));
    }

    #[test]
    fn a_number_without_a_commit_is_in_no_span() {
        let mut sweep = Sweep::new(&tips(&[3]));
        sweep.take(3, &id(3), &[id(1)]);
        sweep.take(1, &id(1), &[]);
        sweep.end_pass();
        assert_eq!(told(sweep), [[(3, 3), (1, 1)]]);
    }

    #[test]
    fn what_is_known_of_an_old_commit_goes_to_all_that_lead_to_it() {
        let mut sweep = Sweep::new(&tips(&[8, 9, 1]));
        sweep.take(9, &id(9), &[id(2)]);
        sweep.take(8, &id(8), &[id(2), id(1)]);
        let mut left = sweep.end_pass();
        left.sort_unstable();
        assert_eq!(left, [id(1), id(2)]);
        sweep.settle(&id(1), &Spans::new(vec![Span { low: 1, high: 1 }]));
        sweep.settle(&id(2), &Spans::new(vec![Span { low: 2, high: 2 }]));
        assert!(sweep.is_done());
        assert_eq!(told(sweep), [vec![(8, 8), (1, 2)], vec![(9, 9), (2, 2)], vec![(1, 1)]]);
    }

    #[test]
    fn the_edge_is_as_wide_as_the_history_and_not_as_long() {
        let mut sweep = Sweep::new(&tips(&[0]));
        let name = |n: u64| {
            let mut id = id(0);
            id[..8].copy_from_slice(&n.to_le_bytes());
            id
        };
        for n in 0..10_000 {
            sweep.take(10_000 - n as i64, &name(n), &[name(n + 1)]);
            assert_eq!(sweep.edge.len(), 1);
        }
    }
}
