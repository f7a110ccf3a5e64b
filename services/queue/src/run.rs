//! Runs as the queue thinks of them: one attempt at a job, from its lease to its end. Pure.
//!
//! A run has an outcome if and only if it is over; [`RunEnd`] holds all that only then exists.

use codeimport_core::{FencingToken, ImportId, Outcome, RunId, Stage};
use jiff::Timestamp;
use std::time::Duration;

/// What a run did, as numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunStats {
    /// Refs created, moved and deleted.
    pub refs_changed_count: i64,
    /// Commits reported for the first time.
    pub new_revision_count: i64,
    /// Bytes received from the source.
    pub received_bytes: i64,
}

/// How far a run has come in its stage.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// The stage; none before the first report.
    pub stage: Option<Stage>,
    /// Units done.
    pub done_count: i64,
    /// Units in all; none while unknown.
    pub total_count: Option<i64>,
    /// What is counted.
    pub unit: String,
    /// Bytes received from the source in this stage.
    pub received_bytes: i64,
}

/// A run: one attempt at a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// Its number.
    pub run_id: RunId,
    /// The job.
    pub job_id: ImportId,
    /// The lease's fencing token.
    pub fencing_token: FencingToken,
    /// Who holds or held the lease.
    pub worker_id: String,
    /// Who asked for it; none if it was scheduled.
    pub requested_by: Option<String>,
    /// Start of the lease.
    pub started_at: Timestamp,
    /// Last sign of life.
    pub heartbeat_at: Timestamp,
    /// The last progress reported; its stage is the run's.
    pub progress: Progress,
    /// Its end; none while it runs.
    pub end: Option<RunEnd>,
    /// From its start to its end, or to the moment of reading.
    pub elapsed: Duration,
}

/// The end of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunEnd {
    /// When.
    pub finished_at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// What happened and what to do, for people.
    pub message: String,
    /// What was done; none if no worker told.
    pub stats: Option<RunStats>,
}
