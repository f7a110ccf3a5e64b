//! Who gets how many jobs of which line in one lease round. Pure.
//!
//! One job at a time: hosts take turns, and in each host its lines do; what people asked for goes before what is due by
//! schedule, four to one, so that neither starves the other. Each job goes to the worker that has been given the least
//! so far. The proportion is remembered from round to round, so that it holds for rounds of one job, too.

use codeimport_core::RcsType;
use std::collections::{BTreeMap, VecDeque};

/// Requested jobs that go before one that is due by schedule, as long as there are both.
const REQUESTED_WEIGHT: u32 = 4;

/// A worker's request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asking {
    /// Its free slots.
    pub slots: u32,
    /// What it can do.
    pub rcs_types: Vec<RcsType>,
}

/// A host's turn: what it has to offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Index of the host, for its room.
    pub host: usize,
    /// Type of the jobs.
    pub rcs_type: RcsType,
    /// Whether people asked for them.
    pub requested: bool,
    /// For each line, in the order of their turns, how many jobs it has at most.
    pub lines: Vec<u32>,
}

/// One job for one worker: the next of a line that has not been given away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pick {
    /// Index of the offer.
    pub offer: usize,
    /// Index of the line in it.
    pub line: usize,
    /// Index of the request.
    pub asking: usize,
}

/// How many jobs may start besides the workers' slots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Room {
    /// For each host.
    pub of_hosts: Vec<u32>,
    /// For each type that has a limit.
    pub of_types: BTreeMap<RcsType, u32>,
    /// In one round.
    pub in_all: u32,
}

/// Requested jobs given out since the last one that was due by schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Streak(pub u32);

/// Shares out what the offers have, which come in the order of their turns.
#[must_use]
pub fn share_out(asking: &[Asking], offers: &[Offer], room: Room, streak: Streak) -> (Vec<Pick>, Streak) {
    let mut sharing = Sharing::new(asking, offers, room, streak);
    let mut picks = Vec::new();
    while let Some(pick) = sharing.next() {
        picks.push(pick);
    }
    (picks, sharing.streak)
}

/// An offer with what is left of it: its index, and its lines with what is left of each.
struct Left {
    offer: usize,
    lines: VecDeque<(usize, u32)>,
}

struct Sharing<'a> {
    asking: &'a [Asking],
    offers: &'a [Offer],
    room: Room,
    streak: Streak,
    requested: VecDeque<Left>,
    scheduled: VecDeque<Left>,
    given: Vec<u32>,
}

impl<'a> Sharing<'a> {
    fn new(asking: &'a [Asking], offers: &'a [Offer], room: Room, streak: Streak) -> Self {
        let left = |(offer, offered): (usize, &Offer)| Left {
            offer,
            lines: offered.lines.iter().copied().enumerate().filter(|(_, at_most)| *at_most > 0).collect(),
        };
        let of_class = |requested| offers.iter().enumerate().filter(move |(_, offer)| offer.requested == requested);
        Self {
            asking,
            offers,
            room,
            streak,
            requested: of_class(true).map(left).collect(),
            scheduled: of_class(false).map(left).collect(),
            given: vec![0; asking.len()],
        }
    }

    fn next(&mut self) -> Option<Pick> {
        let requested_first = self.streak.0 < REQUESTED_WEIGHT;
        self.next_of(requested_first).or_else(|| self.next_of(!requested_first))
    }

    /// The next pick of a class. Hosts that can give no more are dropped on the way.
    fn next_of(&mut self, requested: bool) -> Option<Pick> {
        loop {
            let class = if requested { &mut self.requested } else { &mut self.scheduled };
            let mut left = class.pop_front()?;
            let Some(asking) = self.taker(left.offer) else { continue };
            let Some((line, at_most)) = left.lines.pop_front() else { continue };
            let pick = Pick { offer: left.offer, line, asking };
            if at_most > 1 {
                left.lines.push_back((line, at_most - 1));
            }
            self.give(pick, requested);
            let class = if requested { &mut self.requested } else { &mut self.scheduled };
            class.push_back(left);
            return Some(pick);
        }
    }

