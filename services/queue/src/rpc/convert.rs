//! Wire values to the queue's own, with everything that is wrong at once, and the way back.

use crate::{
    run::{Progress, Run, RunStats},
    schedule::{IntervalBounds, Job, JobState, PutSchedule, Schedule, StopReason},
    store::{Acquire, Finish, LeaseName, LogLine, RunEvent, RunWish, storable_line},
};
use codeimport_core::{ImportId, Outcome, RcsType, RunId, Stage};
use codeimport_kit::{ApiError, Violations};
use codeimport_proto::{
    common,
    convert::{
        duration_from_wire, duration_to_wire, outcome_from_wire, outcome_to_wire, rcs_type_from_wire, rcs_type_to_wire,
        schedule_state_from_wire, schedule_state_to_wire, stage_from_wire, stage_to_wire, stop_reason_to_wire,
        timestamp_from_wire, timestamp_to_wire,
    },
    queue as wire,
};
use std::{fmt::Display, time::Duration};
use uuid::Uuid;

/// Longest update interval: ten years, for ever in practice and far from any overflow.
const MAX_INTERVAL: Duration = Duration::from_secs(10 * 365 * 86_400);
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// Longest name of a worker, version or person, in characters.
const MAX_NAME: usize = 200;
const MAX_LEASES: i32 = 100;
/// Most items of a call.
pub(super) const MAX_ITEMS: usize = 500;

pub(super) fn put_schedule(request: wire::PutScheduleRequest) -> Result<PutSchedule, ApiError> {
    let mut v = Violations::new();
    let job_id = v.check("job_id", request.job_id.parse::<ImportId>());
    if request.generation < 1 {
        v.add("generation", "must be positive");
    }
    let sent = v.require("schedule", request.schedule);
    let schedule = sent.and_then(|sent| schedule(&mut v, sent));
    v.finish_with(job_id.zip(schedule).map(|(job_id, schedule)| PutSchedule {
        job_id,
        generation: request.generation,
        schedule,
        resume: request.resume,
    }))
}

fn schedule(v: &mut Violations, sent: wire::Schedule) -> Option<Schedule> {
    let wanted = v.require("schedule.state", schedule_state_from_wire(sent.state));
    let rcs_type = v.require("schedule.rcs_type", rcs_type_from_wire(sent.rcs_type));
    let interval = v.require("schedule.update_interval", sent.update_interval.as_ref());
    let interval = interval.and_then(|interval| v.check("schedule.update_interval", update_interval(interval)));
    let bounds = sent.adaptive_interval.as_ref().map(interval_bounds).transpose();
    let bounds = v.check("schedule.adaptive_interval", bounds);
    v.check("schedule.owner", plain_text(&sent.owner, 0, MAX_NAME))?;
    v.check("schedule.source_host", plain_text(&sent.source_host, 0, 255))?;
    let (source_host, owner) = (sent.source_host, sent.owner);
    Some(Schedule {
        wanted: wanted?,
        update_interval: interval?,
        bounds: bounds?,
        rcs_type: rcs_type?,
        source_host,
        owner,
    })
}

fn interval_bounds(sent: &wire::AdaptiveInterval) -> Result<IntervalBounds, &'static str> {
    let bound = |sent: &Option<_>| sent.as_ref().ok_or("needs both bounds").and_then(update_interval);
    let (shortest, longest) = (bound(&sent.shortest)?, bound(&sent.longest)?);
    if shortest > longest {
        return Err("has a shortest that is longer than its longest");
    }
    Ok(IntervalBounds { shortest, longest })
}

fn update_interval(sent: &prost_types::Duration) -> Result<Duration, &'static str> {
    match duration_from_wire(sent) {
        Some(span) if (MIN_INTERVAL..=MAX_INTERVAL).contains(&span) => Ok(span),
        _ => Err("must be between one second and ten years"),
    }
}

pub(super) fn job_id(text: &str) -> Result<ImportId, ApiError> {
    let mut v = Violations::new();
    let job_id = v.check("job_id", text.parse());
    v.finish_with(job_id)
}

pub(super) fn host_name(v: &mut Violations, name: String) -> Option<String> {
    v.check("name", plain_text(&name, 1, 255)).map(|()| name)
}

/// Who does something; who does not say is anonymous.
pub(super) fn actor(v: &mut Violations, field: &str, name: String) -> Option<String> {
    v.check(field, plain_text(&name, 0, MAX_NAME))?;
    Some(if name.is_empty() { "anonymous".to_owned() } else { name })
}

/// The name of a worker.
pub(super) fn worker_id(v: &mut Violations, worker_id: String) -> Option<String> {
    v.check("worker_id", plain_text(&worker_id, 1, MAX_NAME)).map(|()| worker_id)
}

/// A version, or versions.
pub(super) fn version(v: &mut Violations, field: &str, version: String) -> Option<String> {
    v.check(field, plain_text(&version, 0, MAX_NAME)).map(|()| version)
}

/// Why somebody does something.
pub(super) fn reason(v: &mut Violations, reason: String) -> Option<String> {
    const MAX_REASON: usize = 500;
    v.check("reason", plain_text(&reason, 0, MAX_REASON)).map(|()| reason)
}

