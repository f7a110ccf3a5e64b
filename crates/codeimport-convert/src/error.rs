//! Why a stage failed, as an outcome and a sentence for people.
//!
//! Nobody branches on the cause: it is for the log. What the schedule needs is the [`Outcome`], what a person needs
//! is the message, and both are decided where the failure is understood.

use codeimport_core::{Outcome, Stage, scrub};
use codeimport_subprocess::SubprocessError;
use std::{error::Error, io, path::Path, time::Duration};

/// A stage that did not reach its end.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConvertError {
    /// What it means for the schedule.
    pub outcome: Outcome,
    /// Where it happened.
    pub stage: Stage,
    /// What happened, for people: one or two sentences that name host or path, without credentials.
    pub message: String,
    /// For a host that asked not to be called earlier.
    pub retry_after: Option<Duration>,
    /// The technical cause.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl ConvertError {
    /// A failure in one sentence. Credentials in it are blotted out.
    #[must_use]
    pub fn new(outcome: Outcome, stage: Stage, message: impl AsRef<str>) -> Self {
        let message = scrub(message.as_ref()).into_owned();
        Self { outcome, stage, message, retry_after: None, source: None }
    }

    /// The same with its technical cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same with the pause that the host asked for.
    #[must_use]
    pub fn retry_after(mut self, pause: Option<Duration>) -> Self {
        self.retry_after = pause;
        self
    }

    /// The run was told to stop.
    #[must_use]
    pub fn cancelled(stage: Stage) -> Self {
        Self::new(Outcome::Cancelled, stage, "The run was told to stop.")
    }

    /// The worker's own disk let us down.
    pub(crate) fn disk(stage: Stage, path: &Path, source: io::Error) -> Self {
        Self::new(Outcome::Failure, stage, format!("The worker cannot use {}: {source}.", path.display()))
            .caused_by(source)
    }

    /// A program could not be run to its end.
    pub(crate) fn program(stage: Stage, error: SubprocessError) -> Self {
        match error {
            SubprocessError::Cancelled { .. } => Self::cancelled(stage),
            error @ SubprocessError::TimedOut { .. } => {
                Self::new(Outcome::Unavailable, stage, format!("{error}.")).caused_by(error)
            }
            error => Self::new(Outcome::Failure, stage, format!("{error}.")).caused_by(error),
        }
    }

    /// Whether the run was told to stop, as opposed to having failed.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.outcome == Outcome::Cancelled
    }

    /// Message and all causes in one line, for a log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = self.source.as_deref().map(|e| e as &dyn Error);
        while let Some(error) = cause {
            text.push_str(" | ");
            text.push_str(&scrub(&error.to_string()));
            cause = error.source();
        }
        text
    }
}
