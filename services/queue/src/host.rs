//! A source host: how many of its jobs may start now. Pure.
//!
//! Two things keep a host from being served. It is *full* if only the end of one of its runs can change that; it has a
//! *pause* if time alone will. A host without a name stands for sources without one (local files): nobody is there to be
//! spared, so it has neither limits nor a breaker.

use crate::{
    breaker::{self, Breaker, BreakerPolicy, Position, Sign},
    next_due::plus,
};
use codeimport_core::Outcome;
use jiff::Timestamp;
use std::time::Duration;

/// Names a host in the database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HostId(pub i64);

/// How much a host may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HostLimits {
    /// Most runs at a time; any number if none.
    pub max_running: Option<u32>,
    /// Most starts in a minute, evenly spaced; any number if none.
    pub starts_per_minute: Option<u32>,
}

/// What the configuration says of all hosts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostPolicy {
    /// For hosts of which operators have said nothing.
    pub limits: HostLimits,
    /// Of all breakers.
    pub breaker: BreakerPolicy,
}

/// A source host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Host {
    /// Its number.
    pub host_id: HostId,
    /// Its name; may be empty.
    pub name: String,
    /// Leases of its jobs, when they were counted last.
    pub running_count: u32,
    /// No job starts earlier.
    pub open_at: Option<Timestamp>,
    /// Its breaker.
    pub breaker: Breaker,
    /// What operators have set; what they have not comes from the configuration.
    pub own_limits: HostLimits,
}

impl Host {
    /// The limits in force.
    #[must_use]
    pub fn limits(&self, policy: &HostPolicy) -> HostLimits {
        if self.name.is_empty() {
            return HostLimits::default();
        }
        HostLimits {
            max_running: self.own_limits.max_running.or(policy.limits.max_running),
            starts_per_minute: self.own_limits.starts_per_minute.or(policy.limits.starts_per_minute),
        }
    }

    /// Whether nothing may start before one of its runs has ended.
    #[must_use]
    pub fn is_full(&self, policy: &HostPolicy) -> bool {
        self.breaker.position == Position::HalfOpen
            || self.limits(policy).max_running.is_some_and(|most| self.running_count >= most)
    }

    /// Whether only who has locked its row may start its runs: what others start meanwhile counts.
    #[must_use]
    pub fn is_guarded(&self, policy: &HostPolicy) -> bool {
        let HostLimits { max_running, starts_per_minute } = self.limits(policy);
        max_running.is_some() || starts_per_minute.is_some() || self.breaker.position != Position::Closed
    }

