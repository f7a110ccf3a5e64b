//! Which commits each tip leads to. Pure.
//!
//! The commits are laid out in the order of their numbers, and each has a word of bits, one bit for each of 64 tips. One pass from the
//! newest to the oldest hands every commit's bits to its parents; as children nearly always stand behind their parents, one pass
//! is nearly always enough. Where bits change from one commit to the next, spans begin and end.

use super::{Span, Spans};
use std::collections::HashMap;

/// The id of a commit.
pub type CommitId = [u8; 20];

/// Tips that one pass does.
const LANES: usize = 64;

/// A commit that is named as a parent or tip, but is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missing(pub CommitId);

/// Commits in the order of their numbers, and what their parents are.
#[derive(Debug, Default)]
pub struct Graph {
    numbers: Vec<i64>,
    places: HashMap<CommitId, u32>,
    /// Ids of parents, one commit after the other; `ends` says where each has its last.
    parent_ids: Vec<CommitId>,
    ends: Vec<u32>,
}

/// A graph all of whose parents are there.
#[derive(Debug)]
pub struct Linked {
    numbers: Vec<i64>,
    places: HashMap<CommitId, u32>,
    parents: Vec<u32>,
    ends: Vec<u32>,
}

impl Graph {
    /// Adds a commit. Numbers must rise; a history has less than four billion commits.
    pub fn add(&mut self, number: i64, id: CommitId, parent_ids: impl Iterator<Item = CommitId>) {
        self.places.insert(id, place(self.numbers.len()));
        self.numbers.push(number);
        self.parent_ids.extend(parent_ids);
        self.ends.push(place(self.parent_ids.len()));
    }

    /// Parents that are not there, each once.
    #[must_use]
    pub fn outside(&self) -> Vec<CommitId> {
        let mut outside: Vec<_> = self.parent_ids.iter().filter(|id| !self.places.contains_key(*id)).copied().collect();
        outside.sort_unstable();
        outside.dedup();
        outside
    }

    /// Whether a commit is there.
    #[must_use]
    pub fn contains(&self, id: &CommitId) -> bool {
        self.places.contains_key(id)
    }

    /// Finds every parent's place.
    ///
    /// # Errors
    ///
    /// [`Missing`], one of those that are not there.
    pub fn link(self) -> Result<Linked, Missing> {
        let found = self.parent_ids.iter().map(|id| self.places.get(id).copied().ok_or(Missing(*id)));
        let parents = found.collect::<Result<_, _>>()?;
        Ok(Linked { numbers: self.numbers, places: self.places, parents, ends: self.ends })
    }
}

impl Graph {
    /// As [`link`](Self::link), with commits below all others of which nothing is known but their ids; the first gets the number −1,
    /// the second −2.
    ///
    /// # Errors
    ///
    /// [`Missing`], a parent that is neither there nor among those.
    pub fn link_upon(mut self, floor: &[CommitId]) -> Result<Linked, Missing> {
        let height = place(floor.len());
        self.places.values_mut().for_each(|place| *place += height);
        self.places.extend(floor.iter().rev().copied().zip(0..));
        self.numbers.splice(0..0, (1..=i64::from(height)).rev().map(|number| -number));
        self.ends.splice(0..0, floor.iter().map(|_| 0));
        self.link()
    }
}

impl Linked {
    /// What each of these tips leads to, itself included.
    ///
    /// # Errors
    ///
    /// [`Missing`], a tip that is not there.
    pub fn reach(&self, tips: &[CommitId]) -> Result<Vec<Spans>, Missing> {
        let mut reached = Vec::with_capacity(tips.len());
        for tips in tips.chunks(LANES) {
            let places: Result<Vec<_>, _> = tips.iter().map(|id| self.place_of(id)).collect();
            reached.extend(self.spans(&self.spread(&places?), tips.len()));
        }
        Ok(reached)
    }

    fn place_of(&self, id: &CommitId) -> Result<usize, Missing> {
        self.places.get(id).map(|place| *place as usize).ok_or(Missing(*id))
    }

    fn parents_of(&self, place: usize) -> &[u32] {
        let begin = if place == 0 { 0 } else { self.ends[place - 1] as usize };
        &self.parents[begin..self.ends[place] as usize]
    }

    /// For each commit, which tips lead to it.
    fn spread(&self, tips: &[usize]) -> Vec<u64> {
        let mut lanes = vec![0_u64; self.numbers.len()];
        for (lane, place) in tips.iter().enumerate() {
            lanes[*place] |= 1 << lane;
        }
        // Ends, since bits are only ever added: after one more pass for each time that a parent stood above its child.
        while self.pass(&mut lanes) {}
        lanes
    }

    /// Hands bits down. Returns whether some went up, to a commit that the pass had left behind.
    fn pass(&self, lanes: &mut [u64]) -> bool {
        let mut upwards = false;
        for place in (0..lanes.len()).rev() {
            let bits = lanes[place];
            for parent in self.parents_of(place).iter().map(|parent| *parent as usize).filter(|_| bits != 0) {
                upwards |= parent > place && bits & !lanes[parent] != 0;
                lanes[parent] |= bits;
            }
        }
        upwards
    }

