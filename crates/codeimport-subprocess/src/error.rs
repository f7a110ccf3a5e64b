//! What can go wrong with a program besides its own exit code.

use std::{io, time::Duration};

/// A program could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum SubprocessError {
    /// There is no such program.
    #[error("program {program:?} was not found: install it, or put its folder into PATH")]
    NotFound {
        /// The program asked for.
        program: String,
    },
    /// The system refused to start it.
    #[error("program {program:?} could not be started")]
    Start {
        /// The program asked for.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It ran longer than it may, and was ended.
    #[error("program {program:?} did not end within {after:?} and was stopped: {stderr_tail}")]
    TimedOut {
        /// The program.
        program: String,
        /// The time-out.
        after: Duration,
        /// The end of what it had to say, scrubbed.
        stderr_tail: String,
    },
    /// Its [`Cancel`](crate::Cancel) was raised, and it was ended.
    #[error("program {program:?} was cancelled")]
    Cancelled {
        /// The program.
        program: String,
    },
    /// It wrote more to standard output than it may, and was ended.
    #[error("program {program:?} wrote more than {limit} bytes and was stopped")]
    OutputTooLarge {
        /// The program.
        program: String,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The system lost track of it.
    #[error("program {program:?} could not be waited for")]
    Wait {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl SubprocessError {
    /// Whether the program is not installed, as opposed to having failed.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}
