//! What follows the end of a run: when the job runs next, or that it stops, and why. Pure: time and chance are
//! arguments.
//!
//! | outcome | next |
//! | --- | --- |
//! | SUCCESS, NO_CHANGE, CANCELLED | one interval after the start |
//! | PARTIAL | at once |
//! | RELEASED | at once, in its old place |
//! | FAILURE, REMOTE_BROKEN, or told to stop for taking too long | interval × 2^(n−1) after the start; stopped at the failure limit |
//! | INVALID, UNSUPPORTED_FEATURE, FORBIDDEN, AUTHENTICATION | stopped |
//! | UNAVAILABLE, THROTTLED | back to its line: when the host said, else within a quarter of an hour; no counter moves |
//! | RECLAIMED | at once, then with a growing delay; stopped at the reclaim limit |
//!
//! An adaptive interval is halved by a run that found something new and grows by half with one that found nothing,
//! within its bounds.
//!
//! All intervals come with ±10 % jitter, so that imports that were made together drift apart. A request that arrived
//! during the run makes the job due at once, except where somebody has to be spared: a host that asked for a pause, or
//! the workers after a reclaim. A job that is not wanted any more stops without a reason of the queue's own.

use crate::schedule::{IntervalBounds, ScheduleState, StopReason};
use codeimport_core::Outcome;
use jiff::Timestamp;
use std::time::Duration;

/// Share of an interval by which it is made longer or shorter at most.
const JITTER: f64 = 0.1;

/// Delay after the second reclaim in a row; doubles with each further one. The first costs nothing: a worker that
/// died says little about the job.
const RECLAIM_DELAY: Duration = Duration::from_secs(10);

/// Longest wait of a job whose host was in trouble and asked for nothing. What spares the host is its breaker; this
/// keeps one import that alone cannot be reached from being tried without end.
const TROUBLE_DELAY: Duration = Duration::from_secs(15 * 60);

/// Shortest pause for a host that throttles, whatever it asks for.
const MIN_THROTTLE_PAUSE: Duration = Duration::from_secs(60);

/// When the queue gives up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Counted failures in a row that stop a job.
    pub failure_limit: u32,
    /// Reclaims in a row that stop a job.
    pub reclaim_limit: u32,
    /// Longest delay that failures lead to. An interval that is longer stays as it is.
    pub backoff_cap: Duration,
}

/// A run at its end, with what its job's row says.
#[derive(Clone, PartialEq, Debug)]
pub struct EndedRun {
    /// How it ended.
    pub outcome: Outcome,
    /// The host asked not to be called earlier.
    pub retry_after: Option<Duration>,
    /// When it began.
    pub started_at: Timestamp,
    /// The due time under which it was leased.
    pub due_at: Timestamp,
    /// What the registry wants of the job now.
    pub wanted: ScheduleState,
    /// From start to start, as it was until now.
    pub update_interval: Duration,
    /// Between which the interval adapts itself; none if it is fixed.
    pub bounds: Option<IntervalBounds>,
    /// Whether the queue told it to stop because it took too long.
    pub overran: bool,
    /// Whether a request arrived during the run.
    pub requested_meanwhile: bool,
    /// Counted failures in a row before this run.
    pub failure_count: u32,
    /// Reclaims in a row before this run.
    pub reclaim_count: u32,
}

/// What follows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Next {
    /// Counted failures in a row, with this run.
    pub failure_count: u32,
    /// Reclaims in a row, with this run.
    pub reclaim_count: u32,
    /// From start to start from now on.
    pub update_interval: Duration,
    /// When the job runs next, or that it stops.
    pub then: Then,
}

/// When a job runs next, or that it stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// Waits until then.
    Wait(Timestamp),
    /// Stops; with a reason if it is the queue's decision.
    Stop(Option<StopReason>),
}

impl Then {
    /// The due time, if there is one.
    #[must_use]
    pub fn due_at(self) -> Option<Timestamp> {
        match self {
            Self::Wait(due_at) => Some(due_at),
            Self::Stop(_) => None,
        }
    }

    /// The queue's reason to stop, if it has one.
    #[must_use]
    pub fn stop_reason(self) -> Option<StopReason> {
        match self {
            Self::Wait(_) => None,
            Self::Stop(reason) => reason,
        }
    }
}

/// Decides what follows a run. `now` is the database's; `chance` is from 0 to 1.
#[must_use]
pub fn next(run: &EndedRun, limits: &Limits, now: Timestamp, chance: f64) -> Next {
    let failure_count = failures_after(run);
    let reclaim_count = reclaims_after(run);
    let update_interval = interval_after(run);
    let then = match stop(run, limits, failure_count, reclaim_count) {
        Some(reason) => Then::Stop(reason),
        None => Then::Wait(due_at(run, limits, now, chance, (failure_count, reclaim_count, update_interval))),
    };
    Next { failure_count, reclaim_count, update_interval, then }
}

