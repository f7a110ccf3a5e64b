//! Wire values to domain values and back.
//!
//! Towards the wire nothing can fail. From the wire, an enum's zero or an unknown number is `None`: the caller
//! knows the field's name and turns that into a field violation.

use crate::{common, queue, registry};
use codeimport_core::{
    DueReason, EventType, Outcome, RcsType, ReviewStatus, ScheduleState, Stage, StopReason, WaitReason,
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Declares both directions between a domain enum and its wire enum, value by value.
macro_rules! wire_enum {
    ($to:ident, $from:ident, $domain:ident, $wire:ty, { $($variant:ident),+ $(,)? }) => {
        #[doc = concat!("The wire value of a [`", stringify!($domain), "`].")]
        #[must_use]
        pub fn $to(value: $domain) -> $wire {
            match value { $($domain::$variant => <$wire>::$variant,)+ }
        }

        #[doc = concat!("The [`", stringify!($domain), "`] of a wire number; none for unspecified and unknown ones.")]
        #[must_use]
        pub fn $from(number: i32) -> Option<$domain> {
            match <$wire>::try_from(number) {
                $(Ok(<$wire>::$variant) => Some($domain::$variant),)+
                _ => None,
            }
        }
    };
}

wire_enum!(rcs_type_to_wire, rcs_type_from_wire, RcsType, common::RcsType, {
    Git, Subversion, Cvs, Mercurial, Bazaar,
});
wire_enum!(stage_to_wire, stage_from_wire, Stage, common::Stage, {
    Probe, Fetch, Convert, Publish, Scan,
});
wire_enum!(review_status_to_wire, review_status_from_wire, ReviewStatus, registry::ReviewStatus, {
    New, Reviewed, Suspended, Invalid, Failing,
});
wire_enum!(event_type_to_wire, event_type_from_wire, EventType, registry::ImportEventType, {
    Created, Updated, Reviewed, Retried, Deleted, Noted, RunFinished, FirstSuccess, Recovered, RefsChanged,
});
wire_enum!(outcome_to_wire, outcome_from_wire, Outcome, common::Outcome, {
    Success, NoChange, Partial, Failure, Invalid, UnsupportedFeature, Forbidden, RemoteBroken, Unavailable,
    Throttled, Authentication, Reclaimed, Cancelled, Released,
});

wire_enum!(schedule_state_to_wire, schedule_state_from_wire, ScheduleState, queue::ScheduleState, {
    Active, Suspended, Deleted,
});
wire_enum!(stop_reason_to_wire, stop_reason_from_wire, StopReason, queue::StopReason, {
    FailureLimit, PermanentFailure, CrashLoop,
});
wire_enum!(due_reason_to_wire, due_reason_from_wire, DueReason, queue::DueReason, {
    New, Interval, Backoff, Partial, HostTrouble, Reclaimed, Released, Requested, Resumed,
});
wire_enum!(wait_reason_to_wire, wait_reason_from_wire, WaitReason, queue::WaitReason, {
    Stopped, NotDue, NoWorker, HostLimit, HostPause, HostBreaker, RcsLimit, Turn,
});

/// The wire value of a point in time.
#[must_use]
pub fn timestamp_to_wire(time: Timestamp) -> prost_types::Timestamp {
    // jiff gives both parts the same sign, protobuf wants the nanoseconds to count upwards.
    let total = time.as_nanosecond();
    let seconds = total.div_euclid(1_000_000_000);
    let nanos = total.rem_euclid(1_000_000_000);
    prost_types::Timestamp {
        seconds: i64::try_from(seconds).unwrap_or_default(),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

/// The point in time of a wire value; none if it is out of range.
#[must_use]
pub fn timestamp_from_wire(time: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}

/// The wire value of a span. Spans beyond 10,000 years do not occur.
#[must_use]
pub fn duration_to_wire(span: Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(span).unwrap_or_default()
}

/// The span of a wire value; none if it is negative or malformed.
#[must_use]
pub fn duration_from_wire(span: &prost_types::Duration) -> Option<Duration> {
    // prost would carry a part that is out of range over to the other one.
    const NANOS: std::ops::Range<i32> = 0..1_000_000_000;
    NANOS.contains(&span.nanos).then(|| Duration::try_from(*span).ok())?
}

/// The wire value of a difference of two instants; a negative one (clock step) becomes zero.
#[must_use]
pub fn elapsed_to_wire(elapsed: SignedDuration) -> prost_types::Duration {
    duration_to_wire(Duration::try_from(elapsed).unwrap_or_default())
}

impl queue::Run {
    /// How it ended; none while it runs.
    #[must_use]
    pub fn domain_outcome(&self) -> Option<Outcome> {
        outcome_from_wire(self.outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_crosses_the_wire_both_ways() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome_from_wire(outcome_to_wire(*outcome).into()), Some(*outcome));
        }
        assert_eq!(outcome_from_wire(0), None);
        assert_eq!(outcome_from_wire(9_999), None);
    }

    #[test]
    fn times_before_1970_keep_their_nanoseconds_positive() {
        let time = Timestamp::new(-2, 500_000_000).expect("in range");
        let wire = timestamp_to_wire(time);
        assert_eq!((wire.seconds, wire.nanos), (-2, 500_000_000));
        assert_eq!(timestamp_from_wire(&wire), Some(time));
    }

    #[test]
    fn spans_that_are_negative_or_none_at_all_are_refused() {
        for (seconds, nanos) in [(-1, 0), (5, -1), (60, 1_000_000_000), (0, i32::MAX)] {
            assert_eq!(duration_from_wire(&prost_types::Duration { seconds, nanos }), None, "{seconds} s {nanos} ns");
        }
    }
}