    /// Who gets the next job of an offer: of those that can do it, who has been given the least; of those, who can do
    /// the least besides. None if nobody can, or it may not start.
    fn taker(&self, offer: usize) -> Option<usize> {
        let Offer { host, rcs_type, .. } = self.offers[offer];
        let may_start = self.room.in_all > 0
            && self.room.of_hosts[host] > 0
            && self.room.of_types.get(&rcs_type).is_none_or(|room| *room > 0);
        let able =
            self.asking.iter().enumerate().filter(|(at, asking)| {
                may_start && asking.slots > self.given[*at] && asking.rcs_types.contains(&rcs_type)
            });
        able.min_by_key(|(at, asking)| (self.given[*at], asking.rcs_types.len(), *at)).map(|(at, _)| at)
    }

    fn give(&mut self, pick: Pick, requested: bool) {
        let Offer { host, rcs_type, .. } = self.offers[pick.offer];
        self.given[pick.asking] += 1;
        self.room.in_all -= 1;
        self.room.of_hosts[host] -= 1;
        if let Some(room) = self.room.of_types.get_mut(&rcs_type) {
            *room -= 1;
        }
        self.streak = if requested { Streak((self.streak.0 + 1).min(REQUESTED_WEIGHT)) } else { Streak(0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn git(slots: u32) -> Asking {
        Asking { slots, rcs_types: vec![RcsType::Git] }
    }

    fn offer(host: usize, requested: bool, lines: &[u32]) -> Offer {
        Offer { host, rcs_type: RcsType::Git, requested, lines: lines.to_vec() }
    }

    fn room(of_hosts: &[u32]) -> Room {
        Room { of_hosts: of_hosts.to_vec(), of_types: BTreeMap::new(), in_all: 1000 }
    }

    fn picked(asking: &[Asking], offers: &[Offer], room: Room) -> Vec<Pick> {
        share_out(asking, offers, room, Streak::default()).0
    }

    fn by_offer(picks: &[Pick], offers: usize) -> Vec<usize> {
        (0..offers).map(|offer| picks.iter().filter(|pick| pick.offer == offer).count()).collect()
    }

    #[test]
    fn hosts_take_turns_however_much_they_have() {
        let offers = [offer(0, false, &[u32::MAX]), offer(1, false, &[2]), offer(2, false, &[u32::MAX])];
        let picks = picked(&[git(8)], &offers, room(&[9, 9, 9]));
        assert_eq!(by_offer(&picks, 3), [3, 2, 3]);
        assert_eq!(picks[0].offer, 0, "the longest wait first");
    }

    #[test]
    fn owners_take_turns_inside_a_host() {
        let picks = picked(&[git(6)], &[offer(0, false, &[u32::MAX, 1, u32::MAX])], room(&[9]));
        assert_eq!(picks.iter().map(|pick| pick.line).collect::<Vec<_>>(), [0, 1, 2, 0, 2, 0]);
    }

    #[test]
    fn requests_do_not_starve_scheduled_jobs_nor_the_other_way_round() {
        let offers = [offer(0, false, &[u32::MAX]), offer(1, true, &[u32::MAX])];
        let picks = picked(&[git(100)], &offers, room(&[1000, 1000]));
        assert_eq!(by_offer(&picks, 2), [20, 80]);
    }

    #[test]
    fn the_proportion_holds_for_rounds_of_one_job() {
        let offers = [offer(0, false, &[u32::MAX]), offer(1, true, &[u32::MAX])];
        let (mut streak, mut scheduled) = (Streak::default(), 0);
        for _ in 0..100 {
            let (picks, next) = share_out(&[git(1)], &offers, room(&[9, 9]), streak);
            scheduled += usize::from(picks[0].offer == 0);
            streak = next;
        }
        assert_eq!(scheduled, 20);
    }

    #[test]
    fn jobs_are_spread_over_those_who_ask() {
        let picks = picked(&[git(100), git(2), git(100)], &[offer(0, false, &[9])], room(&[100]));
        let given = |asking| picks.iter().filter(|pick| pick.asking == asking).count();
        assert_eq!([given(0), given(1), given(2)], [4, 2, 3]);
    }

    #[test]
    fn a_worker_that_can_do_all_leaves_room_for_one_that_cannot() {
        let all = Asking { slots: 1, rcs_types: RcsType::ALL.to_vec() };
        let offers = [offer(0, false, &[1]), Offer { rcs_type: RcsType::Cvs, ..offer(0, false, &[1]) }];
        let picks = picked(&[all, git(1)], &offers, room(&[9]));
        assert_eq!(picks.iter().map(|pick| pick.asking).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn a_type_at_its_limit_leaves_the_slots_to_others() {
        let all = Asking { slots: 9, rcs_types: RcsType::ALL.to_vec() };
        let offers = [Offer { rcs_type: RcsType::Cvs, ..offer(0, false, &[9]) }, offer(1, false, &[9])];
        let limited = Room { of_types: BTreeMap::from([(RcsType::Cvs, 2)]), ..room(&[99, 99]) };
        assert_eq!(by_offer(&picked(&[all], &offers, limited), 2), [2, 7]);
    }

    fn any_offer() -> impl Strategy<Value = Offer> {
        let rcs_type = proptest::sample::select(&[RcsType::Git, RcsType::Subversion, RcsType::Cvs][..]);
        (0usize..4, rcs_type, any::<bool>(), proptest::collection::vec(0u32..6, 0..4))
            .prop_map(|(host, rcs_type, requested, lines)| Offer { host, rcs_type, requested, lines })
    }

    fn any_asking() -> impl Strategy<Value = Asking> {
        let types = [RcsType::Git, RcsType::Subversion, RcsType::Cvs];
        (0u32..8, proptest::sample::subsequence(types.to_vec(), 1..=3))
            .prop_map(|(slots, rcs_types)| Asking { slots, rcs_types })
    }

    proptest! {
        #[test]
        fn no_limit_is_exceeded_and_nothing_that_could_be_done_is_left(
            asking in proptest::collection::vec(any_asking(), 0..5),
            offers in proptest::collection::vec(any_offer(), 0..8),
            of_hosts in proptest::collection::vec(0u32..6, 4),
            git_room in proptest::option::of(0u32..5),
            streak in 0u32..5,
        ) {
            let of_types: BTreeMap<_, _> = git_room.map(|room| (RcsType::Git, room)).into_iter().collect();
            let room = Room { of_hosts: of_hosts.clone(), of_types, in_all: 1000 };
            let (picks, _) = share_out(&asking, &offers, room, Streak(streak));
            let count = |chosen: &dyn Fn(&Pick) -> bool| u32::try_from(picks.iter().filter(|p| chosen(p)).count()).unwrap();
            for pick in &picks {
                prop_assert!(asking[pick.asking].rcs_types.contains(&offers[pick.offer].rcs_type));
            }
            let host_left = |host: usize| of_hosts[host].checked_sub(count(&|p| offers[p.offer].host == host));
            let git_left = git_room.map(|room| room.checked_sub(count(&|p| offers[p.offer].rcs_type == RcsType::Git)));
            let slots_left = |at: usize| asking[at].slots.checked_sub(count(&|p| p.asking == at));
            prop_assert!((0..4).all(|host| host_left(host).is_some()));
            prop_assert!(git_left != Some(None));
            prop_assert!((0..asking.len()).all(|at| slots_left(at).is_some()));
            for (at, offer) in offers.iter().enumerate() {
                for (line, at_most) in offer.lines.iter().enumerate() {
                    let left = at_most.checked_sub(count(&|p| p.offer == at && p.line == line));
                    prop_assert!(left.is_some(), "a line gave more than it has");
                    let type_has_room = offer.rcs_type != RcsType::Git || git_left != Some(Some(0));
                    let taker = (0..asking.len()).any(|one| {
                        slots_left(one) > Some(0) && asking[one].rcs_types.contains(&offer.rcs_type)
                    });
                    prop_assert!(left == Some(0) || host_left(offer.host) == Some(0) || !type_has_room || !taker);
                }
            }
        }
    }
}