/// The run to stop, and what it is told.
pub(super) fn cancel_run(request: wire::CancelRunRequest) -> Result<(RunId, String), ApiError> {
    let mut v = Violations::new();
    let by = actor(&mut v, "cancelled_by", request.cancelled_by);
    let reason = reason(&mut v, request.reason);
    let told = by.zip(reason).map(|(by, reason)| match reason.as_str() {
        "" => format!("cancelled by {by}"),
        reason => format!("cancelled by {by}: {reason}"),
    });
    v.finish_with(told.map(|told| (RunId(request.run_id), told)))
}

pub(super) fn request_run(request: wire::RequestRunRequest) -> Result<RunWish, ApiError> {
    let mut v = Violations::new();
    let job_id = v.check("job_id", request.job_id.parse());
    let by = actor(&mut v, "requested_by", request.requested_by);
    v.finish_with(job_id.zip(by).map(|(job_id, by)| RunWish { job_id, by }))
}

/// A request for leases, and how long to wait for one.
pub(super) fn acquire(request: wire::AcquireLeasesRequest) -> Result<(Acquire, Duration), ApiError> {
    let mut v = Violations::new();
    v.check("worker_id", plain_text(&request.worker_id, 1, MAX_NAME));
    v.check("worker_version", plain_text(&request.worker_version, 0, MAX_NAME));
    let in_range = (1..=MAX_LEASES).contains(&request.max_leases);
    let max_leases =
        v.check("max_leases", u32::try_from(request.max_leases).ok().filter(|_| in_range).ok_or("must be 1 to 100"));
    let rcs_types = rcs_types(&mut v, &request.rcs_types);
    let wait =
        request.wait_timeout.as_ref().map_or(Ok(Duration::ZERO), |wait| duration_from_wire(wait).ok_or("is negative"));
    let wait = v.check("wait_timeout", wait);
    let request_id = v.check("request_id", request.request_id.parse::<Uuid>().map_err(|_| "is no UUID"));
    let values = max_leases.zip(rcs_types).zip(wait).zip(request_id);
    v.finish_with(values.map(|(((max_leases, rcs_types), wait), request_id)| {
        let (worker_id, worker_version) = (request.worker_id, request.worker_version);
        (Acquire { worker_id, worker_version, max_leases, rcs_types, request_id, looked_up: false }, wait)
    }))
}

fn rcs_types(v: &mut Violations, sent: &[i32]) -> Option<Vec<RcsType>> {
    if sent.is_empty() {
        v.add("rcs_types", "is empty: name at least one");
    }
    sent.iter()
        .enumerate()
        .map(|(at, number)| v.require(&format!("rcs_types[{at}]"), rcs_type_from_wire(*number)))
        .collect()
}

/// What a heartbeat says of one lease besides its token.
pub(super) struct Report {
    pub(super) lease_token: Vec<u8>,
    pub(super) progress: Option<Progress>,
    pub(super) log_lines: Vec<LogLine>,
}

pub(super) fn heartbeat(request: wire::HeartbeatRequest) -> Result<Vec<Report>, ApiError> {
    let mut v = Violations::new();
    v.check("worker_id", plain_text(&request.worker_id, 1, MAX_NAME));
    if request.items.len() > MAX_ITEMS {
        v.add("items", "are more than 500");
    }
    let reports = request.items.into_iter().enumerate().map(|(at, item)| report(&mut v, &format!("items[{at}]"), item));
    let reports: Option<Vec<_>> = reports.collect();
    v.finish_with(reports)
}

