//! Which gRPC code a reason has, and its name on the wire. `docs/error-codes.md` shows the same table to people;
//! a test compares the two.

use codeimport_proto::common::ErrorReason;
use tonic::Code;

const PREFIX: &str = "ERROR_REASON_";

/// The gRPC code that goes with a reason, always.
#[must_use]
pub fn code_of(reason: ErrorReason) -> Code {
    match reason {
        ErrorReason::FieldViolation => Code::InvalidArgument,
        ErrorReason::ImportNotFound
        | ErrorReason::JobNotFound
        | ErrorReason::RunNotFound
        | ErrorReason::RevisionNotFound
        | ErrorReason::WorkerNotFound
        | ErrorReason::WebhookNotFound
        | ErrorReason::DeliveryNotFound
        | ErrorReason::TriggerNotFound
        | ErrorReason::CredentialNotFound => Code::NotFound,
        ErrorReason::ImportAlreadyExists | ErrorReason::SourceAlreadyImported => Code::AlreadyExists,
        ErrorReason::RoleForbids => Code::PermissionDenied,
        ErrorReason::EtagMismatch | ErrorReason::Contention => Code::Aborted,
        ErrorReason::ReviewStatusForbids
        | ErrorReason::JobStopped
        | ErrorReason::LeaseLost
        | ErrorReason::CommitNotStored
        | ErrorReason::CredentialInUse => Code::FailedPrecondition,
        ErrorReason::EventsGone => Code::OutOfRange,
        ErrorReason::LeaseTokenInvalid => Code::Unauthenticated,
        ErrorReason::DatabaseUnavailable | ErrorReason::Draining => Code::Unavailable,
        ErrorReason::DeadlineExpired => Code::DeadlineExceeded,
        // Unspecified is never sent on purpose; if it is, that is a bug.
        ErrorReason::Internal | ErrorReason::Unspecified => Code::Internal,
    }
}

/// The name of a reason in `google.rpc.ErrorInfo`: `LEASE_LOST`.
#[must_use]
pub fn reason_name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(PREFIX).unwrap_or(name)
}

pub(super) fn reason_from_name(name: &str) -> Option<ErrorReason> {
    ErrorReason::from_str_name(&format!("{PREFIX}{name}"))
}

/// All reasons that can be sent.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = ErrorReason> {
    // More numbers than there will be reasons.
    (1..1_000).filter_map(|number| ErrorReason::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(reason, code)` of each row of the table in the document.
    fn documented() -> Vec<(String, String)> {
        include_str!("../../../../docs/error-codes.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
            .map(|(reason, rest)| {
                let code = rest.split(" |").next().unwrap_or_default();
                (reason.to_owned(), code.trim_matches('`').to_owned())
            })
            .collect()
    }

    fn wire_name(code: Code) -> &'static str {
        match code {
            Code::InvalidArgument => "INVALID_ARGUMENT",
            Code::NotFound => "NOT_FOUND",
            Code::AlreadyExists => "ALREADY_EXISTS",
            Code::PermissionDenied => "PERMISSION_DENIED",
            Code::Aborted => "ABORTED",
            Code::FailedPrecondition => "FAILED_PRECONDITION",
            Code::OutOfRange => "OUT_OF_RANGE",
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::Unavailable => "UNAVAILABLE",
            Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Code::Internal => "INTERNAL",
            other => panic!("no reason has the code {other:?}"),
        }
    }

    #[test]
    fn the_document_lists_every_reason_with_its_code_and_no_other() {
        let mut expected: Vec<_> =
            all().map(|r| (reason_name(r).to_owned(), wire_name(code_of(r)).to_owned())).collect();
        let mut documented = documented();
        // The document has its own order: what belongs together stands together.
        expected.sort();
        documented.sort();
        assert_eq!(documented, expected);
    }
}