/// Whether the run brings the import closer to being stopped.
fn is_counted(run: &EndedRun) -> bool {
    run.outcome.is_counted() || overran(run)
}

fn overran(run: &EndedRun) -> bool {
    run.overran && run.outcome == Outcome::Cancelled
}

fn interval_after(run: &EndedRun) -> Duration {
    let Some(IntervalBounds { shortest, longest }) = run.bounds else { return run.update_interval };
    let adapted = match run.outcome {
        Outcome::Success => run.update_interval / 2,
        Outcome::NoChange => run.update_interval.saturating_mul(3) / 2,
        _ => run.update_interval,
    };
    // Not `clamp`: it panics if the bounds are the wrong way round.
    whole_millis(adapted.min(longest).max(shortest))
}

fn failures_after(run: &EndedRun) -> u32 {
    match run.outcome {
        _ if is_counted(run) => run.failure_count.saturating_add(1),
        outcome if outcome.is_success() || outcome == Outcome::Partial => 0,
        _ => run.failure_count,
    }
}

/// A finish proves that a worker survived the job; a release does not, it never got to the end.
fn reclaims_after(run: &EndedRun) -> u32 {
    match run.outcome {
        Outcome::Reclaimed => run.reclaim_count.saturating_add(1),
        Outcome::Released => run.reclaim_count,
        _ => 0,
    }
}

fn stop(run: &EndedRun, limits: &Limits, failure_count: u32, reclaim_count: u32) -> Option<Option<StopReason>> {
    if run.wanted != ScheduleState::Active {
        return Some(None);
    }
    if run.outcome.is_permanent() {
        return Some(Some(StopReason::PermanentFailure));
    }
    if is_counted(run) && failure_count >= limits.failure_limit {
        return Some(Some(StopReason::FailureLimit));
    }
    if run.outcome == Outcome::Reclaimed && reclaim_count >= limits.reclaim_limit {
        return Some(Some(StopReason::CrashLoop));
    }
    None
}

fn due_at(
    run: &EndedRun,
    limits: &Limits,
    now: Timestamp,
    chance: f64,
    (failures, reclaims, update_interval): (u32, u32, Duration),
) -> Timestamp {
    let pause = run.retry_after.unwrap_or_default().min(limits.backoff_cap);
    let interval = jittered(update_interval, chance);
    match run.outcome {
        Outcome::Released => run.due_at,
        Outcome::Reclaimed => plus(now, reclaim_delay(reclaims, limits.backoff_cap)),
        Outcome::Throttled if !pause.is_zero() => {
            plus(now, pause.max(MIN_THROTTLE_PAUSE).mul_f64(1.0 + JITTER * chance))
        }
        Outcome::Partial => now,
        // A pause that the host asked for is kept even if a person is in a hurry.
        _ if run.requested_meanwhile => plus(now, pause),
        Outcome::Throttled | Outcome::Unavailable => {
            plus(now, jittered(TROUBLE_DELAY.min(update_interval), chance).max(pause))
        }
        Outcome::Failure | Outcome::RemoteBroken => backed_off(run, limits, now, chance, failures, pause),
        Outcome::Cancelled if overran(run) => backed_off(run, limits, now, chance, failures, pause),
        // The permanent ones have stopped the job already.
        Outcome::Success
        | Outcome::NoChange
        | Outcome::Cancelled
        | Outcome::Invalid
        | Outcome::UnsupportedFeature
        | Outcome::Forbidden
        | Outcome::Authentication => plus(run.started_at, interval).max(now),
    }
}

fn backed_off(
    run: &EndedRun,
    limits: &Limits,
    now: Timestamp,
    chance: f64,
    failures: u32,
    pause: Duration,
) -> Timestamp {
    let delay = jittered(backoff(run.update_interval, failures, limits.backoff_cap), chance);
    plus(run.started_at, delay).max(plus(now, pause))
}

/// interval × 2^(n−1), at most the cap, but never less than the interval.
fn backoff(interval: Duration, failures: u32, cap: Duration) -> Duration {
    let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
    interval.saturating_mul(factor).min(cap.max(interval))
}

fn reclaim_delay(reclaims: u32, cap: Duration) -> Duration {
    match reclaims.checked_sub(2) {
        None => Duration::ZERO,
        Some(doublings) => RECLAIM_DELAY.saturating_mul(2_u32.saturating_pow(doublings)).min(cap),
    }
}

fn jittered(interval: Duration, chance: f64) -> Duration {
    interval.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance)
}

/// In whole milliseconds, so that the database stores exactly what the caller is told.
pub(crate) fn plus(time: Timestamp, span: Duration) -> Timestamp {
    // Intervals are bounded at the door to far less than the calendar's end.
    time.checked_add(whole_millis(span)).unwrap_or(Timestamp::MAX)
}

