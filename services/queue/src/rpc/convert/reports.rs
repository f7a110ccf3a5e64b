//! What workers tell of their runs.

use super::{
    MAX_ITEMS,
    fields::{MAX_NAME, plain_text},
};
use crate::{
    run::{Progress, RunStats},
    store::{Finish, LeaseName, LogLine, storable_line},
};
use codeimport_core::{Outcome, Stage};
use codeimport_kit::{ApiError, Violations};
use codeimport_proto::{
    common,
    convert::{duration_from_wire, outcome_from_wire, stage_from_wire, timestamp_from_wire},
    queue as wire,
};
use std::{fmt, time::Duration};

/// What a heartbeat says of one lease besides its token.
pub(in crate::rpc) struct Report {
    pub(in crate::rpc) lease_token: Vec<u8>,
    pub(in crate::rpc) progress: Option<Progress>,
    pub(in crate::rpc) log_lines: Vec<LogLine>,
}

pub(in crate::rpc) fn heartbeat(request: wire::HeartbeatRequest) -> Result<Vec<Report>, ApiError> {
    let mut v = Violations::new();
    v.check("worker_id", plain_text(&request.worker_id, 1, MAX_NAME));
    if request.items.len() > MAX_ITEMS {
        v.add("items", "are more than 500");
    }
    let reports =
        request.items.into_iter().enumerate().map(|(at, item)| report(&mut v, format_args!("items[{at}]"), item));
    let reports: Option<Vec<_>> = reports.collect();
    v.finish_with(reports)
}

fn report(v: &mut Violations, path: fmt::Arguments<'_>, item: wire::HeartbeatItem) -> Option<Report> {
    let progress = item.progress.map(|sent| v.check(format_args!("{path}.progress"), progress(sent)));
    let log_lines = log_lines(v, format_args!("{path}."), item.log_lines);
    Some(Report { lease_token: item.lease_token, progress: progress.flatten(), log_lines: log_lines? })
}

fn progress(sent: common::Progress) -> Result<Progress, &'static str> {
    if sent.done_count < 0 || sent.received_bytes < 0 || sent.total_count.is_some_and(|total| total < 0) {
        return Err("has a negative count");
    }
    Ok(Progress {
        stage: stage_from_wire(sent.stage),
        done_count: sent.done_count,
        total_count: sent.total_count,
        unit: sent.unit,
        received_bytes: sent.received_bytes,
    })
}

/// `path` is what stands before the name of the field.
pub(in crate::rpc) fn log_lines(
    v: &mut Violations,
    path: impl fmt::Display,
    sent: Vec<wire::LogLine>,
) -> Option<Vec<LogLine>> {
    let lines =
        sent.into_iter().enumerate().map(|(at, line)| v.check(format_args!("{path}log_lines[{at}]"), log_line(&line)));
    lines.collect()
}

fn log_line(sent: &wire::LogLine) -> Result<LogLine, &'static str> {
    if sent.line_number < 1 {
        return Err("has no positive line_number");
    }
    let logged_at = sent.time.as_ref().and_then(timestamp_from_wire).ok_or("has no valid time")?;
    let text = storable_line(&sent.text);
    Ok(LogLine { line_number: sent.line_number, logged_at, stage: stage_from_wire(sent.stage), text })
}

/// What a finish says besides its token.
pub(in crate::rpc) struct FinishReport {
    outcome: Outcome,
    stage: Option<Stage>,
    message: String,
    stats: RunStats,
    log_lines: Vec<LogLine>,
    retry_after: Option<Duration>,
}

impl FinishReport {
    /// As the finish of this lease.
    pub(in crate::rpc) fn of(self, lease: LeaseName) -> Finish {
        let Self { outcome, stage, message, stats, log_lines, retry_after } = self;
        Finish { lease, outcome, stage, message, stats, log_lines, retry_after }
    }
}

/// `path` is what stands before the names of its fields.
pub(in crate::rpc) fn finish(
    v: &mut Violations,
    path: impl fmt::Display,
    request: wire::FinishRunRequest,
) -> Option<FinishReport> {
    let outcome = v.require(format_args!("{path}outcome"), outcome_from_wire(request.outcome));
    if outcome.is_some_and(|outcome| !outcome.is_reportable()) {
        v.add(format_args!("{path}outcome"), "is not for workers to report");
    }
    let log_lines = log_lines(v, &path, request.log_lines);
    let retry_after = request.retry_after.as_ref().map(|span| duration_from_wire(span).ok_or("is negative"));
    let retry_after = v.check(format_args!("{path}retry_after"), retry_after.transpose());
    Some(FinishReport {
        outcome: outcome?,
        stage: stage_from_wire(request.stage),
        message: request.message,
        stats: stats(request.stats),
        log_lines: log_lines?,
        retry_after: retry_after?,
    })
}

fn stats(sent: Option<common::RunStats>) -> RunStats {
    let sent = sent.unwrap_or_default();
    RunStats {
        refs_changed_count: sent.refs_changed_count,
        new_revision_count: sent.new_revision_count,
        received_bytes: sent.received_bytes,
    }
}
