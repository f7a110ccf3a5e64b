//! The circuit breaker of a source host: when a host in trouble is left alone, and for how long. Pure.
//!
//! ```text
//!            trouble, n in a row (or it asked for a pause)
//!   closed ------------------------------------------------> open
//!      ^                                                      |  its time is over: one run may start
//!      |  the probe found it well                             v
//!      +--------------------------------------------------- half open
//!                                                             |
//!                           trouble again: twice as long      +--> open
//! ```
//!
//! Trouble of a host moves nothing of an import: neither its counters nor its place in the line.

use crate::next_due::plus;
use codeimport_core::Outcome;
use jiff::Timestamp;
use std::time::Duration;

/// Shortest pause for a host that throttles, whatever it asks for: it is under pressure.
const MIN_THROTTLE_PAUSE: Duration = Duration::from_secs(60);

/// A breaker's position.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Position {
    /// Runs start.
    #[default]
    Closed,
    /// None starts before the host's opening time.
    Open,
    /// One run is under way to see whether the host is well again.
    HalfOpen,
}

/// A host's breaker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Breaker {
    /// Its position.
    pub position: Position,
    /// Runs in a row that found the host in trouble.
    pub trouble_count: u32,
    /// How often in a row it has opened.
    pub opened_count: u32,
}

/// When breakers open, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BreakerPolicy {
    /// Runs in a row in trouble that open it.
    pub trip_after: u32,
    /// How long it stays open the first time; doubles with each further one.
    pub first_pause: Duration,
    /// Longest pause, also of those that a host asks for.
    pub longest_pause: Duration,
    /// After having opened so often in a row, the host may be gone for good: people are told.
    pub down_after: u32,
}

/// What the end of a run says about its host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    /// It answered.
    Well,
    /// It could not be reached, or asked for fewer calls; perhaps for none before some time is over.
    Trouble {
        /// The pause that it asked for.
        retry_after: Option<Duration>,
    },
    /// Nothing: the run did not get so far, or nobody knows.
    None,
}

impl Sign {
    /// Reads an outcome.
    #[must_use]
    pub fn of(outcome: Outcome, retry_after: Option<Duration>) -> Self {
        let asked = retry_after.filter(|pause| !pause.is_zero());
        match outcome {
            Outcome::Throttled => Self::Trouble { retry_after: asked.map(|pause| pause.max(MIN_THROTTLE_PAUSE)) },
            Outcome::Unavailable => Self::Trouble { retry_after: asked },
            Outcome::Reclaimed | Outcome::Released | Outcome::Cancelled | Outcome::Failure | Outcome::Forbidden => {
                Self::None
            }
            Outcome::Success
            | Outcome::NoChange
            | Outcome::Partial
            | Outcome::Invalid
            | Outcome::UnsupportedFeature
            | Outcome::RemoteBroken
            | Outcome::Authentication => Self::Well,
        }
    }
}

/// The breaker after the end of a run, and the time before which no other may start, if that is new.
#[must_use]
pub fn after(before: Breaker, sign: Sign, policy: &BreakerPolicy, now: Timestamp) -> (Breaker, Option<Timestamp>) {
    match sign {
        // A run that began before the trouble may end well after it: only the probe closes an open breaker.
        Sign::Well if before.position == Position::Open => (before, None),
        Sign::Well => (Breaker::default(), None),
        // The probe told nothing: another one may go at once.
        Sign::None if before.position == Position::HalfOpen => (Breaker { position: Position::Open, ..before }, None),
        Sign::None => (before, None),
        Sign::Trouble { retry_after } => trouble(before, retry_after, policy, now),
    }
}

