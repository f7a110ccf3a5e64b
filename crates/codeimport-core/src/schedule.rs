//! What is said about a schedule: what is wanted, why a job is due when it is, what it waits for, and why the queue gave up.

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

named_enum! {
    /// Why a job is due when it is.
    pub enum DueReason {
        /// It has never run.
        New = "new",
        /// Its interval since the last start.
        Interval = "interval",
        /// Failures in a row made the interval longer.
        Backoff = "backoff",
        /// The last run took over a part only.
        Partial = "partial",
        /// The host was in trouble.
        HostTrouble = "host_trouble",
        /// The last worker went silent.
        Reclaimed = "reclaimed",
        /// The last worker gave it back unfinished.
        Released = "released",
        /// A person asked for a run.
        Requested = "requested",
        /// It was approved or tried again.
        Resumed = "resumed",
    }
}

named_enum! {
    /// What keeps a job from running now. The first that applies, in this order.
    pub enum WaitReason {
        /// It does not run by itself.
        Stopped = "stopped",
        /// Its time has not come.
        NotDue = "not_due",
        /// No worker that takes jobs can do its RCS type.
        NoWorker = "no_worker",
        /// The host was in trouble several times in a row.
        HostBreaker = "host_breaker",
        /// The host asked for a pause, or starts are spaced.
        HostPause = "host_pause",
        /// The host runs as many jobs as it may.
        HostLimit = "host_limit",
        /// As many jobs of its RCS type run as may.
        RcsLimit = "rcs_limit",
        /// Only for a free worker, and its place in the line.
        Turn = "turn",
    }
}