fn report(v: &mut Violations, path: &str, item: wire::HeartbeatItem) -> Option<Report> {
    let progress = item.progress.map(|sent| v.check(&format!("{path}.progress"), progress(sent)));
    let log_lines = log_lines(v, &format!("{path}."), item.log_lines);
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
pub(super) fn log_lines(v: &mut Violations, path: &str, sent: Vec<wire::LogLine>) -> Option<Vec<LogLine>> {
    let lines =
        sent.into_iter().enumerate().map(|(at, line)| v.check(&format!("{path}log_lines[{at}]"), log_line(&line)));
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
pub(super) struct FinishReport {
    outcome: Outcome,
    stage: Option<Stage>,
    message: String,
    stats: RunStats,
    log_lines: Vec<LogLine>,
    retry_after: Option<Duration>,
}

impl FinishReport {
    /// As the finish of this lease.
    pub(super) fn of(self, lease: LeaseName) -> Finish {
        let Self { outcome, stage, message, stats, log_lines, retry_after } = self;
        Finish { lease, outcome, stage, message, stats, log_lines, retry_after }
    }
}

/// `path` is what stands before the names of its fields.
pub(super) fn finish(v: &mut Violations, path: &str, request: wire::FinishRunRequest) -> Option<FinishReport> {
    let outcome = v.require(&format!("{path}outcome"), outcome_from_wire(request.outcome));
    if outcome.is_some_and(|outcome| !outcome.is_reportable()) {
        v.add(format!("{path}outcome"), "is not for workers to report");
    }
    let log_lines = log_lines(v, path, request.log_lines);
    let retry_after = request.retry_after.as_ref().map(|span| duration_from_wire(span).ok_or("is negative"));
    let retry_after = v.check(&format!("{path}retry_after"), retry_after.transpose());
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

/// Checks text that ends up in tables that people read.
fn plain_text(text: &str, min: usize, max: usize) -> Result<(), impl Display> {
    let length = text.chars().count();
    if length < min {
        return Err("is empty".to_owned());
    }
    if length > max {
        return Err(format!("is longer than {max} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("contains a control character".to_owned());
    }
    Ok(())
}

pub(super) fn job_to_wire(job: &Job) -> wire::Job {
    let (state, stop_reason, due_time, running_run_id) = match &job.state {
        JobState::Waiting { due_at } => (wire::JobState::Waiting, None, Some(timestamp_to_wire(*due_at)), None),
        JobState::Running(lease) => (wire::JobState::Running, None, None, Some(lease.run_id.0)),
        JobState::Stopped { reason } => (wire::JobState::Stopped, *reason, None, None),
    };
    wire::Job {
        job_id: job.job_id.to_string(),
        generation: job.generation,
        schedule: Some(schedule_to_wire(&job.schedule)),
        state: state.into(),
        stop_reason: wire_stop_reason(stop_reason),
        due_time,
        requested_time: job.request.as_ref().map(|request| timestamp_to_wire(request.at)),
        running_run_id,
        consecutive_failure_count: count_to_wire(job.failure_count),
        consecutive_reclaim_count: count_to_wire(job.reclaim_count),
        current_interval: Some(duration_to_wire(job.interval())),
    }
}

fn schedule_to_wire(schedule: &Schedule) -> wire::Schedule {
    wire::Schedule {
        state: schedule_state_to_wire(schedule.wanted).into(),
        update_interval: Some(duration_to_wire(schedule.update_interval)),
        rcs_type: rcs_type_to_wire(schedule.rcs_type).into(),
        source_host: schedule.source_host.clone(),
        owner: schedule.owner.clone(),
        adaptive_interval: schedule.bounds.map(|bounds| wire::AdaptiveInterval {
            shortest: Some(duration_to_wire(bounds.shortest)),
            longest: Some(duration_to_wire(bounds.longest)),
        }),
    }
}

/// None is the unspecified value.
fn wire_stop_reason(reason: Option<StopReason>) -> i32 {
    reason.map_or_else(Default::default, stop_reason_to_wire).into()
}

pub(super) fn count_to_wire(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

pub(super) fn run_to_wire(run: &Run) -> wire::Run {
    let state = if run.end.is_some() { wire::RunState::Finished } else { wire::RunState::Running };
    let end = run.end.as_ref();
    wire::Run {
        run_id: run.run_id.0,
        job_id: run.job_id.to_string(),
        state: state.into(),
        outcome: end.map_or_else(Default::default, |end| outcome_to_wire(end.outcome)).into(),
        stage: run.progress.stage.map_or_else(Default::default, stage_to_wire).into(),
        message: end.map(|end| end.message.clone()).unwrap_or_default(),
        progress: Some(progress_to_wire(&run.progress)),
        stats: end.and_then(|end| end.stats).map(stats_to_wire),
        worker_id: run.worker_id.clone(),
        fencing_token: run.fencing_token.0,
        start_time: Some(timestamp_to_wire(run.started_at)),
        heartbeat_time: Some(timestamp_to_wire(run.heartbeat_at)),
        finish_time: end.map(|end| timestamp_to_wire(end.finished_at)),
        elapsed: Some(duration_to_wire(run.elapsed)),
        requested_by: run.requested_by.clone().unwrap_or_default(),
    }
}

fn progress_to_wire(progress: &Progress) -> common::Progress {
    common::Progress {
        stage: progress.stage.map_or_else(Default::default, stage_to_wire).into(),
        done_count: progress.done_count,
        total_count: progress.total_count,
        unit: progress.unit.clone(),
        received_bytes: progress.received_bytes,
    }
}

fn stats_to_wire(stats: RunStats) -> common::RunStats {
    common::RunStats {
        refs_changed_count: stats.refs_changed_count,
        new_revision_count: stats.new_revision_count,
        received_bytes: stats.received_bytes,
    }
}

pub(super) fn run_event_to_wire(event: &RunEvent) -> wire::RunEvent {
    wire::RunEvent {
        sequence: event.sequence,
        run: Some(run_to_wire(&event.run)),
        stop_reason: wire_stop_reason(event.stop_reason),
        generation: event.generation,
        consecutive_failure_count: count_to_wire(event.failure_count),
    }
}

pub(super) fn log_line_to_wire(line: &LogLine) -> wire::LogLine {
    wire::LogLine {
        line_number: line.line_number,
        time: Some(timestamp_to_wire(line.logged_at)),
        stage: line.stage.map_or_else(Default::default, stage_to_wire).into(),
        text: line.text.clone(),
    }
}
