//! When a host and its lines have their turn: one instant each, that says both whether it may be served and who goes
//! first. Pure.
//!
//! - Never, while nothing waits, or the host is full.
//! - In the future, while nothing is due, or the host has a pause.
//! - Else since when it waits to be served. Once served, and with more due, it goes behind all who wait: round robin.
//!
//! So whoever leases reads those with a turn until now, in their order, and sees nobody who could not be served. And as
//! a turn is never set back, a newly due host waits for one round of the others at most, however much they have.
//!
//! `head_due_at` and `first_line_at` are lower bounds: taking a job out of the middle of a line touches neither. Whoever
//! is led to a line by a bound that is too low finds nothing due there, and corrects it.

use crate::host::{Host, HostId, HostPolicy};
use codeimport_core::RcsType;
use jiff::Timestamp;

/// Names a host's turn: it has one for each type and class of its jobs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TurnKey {
    /// The host.
    pub host_id: HostId,
    /// Type of the jobs.
    pub rcs_type: RcsType,
    /// Whether these are jobs that a person asked for.
    pub requested: bool,
}

/// Names a line in the database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LineId(pub i64);

/// A host's turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HostTurn {
    /// Nothing here is due earlier; none if nothing waits.
    pub first_line_at: Option<Timestamp>,
    /// The turn; none: never.
    pub turn_at: Option<Timestamp>,
}

/// A line of jobs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// The turn that it shares.
    pub key: TurnKey,
    /// Nothing here is due earlier; none if it is empty.
    pub head_due_at: Option<Timestamp>,
    /// Its turn among the lines of its host; none if it is empty.
    pub turn_at: Option<Timestamp>,
}

impl Line {
    /// A job comes to wait here.
    pub fn admit(&mut self, due_at: Timestamp, now: Timestamp) {
        self.head_due_at = Some(self.head_due_at.map_or(due_at, |head| head.min(due_at)));
        let turn_at = due_at.max(now);
        self.turn_at = Some(self.turn_at.map_or(turn_at, |turn| turn.min(turn_at)));
    }

    /// It was looked into: what is at its head now, and whether jobs were taken.
    pub fn looked_into(&mut self, head_due_at: Option<Timestamp>, served: bool, now: Timestamp) {
        self.head_due_at = head_due_at;
        self.turn_at = head_due_at.map(|head| turn_after(self.turn_at, head, served, now));
    }
}

impl HostTurn {
    /// Something here has its turn then.
    pub fn admit(&mut self, line_turn_at: Timestamp) {
        self.first_line_at = Some(self.first_line_at.map_or(line_turn_at, |first| first.min(line_turn_at)));
    }

    /// Sets the turn to what the host allows.
    pub fn settle(&mut self, host: &Host, policy: &HostPolicy, served: bool, now: Timestamp) {
        self.turn_at = match self.first_line_at {
            Some(first) if !host.is_full(policy) => {
                let ripe_at = host.open_at.map_or(first, |open_at| first.max(open_at));
                Some(turn_after(self.turn_at, ripe_at, served, now))
            }
            _ => None,
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests::{POLICY, at, host};
    use proptest::prelude::*;

    fn line() -> Line {
        let key = TurnKey { host_id: HostId(1), rcs_type: RcsType::Git, requested: false };
        Line { key, head_due_at: None, turn_at: None }
    }

    #[test]
    fn a_line_has_its_turn_when_its_head_is_due() {
        let mut line = line();
        line.admit(at(50), at(0));
        line.admit(at(20), at(0));
        line.admit(at(90), at(0));
        assert_eq!((line.head_due_at, line.turn_at), (Some(at(20)), Some(at(20))));
    }

    #[test]
    fn an_overdue_job_does_not_let_its_line_jump_ahead() {
        let mut line = line();
        line.admit(at(-500), at(0));
        assert_eq!((line.head_due_at, line.turn_at), (Some(at(-500)), Some(at(0))));
    }

    #[test]
    fn who_was_served_goes_behind_those_who_wait() {
        let (mut served, mut waits) = (line(), line());
        served.admit(at(0), at(0));
        waits.admit(at(5), at(0));
        served.looked_into(Some(at(1)), true, at(10));
        assert!(served.turn_at > waits.turn_at);
        served.looked_into(None, true, at(20));
        assert_eq!(served.turn_at, None, "nothing is left");
    }

    #[test]
    fn a_full_host_has_no_turn_and_gets_it_back_with_the_end_of_a_run() {
        let mut host = host();
        let mut turn = HostTurn::default();
        turn.admit(at(0));
        host.started(3, &POLICY, at(1));
        turn.settle(&host, &POLICY, true, at(1));
        assert_eq!(turn.turn_at, None);
        host.ended(codeimport_core::Outcome::Success, None, &POLICY, at(9));
        turn.settle(&host, &POLICY, false, at(9));
        assert_eq!(turn.turn_at, Some(at(9)));
    }

    #[test]
    fn a_pause_of_the_host_is_its_turns_pause() {
        let host = Host { open_at: Some(at(100)), ..host() };
        let mut turn = HostTurn::default();
        turn.admit(at(0));
        turn.settle(&host, &POLICY, false, at(1));
        assert_eq!(turn.turn_at, Some(at(100)));
    }

    proptest! {
        /// The leaser may begin to read where it last saw somebody: nobody can turn up below.
        #[test]
        fn a_ripe_turn_is_never_set_back(
            steps in proptest::collection::vec((0i64..30, -100i64..100, any::<bool>(), any::<bool>()), 1..60),
        ) {
            let (mut now, mut line) = (0, line());
            for (seconds, due, look, served) in steps {
                now += seconds;
                let before = line.turn_at.filter(|turn| *turn <= at(now));
                if look {
                    line.looked_into(Some(at(now + due)), served, at(now));
                } else {
                    line.admit(at(now + due), at(now));
                }
                prop_assert!(line.turn_at.unwrap() >= before.unwrap_or(at(now)));
            }
        }
    }
}
