//! Exit codes and the words on the way out.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | done; with `--wait`: the run ended well |
//! | 1 | the run that was waited for ended badly, or something unforeseen happened |
//! | 2 | the command line is wrong |
//! | 3 | the request was refused: bad input, no such import, not allowed now |
//! | 4 | a service cannot be reached |

use std::{fmt::Display, process::ExitCode};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The run that was waited for ended badly.
pub(crate) const RUN_FAILED: u8 = 1;

/// Why the command could not do what it was asked to.
pub(crate) struct Failure {
    code: u8,
    message: String,
    details: Vec<String>,
}

/// What a command returns: its exit code, or why it failed.
pub(crate) type Done = Result<ExitCode, Failure>;

impl Failure {
    /// A request that could not even be sent.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into(), details: Vec::new() }
    }

    /// Anything unforeseen: `doing` says what was tried.
    pub(crate) fn other(doing: &str, error: impl Display) -> Self {
        Self { code: 1, message: format!("{doing}: {error:#}"), details: Vec::new() }
    }

    /// An answer that is no answer.
    pub(crate) fn status(doing: &str, status: &Status) -> Self {
        let details = status.get_error_details();
        let violations = details.bad_request().map(|b| b.field_violations.clone()).unwrap_or_default();
        let code = match status.code() {
            Code::Unavailable | Code::DeadlineExceeded => 4,
            Code::Internal | Code::Unknown | Code::DataLoss => 1,
            _ => 3,
        };
        Self {
            code,
            message: format!("{doing}: {}", status.message()),
            details: violations.into_iter().map(|v| format!("{}: {}", v.field, v.description)).collect(),
        }
    }

    /// A service that does not answer.
    pub(crate) fn unreachable(service: &str, url: &str) -> Self {
        Self {
            code: 4,
            message: format!("cannot reach the {service} at {url}"),
            details: vec![
                "start everything on this machine with `codeimport up`,".to_owned(),
                format!("or say where it is with --{service} or CODEIMPORT_{}_URL", service.to_uppercase()),
            ],
        }
    }
}

/// Says what went wrong and gives the exit code for it.
#[expect(clippy::print_stderr, reason = "the one place that reports a failure of the command")]
pub(crate) fn report(failure: &Failure) -> ExitCode {
    eprintln!("codeimport: {}", failure.message);
    for line in &failure.details {
        eprintln!("  {line}");
    }
    ExitCode::from(failure.code)
}
