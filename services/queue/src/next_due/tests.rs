//! What follows a run: each line of the table by example, and the whole by property.

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
