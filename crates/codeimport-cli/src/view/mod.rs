//! What is shown of imports and runs: the JSON objects of `--json` (described in docs/cli-json.md) and the source
//! of the texts.
//!
//! Field names and types here are an interface: add, never rename.

mod event;
mod local;
mod notify;
mod queue;
mod reviewed;

pub(crate) use self::queue::{ExplanationView, HostView, LoadView, StatsView, WorkerView};
pub(crate) use event::{ChangeView, EventView, OwnedEventView};
pub(crate) use local::{ConversionView, MapView, MismatchView, PositionView, PreviewView, VerificationView};
pub(crate) use notify::{DeliveryView, TriggerView, WebhookView};
pub(crate) use reviewed::{CredentialView, LoadedView, NoteView};

use codeimport_proto::{convert, queue as wire, registry};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// One import, with what the queue says of it.
#[derive(Serialize)]
pub(crate) struct ImportView {
    pub(crate) import_id: String,
    pub(crate) display_name: String,
    pub(crate) rcs_type: String,
    pub(crate) source_url: String,
    pub(crate) target_url: String,
    pub(crate) review_status: String,
    pub(crate) review_reason: String,
    pub(crate) registrant: String,
    pub(crate) create_time: Option<Timestamp>,
    pub(crate) last_success_time: Option<Timestamp>,
    pub(crate) last_run_id: Option<i64>,
    pub(crate) last_outcome: Option<String>,
    pub(crate) last_message: String,
    pub(crate) consecutive_failure_count: i32,
    /// `waiting`, `running`, `stopped`; absent until the queue knows the import, or where it was not asked.
    pub(crate) job_state: Option<String>,
    pub(crate) next_due_time: Option<Timestamp>,
    pub(crate) running_run_id: Option<i64>,
}

impl ImportView {
    /// From what the registry says, and the queue if it was asked.
    pub(crate) fn new(import: registry::Import, job: Option<&wire::Job>) -> Self {
        let source = import.source.unwrap_or_default();
        Self {
            rcs_type: convert::rcs_type_from_wire(source.rcs_type).map_or_else(String::new, |t| t.to_string()),
            source_url: source.url,
            target_url: import.target.unwrap_or_default().url,
            review_status: convert::review_status_from_wire(import.review_status)
                .map_or_else(String::new, |s| s.to_string()),
            create_time: time(import.create_time),
            last_success_time: time(import.last_success_time),
            last_run_id: (import.last_run_id != 0).then_some(import.last_run_id),
            last_outcome: convert::outcome_from_wire(import.last_outcome).map(|o| o.to_string()),
            job_state: job.and_then(job_state).map(str::to_owned),
            next_due_time: job.and_then(|job| time(job.due_time)),
            running_run_id: job.and_then(|job| job.running_run_id),
            import_id: import.import_id,
            display_name: import.display_name,
            review_reason: import.review_reason,
            registrant: import.registrant,
            last_message: import.last_message,
            consecutive_failure_count: import.consecutive_failure_count,
        }
    }
}

/// One run.
#[derive(Serialize)]
pub(crate) struct RunView {
    pub(crate) run_id: i64,
    pub(crate) import_id: String,
    /// `running` or `finished`.
    pub(crate) state: String,
    pub(crate) outcome: Option<String>,
    pub(crate) stage: Option<String>,
    pub(crate) message: String,
    pub(crate) worker_id: String,
    pub(crate) requested_by: String,
    pub(crate) start_time: Option<Timestamp>,
    pub(crate) finish_time: Option<Timestamp>,
    pub(crate) elapsed_s: f64,
    pub(crate) refs_changed_count: i64,
    pub(crate) new_revision_count: i64,
    pub(crate) received_bytes: i64,
}

impl RunView {
    /// From what the queue says.
    pub(crate) fn new(run: wire::Run) -> Self {
        let stats = run.stats.unwrap_or_default();
        Self {
            state: if run.state() == wire::RunState::Finished { "finished" } else { "running" }.to_owned(),
            outcome: convert::outcome_from_wire(run.outcome).map(|o| o.to_string()),
            stage: convert::stage_from_wire(run.stage).map(|s| s.to_string()),
            start_time: time(run.start_time),
            finish_time: time(run.finish_time),
            elapsed_s: run.elapsed.as_ref().and_then(convert::duration_from_wire).unwrap_or_default().as_secs_f64(),
            run_id: run.run_id,
            import_id: run.job_id,
            message: run.message,
            worker_id: run.worker_id,
            requested_by: run.requested_by,
            refs_changed_count: stats.refs_changed_count,
            new_revision_count: stats.new_revision_count,
            received_bytes: stats.received_bytes,
        }
    }

    /// How long it took.
    pub(crate) fn elapsed(&self) -> SignedDuration {
        SignedDuration::try_from_secs_f64(self.elapsed_s).unwrap_or_default()
    }
}

/// One line of a run's log.
#[derive(Serialize)]
pub(crate) struct LogLineView {
    pub(crate) line_number: i64,
    pub(crate) time: Option<Timestamp>,
    pub(crate) stage: Option<String>,
    pub(crate) text: String,
}

impl LogLineView {
    /// From what the queue says.
    pub(crate) fn new(line: wire::LogLine) -> Self {
        Self {
            line_number: line.line_number,
            time: time(line.time),
            stage: convert::stage_from_wire(line.stage).map(|s| s.to_string()),
            text: line.text,
        }
    }
}

/// One ref of the target.
#[derive(Serialize)]
pub(crate) struct RefView {
    pub(crate) name: String,
    pub(crate) object_id: String,
    pub(crate) commit_id: String,
    pub(crate) is_default_branch: bool,
}

/// One revision of the target.
#[derive(Serialize)]
pub(crate) struct RevisionView {
    pub(crate) commit_id: String,
    pub(crate) parent_ids: Vec<String>,
    pub(crate) author_name: String,
    pub(crate) author_email: String,
    pub(crate) author_time: Option<Timestamp>,
    pub(crate) committer_time: Option<Timestamp>,
    pub(crate) message: String,
}

impl RevisionView {
    /// From what the registry says.
    pub(crate) fn new(revision: registry::Revision) -> Self {
        let author = revision.author.unwrap_or_default();
        Self {
            commit_id: revision.commit_id,
            parent_ids: revision.parent_ids,
            author_name: author.name,
            author_email: author.email,
            author_time: time(author.time),
            committer_time: time(revision.committer.unwrap_or_default().time),
            message: revision.message,
        }
    }
}

fn time(wire: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    wire.as_ref().and_then(convert::timestamp_from_wire)
}

fn job_state(job: &wire::Job) -> Option<&'static str> {
    match job.state() {
        wire::JobState::Unspecified => None,
        wire::JobState::Waiting => Some("waiting"),
        wire::JobState::Running => Some("running"),
        wire::JobState::Stopped => Some("stopped"),
    }
}
