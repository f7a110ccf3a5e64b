//! What is written into the ledger: by workers, and by the queue.

use codeimport_core::Outcome;
use serde::{Deserialize, Serialize};

/// What a worker saw. Written down at once: before the call that it announces, or when the answer is there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The queue granted a lease.
    Granted {
        /// The job's number.
        job: u32,
        /// The run.
        run_id: i64,
        /// Its fencing token.
        token: i64,
        /// When the answer was there.
        at: i64,
    },
    /// A heartbeat was answered: the lease goes on.
    Extended {
        /// The run.
        run_id: i64,
        /// When the heartbeat was sent.
        sent_at: i64,
    },
    /// An end is about to be reported.
    Ending {
        /// The run.
        run_id: i64,
        /// The outcome that will be reported.
        outcome: String,
    },
    /// The queue accepted an end.
    Accepted {
        /// The run.
        run_id: i64,
        /// The outcome that was reported.
        outcome: String,
        /// When the call was sent that was answered.
        sent_at: i64,
        /// When the answer was there.
        at: i64,
    },
    /// The queue refused: the lease is lost.
    Refused {
        /// The run.
        run_id: i64,
    },
    /// The queue said something that it must not say to a worker that keeps the rules.
    Strange {
        /// What.
        what: String,
    },
}

/// A finished run as the queue's events tell it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// Position in the stream.
    pub sequence: i64,
    /// The job's number.
    pub job: u32,
    /// The run.
    pub run_id: i64,
    /// Its fencing token.
    pub token: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// Start of the lease, last heartbeat, end.
    pub started_at: i64,
    /// Last sign of life.
    pub heartbeat_at: i64,
    /// End.
    pub finished_at: i64,
}