    fn spans(&self, lanes: &[u64], count: usize) -> Vec<Spans> {
        let mut spans = vec![Vec::new(); count];
        let mut highs = [0; LANES];
        let (mut before, mut last) = (0, 0);
        for (number, bits) in self.numbers.iter().zip(lanes).rev().map(|(number, bits)| (*number, *bits)) {
            // A number that no commit has ends all spans.
            let going_on = if number + 1 == last { before & bits } else { 0 };
            lanes_in(before & !going_on).for_each(|lane| spans[lane].push(Span { low: last, high: highs[lane] }));
            lanes_in(bits & !going_on).for_each(|lane| highs[lane] = number);
            (before, last) = (bits, number);
        }
        lanes_in(before).for_each(|lane| spans[lane].push(Span { low: last, high: highs[lane] }));
        spans.into_iter().map(Spans::new).collect()
    }

    /// The commits that are in none of these sets.
    #[must_use]
    pub fn left_out(&self, sets: &Spans) -> Vec<i64> {
        self.numbers.iter().copied().filter(|number| !sets.contains(*number)).collect()
    }
}

fn lanes_in(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(lane)
    })
}

/// Beyond four billion commits the memory would have span out long before.
fn place(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> CommitId {
        [n; 20]
    }

    /// Commits with the numbers 1, 2, 3, … in this order.
    fn graph(commits: &[(u8, &[u8])]) -> Graph {
        let mut graph = Graph::default();
        for (number, (name, parents)) in (1..).zip(commits) {
            graph.add(number, id(*name), parents.iter().map(|n| id(*n)));
        }
        graph
    }

    fn reach(commits: &[(u8, &[u8])], tips: &[u8]) -> Vec<Vec<(i64, i64)>> {
        let tips: Vec<_> = tips.iter().map(|n| id(*n)).collect();
        let spans = graph(commits).link().expect("whole").reach(&tips).expect("there");
        spans.iter().map(|spans| spans.as_slice().iter().map(|span| (span.low, span.high)).collect()).collect()
    }

    #[test]
    fn each_tip_leads_to_its_ancestors_and_itself() {
        let diamond: &[(u8, &[u8])] = &[(1, &[]), (2, &[1]), (3, &[1]), (4, &[2, 3])];
        assert_eq!(reach(diamond, &[4, 3, 2]), [vec![(1, 4)], vec![(3, 3), (1, 1)], vec![(1, 2)]]);
    }

    #[test]
    fn a_parent_that_stands_above_its_child_is_reached_too() {
        let odd: &[(u8, &[u8])] = &[(1, &[3]), (2, &[]), (3, &[2])];
        assert_eq!(reach(odd, &[1, 3]), [vec![(1, 3)], vec![(2, 3)]]);
    }

    #[test]
    fn a_circle_that_cannot_be_ends_all_the_same() {
        assert_eq!(reach(&[(1, &[2]), (2, &[1, 2])], &[1]), [vec![(1, 2)]]);
    }

    #[test]
    fn more_tips_than_fit_into_a_word_are_done_in_turns() {
        let line: Vec<(u8, Vec<u8>)> = (1..=150).map(|n| (n, if n > 1 { vec![n - 1] } else { vec![] })).collect();
        let line: Vec<(u8, &[u8])> = line.iter().map(|(n, parents)| (*n, parents.as_slice())).collect();
        let tips: Vec<u8> = (1..=150).collect();
        let expected: Vec<_> = (1..=150).map(|n| vec![(1, n)]).collect();
        assert_eq!(reach(&line, &tips), expected);
    }

    #[test]
    fn what_news_stand_on_is_told_by_negative_numbers() {
        let news = graph(&[(7, &[1]), (8, &[7, 2]), (9, &[2])]);
        assert_eq!(news.outside(), [id(1), id(2)]);
        let linked = news.link_upon(&[id(1), id(2)]).expect("whole");
        let reach = linked.reach(&[id(8), id(9), id(1)]).expect("there");
        let told: Vec<Vec<i64>> = reach.iter().map(|spans| (-2..4).filter(|n| spans.contains(*n)).collect()).collect();
        assert_eq!(told, [vec![-2, -1, 1, 2], vec![-2, 3], vec![-1]]);
    }

    #[test]
    fn a_number_without_a_commit_is_in_no_run() {
        let mut graph = Graph::default();
        graph.add(1, id(1), [].into_iter());
        graph.add(3, id(3), [id(1)].into_iter());
        let linked = graph.link().expect("whole");
        let reach = linked.reach(&[id(3)]).expect("there");
        assert_eq!(reach[0], Spans::new(vec![Span { low: 1, high: 1 }, Span { low: 3, high: 3 }]));
        assert_eq!(linked.left_out(&Spans::new(vec![Span { low: 2, high: 9 }])), [1]);
    }

    #[test]
    fn what_is_named_but_not_there_is_told() {
        let broken = graph(&[(2, &[1])]);
        assert_eq!(broken.outside(), [id(1)]);
        assert_eq!(broken.link().map(drop), Err(Missing(id(1))));
        assert_eq!(graph(&[(1, &[])]).link().expect("whole").reach(&[id(9)]), Err(Missing(id(9))));
    }
}
