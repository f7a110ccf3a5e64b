//! What callers want: schedules, runs, leases.

use super::fields::{MAX_NAME, actor, plain_text, reason};
use crate::{
    schedule::{IntervalBounds, PutSchedule, Schedule},
    store::{Acquire, RunWish},
};
use codeimport_core::{ImportId, RcsType, RunId};
use codeimport_kit::{ApiError, Violations};
use codeimport_proto::{
    convert::{duration_from_wire, rcs_type_from_wire, schedule_state_from_wire},
    queue as wire,
};
use std::time::Duration;
use uuid::Uuid;

/// Longest update interval: ten years, for ever in practice and far from any overflow.
const MAX_INTERVAL: Duration = Duration::from_secs(10 * 365 * 86_400);
const MIN_INTERVAL: Duration = Duration::from_secs(1);
const MAX_LEASES: i32 = 100;

pub(in crate::rpc) fn put_schedule(request: wire::PutScheduleRequest) -> Result<PutSchedule, ApiError> {
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

/// The run to stop, and what it is told.
pub(in crate::rpc) fn cancel_run(request: wire::CancelRunRequest) -> Result<(RunId, String), ApiError> {
    let mut v = Violations::new();
    let by = actor(&mut v, "cancelled_by", request.cancelled_by);
    let reason = reason(&mut v, request.reason);
    let told = by.zip(reason).map(|(by, reason)| match reason.as_str() {
        "" => format!("cancelled by {by}"),
        reason => format!("cancelled by {by}: {reason}"),
    });
    v.finish_with(told.map(|told| (RunId(request.run_id), told)))
}

pub(in crate::rpc) fn request_run(request: wire::RequestRunRequest) -> Result<RunWish, ApiError> {
    let mut v = Violations::new();
    let job_id = v.check("job_id", request.job_id.parse());
    let by = actor(&mut v, "requested_by", request.requested_by);
    v.finish_with(job_id.zip(by).map(|(job_id, by)| RunWish { job_id, by }))
}

/// A request for leases, and how long to wait for one.
pub(in crate::rpc) fn acquire(request: wire::AcquireLeasesRequest) -> Result<(Acquire, Duration), ApiError> {
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
        .map(|(at, number)| v.require(format_args!("rcs_types[{at}]"), rcs_type_from_wire(*number)))
        .collect()
}
