//! Jobs that come to wait in a line.

use super::column;
use crate::{board::LineId, due_reason::DueReason, schedule::RunRequest};
use codeimport_core::RunId;
use codeimport_pg::Statement;
use jiff::Timestamp;

/// A job and where it waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Waits {
    pub(super) job_no: i64,
    pub(super) line_id: LineId,
    pub(super) due_at: Timestamp,
    pub(super) request: Option<RunRequest>,
    pub(super) due_reason: DueReason,
    /// Its newest run that is over.
    pub(super) last_run_id: Option<RunId>,
}

pub(super) fn insert_waiting(waits: &[Waits]) -> Statement {
    Statement::new(
        "-- queue.insert_waiting
         INSERT INTO waiting (job_no, line_id, due_at, ready_at, requested_at, requested_by, due_reason, last_run_id)
         SELECT item.job_no, item.line_id, item.due_at, greatest(item.due_at, statement_timestamp()),
                item.requested_at, item.requested_by, item.due_reason, item.last_run_id
           FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[],
                       $7::bigint[])
                AS item (job_no, line_id, due_at, requested_at, requested_by, due_reason, last_run_id)",
    )
    .bind(column(waits, |one| one.job_no))
    .bind(column(waits, |one| one.line_id.0))
    .bind(column(waits, |one| one.due_at))
    .bind(column(waits, |one| one.request.as_ref().map(|request| request.at)))
    .bind(column(waits, |one| one.request.as_ref().map(|request| request.by.clone())))
    .bind(column(waits, |one| one.due_reason.name()))
    .bind(column(waits, |one| one.last_run_id.map(|run_id| run_id.0)))
}

/// Takes jobs out of their lines, wherever they stand.
pub(super) fn delete_waiting(job_nos: Vec<i64>) -> Statement {
    Statement::new("-- queue.delete_waiting\nDELETE FROM waiting WHERE waiting.job_no = ANY ($1)").bind(job_nos)
}
