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
mod tests;