fn trouble(
    before: Breaker,
    retry_after: Option<Duration>,
    policy: &BreakerPolicy,
    now: Timestamp,
) -> (Breaker, Option<Timestamp>) {
    let trouble_count = before.trouble_count.saturating_add(1);
    let trips = match before.position {
        Position::Closed => retry_after.is_some() || trouble_count >= policy.trip_after,
        // Late news of the same trouble, unless the host asks for something.
        Position::Open => false,
        Position::HalfOpen => true,
    };
    let asked_until = retry_after.map(|pause| plus(now, pause.min(policy.longest_pause)));
    if !trips {
        return (Breaker { trouble_count, ..before }, asked_until);
    }
    let doublings = 2_u32.saturating_pow(before.opened_count);
    let own = policy.first_pause.saturating_mul(doublings).min(policy.longest_pause);
    let opened_count = before.opened_count.saturating_add(1);
    let open_at = asked_until.unwrap_or_else(|| plus(now, own));
    (Breaker { position: Position::Open, trouble_count, opened_count }, Some(open_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: BreakerPolicy = BreakerPolicy {
        trip_after: 3,
        first_pause: Duration::from_secs(60),
        longest_pause: Duration::from_secs(3600),
        down_after: 30,
    };
    const TROUBLE: Sign = Sign::Trouble { retry_after: None };

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn in_seconds(seconds: u64) -> Option<Timestamp> {
        now().checked_add(Duration::from_secs(seconds)).ok()
    }

    fn half_open(opened_count: u32) -> Breaker {
        Breaker { position: Position::HalfOpen, trouble_count: 3, opened_count }
    }

    #[test]
    fn trouble_three_times_in_a_row_opens_it_and_a_good_run_between_does_not() {
        let (mut breaker, mut open_at) = (Breaker::default(), None);
        for sign in [TROUBLE, TROUBLE, Sign::Well, TROUBLE, TROUBLE] {
            (breaker, open_at) = after(breaker, sign, &POLICY, now());
        }
        assert_eq!((breaker.position, open_at), (Position::Closed, None));
        (breaker, open_at) = after(breaker, TROUBLE, &POLICY, now());
        assert_eq!((breaker.position, open_at), (Position::Open, in_seconds(60)));
    }

    #[test]
    fn retry_after_is_honoured() {
        let asked = |outcome, seconds| {
            let sign = Sign::of(outcome, Some(Duration::from_secs(seconds)));
            after(Breaker::default(), sign, &POLICY, now())
        };
        assert_eq!(asked(Outcome::Unavailable, 90).1, in_seconds(90));
        assert_eq!(asked(Outcome::Throttled, 1800).1, in_seconds(1800));
        assert_eq!(asked(Outcome::Throttled, 1).1, in_seconds(60), "a host under pressure gets a minute");
        assert_eq!(asked(Outcome::Throttled, 1_000_000).1, in_seconds(3600), "nobody can close a host for ever");
        assert_eq!(asked(Outcome::Throttled, 90).0.position, Position::Open);
    }

    #[test]
    fn a_probe_in_trouble_doubles_the_pause_up_to_the_longest() {
        let pause = |opened_count| after(half_open(opened_count), TROUBLE, &POLICY, now()).1;
        assert_eq!(pause(1), in_seconds(120));
        assert_eq!(pause(2), in_seconds(240));
        assert_eq!(pause(40), in_seconds(3600));
    }

    #[test]
    fn a_probe_that_found_the_host_well_closes_it_and_forgets() {
        assert_eq!(after(half_open(4), Sign::Well, &POLICY, now()), (Breaker::default(), None));
    }

    #[test]
    fn a_probe_that_told_nothing_makes_room_for_another() {
        let (breaker, open_at) = after(half_open(2), Sign::None, &POLICY, now());
        assert_eq!((breaker.position, breaker.opened_count, open_at), (Position::Open, 2, None));
    }

    #[test]
    fn runs_from_before_the_trouble_neither_close_nor_prolong_it() {
        let open = Breaker { position: Position::Open, ..half_open(1) };
        for sign in [Sign::Well, Sign::None, TROUBLE] {
            let (breaker, open_at) = after(open, sign, &POLICY, now());
            assert_eq!((breaker.position, breaker.opened_count, open_at), (Position::Open, 1, None), "{sign:?}");
        }
    }

    proptest! {
        #[test]
        fn a_pause_is_never_longer_than_the_longest(
            outcomes in proptest::collection::vec(proptest::sample::select(Outcome::ALL), 1..60),
            retry_after in proptest::option::of(0u64..10_000_000),
        ) {
            let mut breaker = Breaker::default();
            for outcome in outcomes {
                let sign = Sign::of(outcome, retry_after.map(Duration::from_secs));
                let (next, open_at) = after(breaker, sign, &POLICY, now());
                prop_assert!(open_at.is_none_or(|at| at <= in_seconds(3600).unwrap()));
                prop_assert!(next.position != Position::HalfOpen, "only a start makes it so");
                // As a start would: the next end is a probe's.
                breaker = if next.position == Position::Open {
                    Breaker { position: Position::HalfOpen, ..next }
                } else {
                    next
                };
            }
        }
    }
}