fn whole_millis(span: Duration) -> Duration {
    Duration::new(span.as_secs(), span.subsec_millis() * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const LIMITS: Limits = Limits { failure_limit: 5, reclaim_limit: 5, backoff_cap: Duration::from_secs(7 * 86_400) };
    /// No jitter at all.
    const EVEN: f64 = 0.5;

    fn at(hours: f64) -> Timestamp {
        #[allow(clippy::cast_possible_truncation, reason = "small and whole enough for a test")]
        Timestamp::from_second(1_800_000_000 + (hours * 3600.0) as i64).unwrap()
    }

    /// Started at 0:00, due since half an hour before, ends now at 1:00; every six hours.
    fn run(outcome: Outcome) -> EndedRun {
        EndedRun {
            outcome,
            retry_after: None,
            started_at: at(0.0),
            due_at: at(-0.5),
            wanted: ScheduleState::Active,
            update_interval: 6 * HOUR,
            bounds: None,
            overran: false,
            requested_meanwhile: false,
            failure_count: 0,
            reclaim_count: 0,
        }
    }

    fn then(run: &EndedRun) -> Then {
        next(run, &LIMITS, at(1.0), EVEN).then
    }

    #[test]
    fn intervals_are_counted_from_start_to_start() {
        for outcome in [Outcome::Success, Outcome::NoChange, Outcome::Cancelled] {
            assert_eq!(then(&run(outcome)), Then::Wait(at(6.0)), "{outcome}");
        }
    }

    #[test]
    fn a_run_longer_than_its_interval_is_due_at_once() {
        let long = EndedRun { update_interval: HOUR / 2, ..run(Outcome::Success) };
        assert_eq!(then(&long), Then::Wait(at(1.0)));
    }

    #[test]
    fn jitter_is_ten_percent_either_way() {
        let earliest = next(&run(Outcome::Success), &LIMITS, at(1.0), 0.0).then;
        let latest = next(&run(Outcome::Success), &LIMITS, at(1.0), 1.0).then;
        assert_eq!((earliest, latest), (Then::Wait(at(5.4)), Then::Wait(at(6.6))));
    }

    #[test]
    fn partial_work_goes_on_at_once() {
        assert_eq!(then(&run(Outcome::Partial)), Then::Wait(at(1.0)));
    }

    #[test]
    fn a_released_job_keeps_its_place_and_pays_nothing() {
        let released = EndedRun { failure_count: 3, reclaim_count: 2, ..run(Outcome::Released) };
        let next = next(&released, &LIMITS, at(1.0), EVEN);
        assert_eq!((next.failure_count, next.reclaim_count, next.then), (3, 2, Then::Wait(at(-0.5))));
    }

    #[test]
    fn failures_wait_twice_as_long_each_time_until_the_limit() {
        let after = |failure_count| then(&EndedRun { failure_count, ..run(Outcome::RemoteBroken) });
        assert_eq!(after(0), Then::Wait(at(6.0)));
        assert_eq!(after(1), Then::Wait(at(12.0)));
        assert_eq!(after(3), Then::Wait(at(48.0)));
        assert_eq!(after(4), Then::Stop(Some(StopReason::FailureLimit)));
    }

    #[test]
    fn a_permanent_outcome_stops_the_first_time() {
        for outcome in Outcome::ALL.iter().copied().filter(|outcome| outcome.is_permanent()) {
            assert_eq!(then(&run(outcome)), Then::Stop(Some(StopReason::PermanentFailure)), "{outcome}");
        }
    }

    #[test]
    fn a_pause_that_the_host_asks_for_is_kept() {
        let paused = |outcome, minutes: u64| {
            let retry_after = Some(Duration::from_secs(60 * minutes));
            next(&EndedRun { retry_after, ..run(outcome) }, &LIMITS, at(1.0), 0.0).then
        };
        assert_eq!(paused(Outcome::Throttled, 30), Then::Wait(at(1.5)));
        assert_eq!(paused(Outcome::Unavailable, 600), Then::Wait(at(11.0)));
        let hasty = EndedRun { retry_after: Some(HOUR), requested_meanwhile: true, ..run(Outcome::Unavailable) };
        assert_eq!(then(&hasty), Then::Wait(at(2.0)));
    }

    #[test]
    fn trouble_of_the_host_moves_no_counter_of_the_import() {
        for outcome in [Outcome::Throttled, Outcome::Unavailable] {
            let trouble = EndedRun { failure_count: 4, ..run(outcome) };
            let next = next(&trouble, &LIMITS, at(1.0), EVEN);
            assert_eq!((next.failure_count, next.then), (4, Then::Wait(at(1.25))), "{outcome}");
        }
    }

    #[test]
    fn a_run_that_was_told_to_stop_for_taking_too_long_is_a_failure() {
        let late = EndedRun { overran: true, failure_count: 1, ..run(Outcome::Cancelled) };
        let after = next(&late, &LIMITS, at(1.0), EVEN);
        assert_eq!((after.failure_count, after.then), (2, Then::Wait(at(12.0))));
        let done = EndedRun { overran: true, failure_count: 1, ..run(Outcome::Success) };
        assert_eq!(next(&done, &LIMITS, at(1.0), EVEN).failure_count, 0, "it came to its end after all");
    }

    #[test]
    fn an_adaptive_interval_follows_what_runs_find_within_its_bounds() {
        let bounds = Some(IntervalBounds { shortest: 2 * HOUR, longest: 24 * HOUR });
        let after = |outcome, hours| {
            let run = EndedRun { bounds, update_interval: hours * HOUR, ..run(outcome) };
            next(&run, &LIMITS, at(1.0), EVEN).update_interval
        };
        assert_eq!(after(Outcome::Success, 6), 3 * HOUR);
        assert_eq!(after(Outcome::Success, 3), 2 * HOUR);
        assert_eq!(after(Outcome::NoChange, 6), 9 * HOUR);
        assert_eq!(after(Outcome::NoChange, 20), 24 * HOUR);
        assert_eq!(after(Outcome::Failure, 6), 6 * HOUR);
    }

    #[test]
    fn the_first_reclaim_costs_nothing_and_the_fifth_stops() {
        let after = |reclaim_count| then(&EndedRun { reclaim_count, ..run(Outcome::Reclaimed) });
        let in_seconds = |seconds| Then::Wait(at(1.0).checked_add(Duration::from_secs(seconds)).unwrap());
        assert_eq!(after(0), in_seconds(0));
        assert_eq!(after(1), in_seconds(10));
        assert_eq!(after(2), in_seconds(20));
        assert_eq!(after(4), Then::Stop(Some(StopReason::CrashLoop)));
    }

    #[test]
    fn a_request_during_the_run_is_due_at_its_end() {
        for outcome in [Outcome::Success, Outcome::Failure, Outcome::Cancelled] {
            let requested = EndedRun { requested_meanwhile: true, ..run(outcome) };
            assert_eq!(then(&requested), Then::Wait(at(1.0)), "{outcome}");
        }
    }

    #[test]
    fn a_job_that_is_not_wanted_stops_without_a_reason_of_the_queue() {
        for wanted in [ScheduleState::Suspended, ScheduleState::Deleted] {
            for outcome in Outcome::ALL {
                let unwanted = EndedRun { wanted, failure_count: 9, ..run(*outcome) };
                assert_eq!(then(&unwanted), Then::Stop(None), "{outcome}");
            }
        }
    }

    fn any_run() -> impl Strategy<Value = EndedRun> {
        let outcome = proptest::sample::select(Outcome::ALL);
        let counts = (0u32..50, 0u32..50);
        let spans = (1u64..10_000_000, proptest::option::of(0u64..10_000_000), 0.0f64..1.0);
        (outcome, counts, spans, any::<bool>()).prop_map(|(outcome, counts, spans, requested_meanwhile)| EndedRun {
            failure_count: counts.0,
            reclaim_count: counts.1,
            update_interval: Duration::from_secs(spans.0),
            retry_after: spans.1.map(Duration::from_secs),
            started_at: at(1.0 - spans.2),
            requested_meanwhile,
            ..run(outcome)
        })
    }

    proptest! {
        #[test]
        fn nothing_is_ever_due_in_the_past_nor_later_than_the_longest_delay(run in any_run(), chance in 0.0f64..=1.0) {
            let now = at(1.0);
            let next = next(&run, &LIMITS, now, chance);
            if let Then::Wait(due_at) = next.then {
                let longest = LIMITS.backoff_cap.max(run.update_interval).mul_f64(1.0 + JITTER);
                prop_assert!(due_at <= plus(now, longest), "{:?}", next);
                prop_assert!(due_at >= now || run.outcome == Outcome::Released, "{:?}", next);
            }
        }

        #[test]
        fn a_stop_by_the_queue_is_always_an_outcomes_fault(run in any_run()) {
            if let Then::Stop(reason) = next(&run, &LIMITS, at(1.0), EVEN).then {
                prop_assert!(reason.is_some());
                prop_assert!(is_counted(&run) || run.outcome == Outcome::Reclaimed);
            }
        }

        #[test]
        fn no_count_grows_by_more_than_one(run in any_run()) {
            let next = next(&run, &LIMITS, at(1.0), EVEN);
            prop_assert!(next.failure_count <= run.failure_count + 1);
            prop_assert!(next.reclaim_count <= run.reclaim_count + 1);
        }
    }
}
