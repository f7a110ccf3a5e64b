//! What registry and queue say to each other about a schedule: what is wanted, and why the queue gave up.

use crate::outcome::{UnknownName, named_enum};

named_enum! {
    /// What the registry wants of a job.
    pub enum ScheduleState {
        /// Runs whenever it is due.
        Active = "active",
        /// Runs no more; a run under way may finish.
        Suspended = "suspended",
        /// The import is gone; a run under way is cancelled.
        Deleted = "deleted",
    }
}

named_enum! {
    /// Why the queue itself stopped a job.
    pub enum StopReason {
        /// Too many counted failures in a row.
        FailureLimit = "failure_limit",
        /// An outcome that does not heal by itself.
        PermanentFailure = "permanent_failure",
        /// Run after run lost its worker.
        CrashLoop = "crash_loop",
    }
}