    /// Whether it differs from what a host is at first.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.breaker != Breaker::default() || self.open_at.is_some() || self.own_limits != HostLimits::default()
    }

    /// Whether one of the two has to be written where the other stands.
    #[must_use]
    pub fn differs_in_the_database(&self, other: &Self) -> bool {
        (self.open_at, self.breaker) != (other.open_at, other.breaker)
    }

    /// Whether it has been in trouble for so long that it may be gone for good. That changes nothing but what people are
    /// told: it is tried again and again, as somebody may bring it back.
    #[must_use]
    pub fn is_down(&self, policy: &HostPolicy) -> bool {
        self.breaker.opened_count >= policy.breaker.down_after
    }

    /// How many of its jobs may start now.
    #[must_use]
    pub fn room(&self, policy: &HostPolicy, now: Timestamp) -> u32 {
        if self.is_full(policy) || self.open_at.is_some_and(|open_at| open_at > now) {
            return 0;
        }
        let limits = self.limits(policy);
        let free = limits.max_running.map_or(u32::MAX, |most| most.saturating_sub(self.running_count));
        let one_at_a_time = limits.starts_per_minute.is_some() || self.breaker.position == Position::Open;
        if one_at_a_time { free.min(1) } else { free }
    }

    /// Notes that so many of its jobs start now.
    pub fn started(&mut self, count: u32, policy: &HostPolicy, now: Timestamp) {
        if count == 0 {
            return;
        }
        self.running_count = self.running_count.saturating_add(count);
        if self.breaker.position == Position::Open {
            self.breaker.position = Position::HalfOpen;
        }
        if let Some(rate) = self.limits(policy).starts_per_minute {
            self.open_at = Some(plus(now, Duration::from_secs(60) * count / rate.max(1)));
        }
    }

    /// Notes that one of its runs has ended.
    pub fn ended(&mut self, outcome: Outcome, retry_after: Option<Duration>, policy: &HostPolicy, now: Timestamp) {
        *self = self.judged(outcome, retry_after, policy, now);
        self.running_count = self.running_count.saturating_sub(1);
    }

    /// What the end of one of its runs says of it. How many it runs is counted elsewhere.
    #[must_use]
    pub fn judged(&self, outcome: Outcome, retry_after: Option<Duration>, policy: &HostPolicy, now: Timestamp) -> Self {
        if self.name.is_empty() {
            return self.clone();
        }
        let (breaker, open_at) = breaker::after(self.breaker, Sign::of(outcome, retry_after), &policy.breaker, now);
        Self { breaker, open_at: self.open_at.max(open_at), ..self.clone() }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) const POLICY: HostPolicy = HostPolicy {
        limits: HostLimits { max_running: Some(3), starts_per_minute: None },
        breaker: BreakerPolicy {
            trip_after: 3,
            first_pause: Duration::from_secs(60),
            longest_pause: Duration::from_secs(3600),
            down_after: 30,
        },
    };

    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    pub(crate) fn host() -> Host {
        Host {
            host_id: HostId(1),
            name: "example.org".to_owned(),
            running_count: 0,
            open_at: None,
            breaker: Breaker::default(),
            own_limits: HostLimits::default(),
        }
    }

    #[test]
    fn operators_limits_go_before_the_configured_ones() {
        let mut host = host();
        assert_eq!(host.room(&POLICY, at(0)), 3);
        host.own_limits.max_running = Some(7);
        assert_eq!(host.room(&POLICY, at(0)), 7);
        host.own_limits.max_running = Some(0);
        assert!(host.is_full(&POLICY), "zero closes it");
    }

    #[test]
    fn a_tripped_host_lets_one_probe_through() {
        let mut host = host();
        host.started(3, &POLICY, at(0));
        for _ in 0..3 {
            host.ended(Outcome::Unavailable, None, &POLICY, at(0));
        }
        assert_eq!(host.room(&POLICY, at(59)), 0);
        assert_eq!(host.room(&POLICY, at(60)), 1);
        host.started(1, &POLICY, at(60));
        assert!(host.is_full(&POLICY), "the probe is out");
        host.ended(Outcome::NoChange, None, &POLICY, at(61));
        assert_eq!(host.room(&POLICY, at(61)), 3);
    }

    #[test]
    fn starts_are_spaced_evenly() {
        let mut host = Host { own_limits: HostLimits { starts_per_minute: Some(30), max_running: None }, ..host() };
        host.started(1, &POLICY, at(0));
        assert_eq!((host.room(&POLICY, at(1)), host.room(&POLICY, at(2))), (0, 1));
    }

    #[test]
    fn sources_without_a_host_are_not_limited_and_never_tripped() {
        let mut nowhere = Host { name: String::new(), running_count: 1000, ..host() };
        for _ in 0..9 {
            nowhere.ended(Outcome::Unavailable, None, &POLICY, at(0));
        }
        assert_eq!(nowhere.room(&POLICY, at(0)), u32::MAX);
    }

    proptest! {
        #[test]
        fn who_starts_no_more_than_there_is_room_for_stays_below_the_limits(
            steps in proptest::collection::vec((0u32..6, 0i64..40, proptest::sample::select(Outcome::ALL)), 1..80),
            max_running in 1u32..5,
            rate in proptest::option::of(1u32..60),
        ) {
            let own_limits = HostLimits { max_running: Some(max_running), starts_per_minute: rate };
            let mut host = Host { own_limits, ..host() };
            let (mut now, mut starts) = (0, Vec::new());
            for (wanted, seconds, outcome) in steps {
                now += seconds;
                let count = wanted.min(host.room(&POLICY, at(now)));
                host.started(count, &POLICY, at(now));
                starts.extend((0..count).map(|_| now));
                prop_assert!(host.running_count <= max_running);
                if host.running_count > 0 && wanted % 2 == 0 {
                    host.ended(outcome, None, &POLICY, at(now));
                }
            }
            if let Some(rate) = rate {
                let most = usize::try_from(rate).unwrap() + 1;
                let from_then = |from: &i64| starts.iter().filter(|start| (*from..from + 60).contains(*start)).count();
                prop_assert!(starts.iter().all(|from| from_then(from) <= most));
            }
        }
    }
}
