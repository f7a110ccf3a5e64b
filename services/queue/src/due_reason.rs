//! Why a job is due when it is: what the pure parts decided, in a word that is kept with the waiting job. Pure.

pub use codeimport_core::DueReason;

use crate::{
    next_due::EndedRun,
    schedule::{Job, JobState, PutSchedule},
};
use codeimport_core::Outcome;

/// The reason for the due time that follows a run.
#[must_use]
pub fn after_run(run: &EndedRun) -> DueReason {
    match run.outcome {
        Outcome::Released => DueReason::Released,
        Outcome::Reclaimed => DueReason::Reclaimed,
        Outcome::Partial => DueReason::Partial,
        // A pause that the host asked for is kept even if a person is in a hurry.
        Outcome::Throttled | Outcome::Unavailable if run.retry_after.is_some_and(|pause| !pause.is_zero()) => {
            DueReason::HostTrouble
        }
        _ if run.requested_meanwhile => DueReason::Requested,
        Outcome::Throttled | Outcome::Unavailable => DueReason::HostTrouble,
        Outcome::Failure | Outcome::RemoteBroken => DueReason::Backoff,
        Outcome::Cancelled if run.overran => DueReason::Backoff,
        // The permanent ones stop the job.
        Outcome::Success
        | Outcome::NoChange
        | Outcome::Cancelled
        | Outcome::Invalid
        | Outcome::UnsupportedFeature
        | Outcome::Forbidden
        | Outcome::Authentication => DueReason::Interval,
    }
}

/// The reason for the due time that a schedule gives to a job; `before` is the one it had.
#[must_use]
pub fn after_put(known: Option<&Job>, before: Option<DueReason>, put: &PutSchedule, job: &Job) -> DueReason {
    let Some(known) = known else { return DueReason::New };
    if put.resume || matches!(known.state, JobState::Stopped { .. }) {
        return DueReason::Resumed;
    }
    before.filter(|_| known.state == job.state).unwrap_or(DueReason::Interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_core::ScheduleState;
    use jiff::Timestamp;
    use std::time::Duration;

    fn run(outcome: Outcome) -> EndedRun {
        EndedRun {
            outcome,
            retry_after: None,
            started_at: Timestamp::UNIX_EPOCH,
            due_at: Timestamp::UNIX_EPOCH,
            wanted: ScheduleState::Active,
            update_interval: Duration::from_secs(3600),
            bounds: None,
            overran: false,
            requested_meanwhile: false,
            failure_count: 0,
            reclaim_count: 0,
        }
    }

    #[test]
    fn a_good_run_leads_to_the_interval_and_a_failed_one_to_a_longer_one() {
        assert_eq!(after_run(&run(Outcome::NoChange)), DueReason::Interval);
        assert_eq!(after_run(&run(Outcome::Failure)), DueReason::Backoff);
        assert_eq!(after_run(&EndedRun { overran: true, ..run(Outcome::Cancelled) }), DueReason::Backoff);
    }

    #[test]
    fn a_request_during_the_run_is_the_reason_unless_the_host_asked_for_a_pause() {
        let asked = |outcome| EndedRun { requested_meanwhile: true, ..run(outcome) };
        assert_eq!(after_run(&asked(Outcome::Success)), DueReason::Requested);
        assert_eq!(after_run(&asked(Outcome::Unavailable)), DueReason::Requested);
        let paused = EndedRun { retry_after: Some(Duration::from_secs(9)), ..asked(Outcome::Throttled) };
        assert_eq!(after_run(&paused), DueReason::HostTrouble);
    }
}
