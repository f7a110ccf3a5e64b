//! The last word about a run: what is said to the queue, if anything. Pure.

use crate::{lease::LeaseEnded, pipeline::Done, stop::Stop};
use codeimport_convert::ConvertError;
use codeimport_core::{Outcome, Stage};
use codeimport_proto::common::RunStats;
use std::time::Duration;

/// How a run is reported.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) stage: Stage,
    pub(crate) message: String,
    pub(crate) stats: RunStats,
    pub(crate) retry_after: Option<Duration>,
}

/// The last word about a run.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Farewell {
    Finish(Report),
    Release,
    /// The lease is lost: nothing that we say counts.
    Nothing,
}

/// Decides what is said at the end, from the lease and from how the work went (`None`: it panicked).
pub(crate) fn farewell(ended: Option<LeaseEnded>, result: Option<Result<Done, Stop>>, stage: Stage) -> Farewell {
    let result = match result {
        None => Err(ConvertError::new(Outcome::Failure, stage, "The worker made a mistake; its log says which.")),
        Some(Ok(done)) => Ok(done),
        Some(Err(Stop::Failed(error))) => Err(error),
        Some(Err(Stop::LeaseEnded(_))) => Err(ConvertError::cancelled(stage)),
    };
    match (ended, result) {
        (Some(LeaseEnded::Lost(_)), _) => Farewell::Nothing,
        (Some(LeaseEnded::Released), Err(error)) if error.is_cancelled() => Farewell::Release,
        (Some(LeaseEnded::Cancelled(reason)), result) => Farewell::Finish(cancelled(&reason, result)),
        (Some(LeaseEnded::Released) | None, Ok(done)) => Farewell::Finish(done.into()),
        (Some(LeaseEnded::Released) | None, Err(error)) => Farewell::Finish(error.into()),
    }
}

/// The queue wanted the run to stop. What it did until then still counts as done.
fn cancelled(reason: &str, result: Result<Done, ConvertError>) -> Report {
    let (stage, stats) = match result {
        Ok(done) => (done.stage, done.stats),
        Err(error) => (error.stage, RunStats::default()),
    };
    let message = format!("The run was cancelled: {}.", reason.trim_end_matches('.'));
    Report { outcome: Outcome::Cancelled, stage, message, stats, retry_after: None }
}

impl From<Done> for Report {
    fn from(done: Done) -> Self {
        Self { outcome: done.outcome, stage: done.stage, message: String::new(), stats: done.stats, retry_after: None }
    }
}

impl From<ConvertError> for Report {
    fn from(error: ConvertError) -> Self {
        Self {
            outcome: error.outcome,
            stage: error.stage,
            message: error.message,
            stats: RunStats::default(),
            retry_after: error.retry_after,
        }
    }
}

impl Report {
    /// How the run's log ends.
    pub(crate) fn closing_line(&self) -> String {
        match self.message.as_str() {
            "" => format!("The run ends: {}.", self.outcome),
            message => format!("The run ends: {}. {message}", self.outcome),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done() -> Option<Result<Done, Stop>> {
        Some(Ok(Done { outcome: Outcome::Success, stage: Stage::Scan, stats: RunStats::default() }))
    }

    fn stopped() -> Option<Result<Done, Stop>> {
        Some(Err(ConvertError::cancelled(Stage::Fetch).into()))
    }

    fn outcome(farewell: &Farewell) -> Option<Outcome> {
        match farewell {
            Farewell::Finish(report) => Some(report.outcome),
            Farewell::Release | Farewell::Nothing => None,
        }
    }

    #[test]
    fn a_lost_lease_leaves_nothing_to_say_whatever_was_done() {
        for result in [done(), stopped(), None] {
            let lost = Some(LeaseEnded::Lost("reclaimed".to_owned()));
            assert_eq!(farewell(lost, result, Stage::Fetch), Farewell::Nothing);
        }
    }

    #[test]
    fn a_drained_run_is_given_back_unless_it_was_done() {
        assert_eq!(farewell(Some(LeaseEnded::Released), stopped(), Stage::Fetch), Farewell::Release);
        let ended = farewell(Some(LeaseEnded::Released), done(), Stage::Fetch);
        assert_eq!(outcome(&ended), Some(Outcome::Success));
    }

    #[test]
    fn a_cancelled_run_says_so_even_if_it_was_done() {
        for result in [done(), stopped(), None] {
            let ended = farewell(Some(LeaseEnded::Cancelled("deleted".to_owned())), result, Stage::Fetch);
            assert_eq!(outcome(&ended), Some(Outcome::Cancelled));
        }
    }

    #[test]
    fn a_panic_is_a_failure_of_the_stage_under_way() {
        let ended = farewell(None, None, Stage::Publish);
        let Farewell::Finish(report) = ended else { panic!("{ended:?}") };
        assert_eq!((report.outcome, report.stage), (Outcome::Failure, Stage::Publish));
    }

    #[test]
    fn a_failed_stage_is_reported_as_it_says() {
        let error = ConvertError::new(Outcome::Throttled, Stage::Probe, "Slow down.");
        let error = error.retry_after(Some(Duration::from_secs(9)));
        let ended = farewell(None, Some(Err(error.into())), Stage::Fetch);
        let Farewell::Finish(report) = ended else { panic!("{ended:?}") };
        assert_eq!((report.outcome, report.message.as_str()), (Outcome::Throttled, "Slow down."));
        assert_eq!(report.retry_after, Some(Duration::from_secs(9)));
    }
}
