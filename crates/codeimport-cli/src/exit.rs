//! Exit codes and the words on the way out.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | done; with `--wait`: the run ended well |
//! | 1 | the run that was waited for ended badly, or something unforeseen happened |
//! | 2 | the command line is wrong |
//! | 3 | the request was refused: bad input, no such import, not allowed now |
//! | 4 | a service cannot be reached |
//! | 141 | nobody reads the output any more, as in `codeimport … | head` |
//!
//! Of the commands that read a source themselves (`convert`, `map`, `verify`, `preview`, `poll`):
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | done: converted, nothing new, VERIFIED |
//! | 1 | codeimport failed |
//! | 2 | the command line is wrong |
//! | 3 | a part is done: `--limit` was reached, or verify says PARTIAL |
//! | 4 | the source cannot be reached, or asks for a pause: try again later |
//! | 5 | source or target is not what it should be: no repository there, unsupported, forbidden |
//! | 6 | the source wants a credential |
//! | 7 | the source contradicts itself |
//! | 8 | verify says MISMATCH |
//! | 130 | stopped by Ctrl-C; what was published stays |
//! | 141 | nobody reads the output any more; what was published stays |

use codeimport_convert::{ConvertError, PublishError};
use codeimport_core::Outcome;
use std::{fmt::Display, process::ExitCode};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The run that was waited for ended badly.
pub(crate) const RUN_FAILED: u8 = 1;

/// A part is done.
pub(crate) const PARTIAL: u8 = 3;

/// The copy is not what the source has.
pub(crate) const MISMATCH: u8 = 8;

/// Nobody reads the output: what a shell shows of a program that the closed pipe ended.
pub(crate) const READER_GONE: i32 = 141;

/// Why the command could not do what it was asked to.
pub(crate) struct Failure {
    code: u8,
    message: String,
    details: Vec<String>,
    /// Of a stage of the engine.
    outcome: Option<Outcome>,
}

/// What a command returns: its exit code, or why it failed.
pub(crate) type Done = Result<ExitCode, Failure>;

impl Failure {
    /// A request that could not even be sent.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into(), details: Vec::new(), outcome: None }
    }

    /// A command line that is wrong in a way that only the command itself can see.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, ..Self::refused(message) }
    }

    /// Anything unforeseen: `doing` says what was tried.
    pub(crate) fn other(doing: &str, error: impl Display) -> Self {
        Self { code: 1, message: format!("{doing}: {error:#}"), details: Vec::new(), outcome: None }
    }

    /// A stage of the engine that did not reach its end.
    pub(crate) fn outcome(error: &ConvertError) -> Self {
        let cause = std::error::Error::source(error).map(|cause| format!("{cause:#}")).unwrap_or_default();
        let cause = cause.lines().filter(|line| !line.is_empty()).map(str::to_owned);
        Self {
            code: code_of(error.outcome),
            message: error.message.clone(),
            details: cause.collect(),
            outcome: Some(error.outcome),
        }
    }

    /// What was converted could not be published.
    pub(crate) fn publishing(error: &PublishError) -> Self {
        match error {
            PublishError::Failed(error) => Self::outcome(error),
            PublishError::Fenced { .. } => Self::other("another run writes to this repository", error),
            PublishError::CacheDamaged => {
                Self::other("the repository lacks objects that it should have", "see what `git fsck` says")
            }
        }
    }

    /// Writes outcome and message down where they are shown as fields.
    pub(crate) fn tell(&self, outcome: &mut String, message: &mut String) {
        *outcome = self.outcome.unwrap_or(Outcome::Failure).to_string();
        message.clone_from(&self.message);
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
        // The message sums the violations up, which are listed below it.
        let summary = if violations.is_empty() { format!("{doing}: {}", status.message()) } else { doing.to_owned() };
        Self {
            code,
            message: summary,
            details: violations.into_iter().map(|v| format!("{}: {}", v.field, v.description)).collect(),
            outcome: None,
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
            outcome: None,
        }
    }
}

/// The exit code for the outcome of a stage.
fn code_of(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Success | Outcome::NoChange => 0,
        Outcome::Partial => PARTIAL,
        Outcome::Failure | Outcome::Reclaimed | Outcome::Released => 1,
        Outcome::Unavailable | Outcome::Throttled => 4,
        Outcome::Invalid | Outcome::UnsupportedFeature | Outcome::Forbidden => 5,
        Outcome::Authentication => 6,
        Outcome::RemoteBroken => 7,
        Outcome::Cancelled => 130,
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
