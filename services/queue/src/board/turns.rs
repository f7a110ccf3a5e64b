//! When a host and its lines have their turn: one instant each, that says both whether it may be served and who goes
//! first. Pure.
//!
//! - Never, while nothing is due, or the host is full.
//! - In the future, while the host has a pause.
//! - Else since when it waits to be served. Once served, and with more due, it goes behind all who wait: round robin.
//!
//! So whoever leases reads those with a turn until now, in their order, and sees nobody who could not be served. And as
//! a turn is never set back, a newly due host waits for one round of the others at most, however much they have.

use crate::host::{Host, HostId, HostPolicy};
use codeimport_core::RcsType;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Names a host's turn: it has one for each type and class of its jobs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TurnKey {
    /// The host.
    pub host_id: HostId,
    /// Type of the jobs.
    pub rcs_type: RcsType,
    /// Whether these are jobs that a person asked for.
    pub requested: bool,
}

impl TurnKey {
    /// All turns that a host can have.
    pub(super) fn all_of(host_id: HostId) -> impl Iterator<Item = Self> {
        let classes = move |rcs_type: RcsType| [true, false].map(|requested| Self { host_id, rcs_type, requested });
        RcsType::ALL.iter().copied().flat_map(classes)
    }
}

/// Names a line in the database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LineId(pub i64);

/// A host's turn, and its lines that have something due, in the order of theirs.
#[derive(Clone, Debug, Default)]
pub(super) struct HostTurn {
    pub(super) lines: BTreeSet<(Timestamp, LineId)>,
    pub(super) turn_at: Option<Timestamp>,
}

impl HostTurn {
    /// The turn that the host allows.
    pub(super) fn settled(&self, host: &Host, policy: &HostPolicy, served: bool, now: Timestamp) -> Option<Timestamp> {
        let (first, _) = self.lines.first().filter(|_| !host.is_full(policy))?;
        let ripe_at = host.open_at.map_or(*first, |open_at| open_at.max(*first));
        Some(turn_after(self.turn_at, ripe_at, served, now))
    }
}

/// The turn of who may be served from `ripe_at` on. Who waits already keeps its place; who was served, or comes back,
/// goes behind all others.
fn turn_after(before: Option<Timestamp>, ripe_at: Timestamp, served: bool, now: Timestamp) -> Timestamp {
    match before {
        _ if ripe_at > now => ripe_at,
        Some(before) if before <= now && !served => before,
        _ => now,
    }
}

/// All turns, in their order.
#[derive(Debug, Default)]
pub(super) struct TurnOrder(BTreeMap<(RcsType, bool), BTreeSet<(Timestamp, HostId)>>);

impl TurnOrder {
    /// A turn has changed.
    pub(super) fn change(&mut self, key: TurnKey, before: Option<Timestamp>, after: Option<Timestamp>) {
        let turns = self.0.entry((key.rcs_type, key.requested)).or_default();
        if let Some(before) = before {
            turns.remove(&(before, key.host_id));
        }
        turns.extend(after.map(|after| (after, key.host_id)));
    }

    /// Those that have come, of these types, longest wait first; at most so many of each type and class.
    pub(super) fn ripe(&self, rcs_types: &BTreeSet<RcsType>, now: Timestamp, most: usize) -> Vec<TurnKey> {
        let of_types = self.0.iter().filter(|((rcs_type, _), _)| rcs_types.contains(rcs_type));
        let mut ripe: Vec<(Timestamp, TurnKey)> = of_types
            .flat_map(|((rcs_type, requested), turns)| {
                let come = turns.iter().take_while(|(turn_at, _)| *turn_at <= now).take(most);
                come.map(|(turn_at, host_id)| {
                    (*turn_at, TurnKey { host_id: *host_id, rcs_type: *rcs_type, requested: *requested })
                })
            })
            .collect();
        ripe.sort_unstable();
        ripe.into_iter().map(|(_, key)| key).collect()
    }

    /// The first turn of these types, come or not.
    pub(super) fn first(&self, rcs_types: &BTreeSet<RcsType>) -> Option<Timestamp> {
        let of_types = self.0.iter().filter(|((rcs_type, _), _)| rcs_types.contains(rcs_type));
        of_types.filter_map(|(_, turns)| turns.first()).map(|(turn_at, _)| *turn_at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests::{POLICY, at, host};
    use proptest::prelude::*;

    fn turn(first: i64) -> HostTurn {
        HostTurn { lines: BTreeSet::from([(at(first), LineId(1))]), turn_at: None }
    }

    #[test]
    fn a_full_host_has_no_turn_and_gets_it_back_with_the_end_of_a_run() {
        let (mut host, mut turn) = (host(), turn(0));
        host.started(3, &POLICY, at(1));
        turn.turn_at = turn.settled(&host, &POLICY, true, at(1));
        assert_eq!(turn.turn_at, None);
        host.ended(codeimport_core::Outcome::Success, None, &POLICY, at(9));
        assert_eq!(turn.settled(&host, &POLICY, false, at(9)), Some(at(9)), "behind all who wait");
    }

    #[test]
    fn a_pause_of_the_host_is_its_turns_pause() {
        let host = Host { open_at: Some(at(100)), ..host() };
        assert_eq!(turn(0).settled(&host, &POLICY, false, at(1)), Some(at(100)));
    }

    #[test]
    fn who_was_served_goes_behind_those_who_wait() {
        assert_eq!(turn_after(Some(at(0)), at(1), true, at(10)), at(10));
        assert_eq!(turn_after(Some(at(5)), at(1), false, at(10)), at(5));
    }

    proptest! {
        /// A flood of one host is behind everybody else after one round.
        #[test]
        fn a_ripe_turn_is_never_set_back(
            steps in proptest::collection::vec((0i64..30, -100i64..100, any::<bool>()), 1..60),
        ) {
            let (mut now, mut turn_at) = (0, None);
            for (seconds, ripe, served) in steps {
                now += seconds;
                let before = turn_at.filter(|turn| *turn <= at(now));
                let after = turn_after(turn_at, at(now + ripe), served, at(now));
                prop_assert!(after >= before.unwrap_or(at(now)));
                turn_at = Some(after);
            }
        }
    }
}
