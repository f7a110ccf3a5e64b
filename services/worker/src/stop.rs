//! Why a run ends before its work is done.

use crate::lease::LeaseEnded;
use codeimport_convert::ConvertError;
use codeimport_core::{Outcome, Stage};
use codeimport_kit::reason_of;
use codeimport_proto::common::ErrorReason;
use std::error::Error as _;
use tonic::{Code, Status};

/// A run that does not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// A stage failed; this is how the run is reported.
    #[error(transparent)]
    Failed(#[from] ConvertError),
    /// The lease ended, in whichever way; what follows depends on the way.
    #[error(transparent)]
    LeaseEnded(#[from] LeaseEnded),
}

/// What a refused call means for whoever made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// Nobody was there, or too busy: repeat.
    Transient,
    /// The caller's token is outdated, or its lease is lost: ask the queue.
    LeaseLost,
    /// The import is gone.
    Gone,
    /// Policy no longer allows the source.
    Forbidden,
    /// A commit is missing that was believed to be stored.
    Incomplete,
    /// Anything else: a fault of codeimport, or of its configuration.
    Fault,
}

/// Reads a status by its published reason, and by its code where there is none.
pub(crate) fn judge(status: &Status) -> Refusal {
    match reason_of(status) {
        Some(ErrorReason::LeaseLost) => Refusal::LeaseLost,
        Some(ErrorReason::ImportNotFound | ErrorReason::JobNotFound) => Refusal::Gone,
        Some(ErrorReason::ReviewStatusForbids) => Refusal::Forbidden,
        Some(ErrorReason::CommitNotStored) => Refusal::Incomplete,
        Some(ErrorReason::DatabaseUnavailable | ErrorReason::Draining | ErrorReason::Contention) => Refusal::Transient,
        Some(ErrorReason::DeadlineExpired) => Refusal::Transient,
        Some(_) => Refusal::Fault,
        None => judge_code(status),
    }
}

fn judge_code(status: &Status) -> Refusal {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::ResourceExhausted => Refusal::Transient,
        // What the transport makes of its own time-out, and of a connection that broke under a call.
        Code::Cancelled | Code::Unknown | Code::Internal if status.source().is_some() => Refusal::Transient,
        Code::Cancelled => Refusal::Transient,
        _ => Refusal::Fault,
    }
}

/// How a run is reported whose call was refused for good.
pub(crate) fn failure(stage: Stage, who: &str, status: &Status) -> ConvertError {
    match judge(status) {
        Refusal::Gone => ConvertError::new(Outcome::Cancelled, stage, "The import was deleted."),
        Refusal::Forbidden => ConvertError::new(Outcome::Forbidden, stage, sentence(status.message())),
        Refusal::Transient | Refusal::LeaseLost | Refusal::Incomplete | Refusal::Fault => {
            let text = format!("The {who} refused the worker's call: {}.", status.message().trim_end_matches('.'));
            ConvertError::new(Outcome::Failure, stage, text)
        }
    }
}

/// A status message as a sentence for people.
fn sentence(message: &str) -> String {
    let mut letters = message.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_kit::ApiError;

    #[test]
    fn the_published_reason_decides() {
        let refusal = |reason| judge(&Status::from(ApiError::new(reason, "why")));
        assert_eq!(refusal(ErrorReason::LeaseLost), Refusal::LeaseLost);
        assert_eq!(refusal(ErrorReason::ImportNotFound), Refusal::Gone);
        assert_eq!(refusal(ErrorReason::DatabaseUnavailable), Refusal::Transient);
        assert_eq!(refusal(ErrorReason::LeaseTokenInvalid), Refusal::Fault);
        assert_eq!(refusal(ErrorReason::Internal), Refusal::Fault);
    }

    #[test]
    fn without_a_reason_only_absence_is_worth_a_repetition() {
        assert_eq!(judge(&Status::unavailable("no connection")), Refusal::Transient);
        assert_eq!(judge(&Status::deadline_exceeded("too slow")), Refusal::Transient);
        assert_eq!(judge(&Status::invalid_argument("what?")), Refusal::Fault);
        assert_eq!(judge(&Status::unimplemented("who?")), Refusal::Fault);
    }

    #[test]
    fn a_source_that_policy_no_longer_allows_is_forbidden() {
        let status: Status = ApiError::new(ErrorReason::ReviewStatusForbids, "the source is no longer allowed").into();
        let error = failure(Stage::Probe, "registry", &status);
        assert_eq!((error.outcome, error.message.as_str()), (Outcome::Forbidden, "The source is no longer allowed."));
    }

    #[test]
    fn a_run_of_a_deleted_import_is_cancelled() {
        let status = Status::from(ApiError::new(ErrorReason::ImportNotFound, "no such import"));
        assert_eq!(failure(Stage::Probe, "registry", &status).outcome, Outcome::Cancelled);
    }
}
