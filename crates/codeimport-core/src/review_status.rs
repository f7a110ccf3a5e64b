//! Whether an import may run at all.
//!
//! ```text
//!   NEW ------> REVIEWED <-----> SUSPENDED
//!    |           |    ^
//!    |           v    | try again
//!    |          FAILING               any ----> INVALID ----> any
//! ```
//!
//! Operators may set any status but FAILING, from any other: Launchpad's experience is that a fixed graph
//! only makes people take detours. FAILING is the system's word and is set by nobody else.

use crate::outcome::{UnknownName, named_enum};

named_enum! {
    /// Whether an import may run at all.
    pub enum ReviewStatus {
        /// Waits for a person's approval.
        New = "new",
        /// Approved: runs whenever it is due.
        Reviewed = "reviewed",
        /// Approved once, paused now.
        Suspended = "suspended",
        /// Rejected: will not be run.
        Invalid = "invalid",
        /// Given up by the queue after repeated or permanent failure.
        Failing = "failing",
    }
}

impl ReviewStatus {
    /// Whether the import is scheduled.
    #[must_use]
    pub fn runs(self) -> bool {
        self == Self::Reviewed
    }

    /// Whether a person may ask for this status.
    #[must_use]
    pub fn may_be_requested(self) -> bool {
        self != Self::Failing
    }

    /// Whether "try again" makes sense.
    #[must_use]
    pub fn may_be_retried(self) -> bool {
        matches!(self, Self::Reviewed | Self::Failing)
    }
}
