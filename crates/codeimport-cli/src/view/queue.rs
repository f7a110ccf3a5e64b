//! What is shown of workers, hosts, explanations and figures of the queue.

use super::time;
use codeimport_proto::{convert, queue};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// One worker.
#[derive(Serialize)]
pub(crate) struct WorkerView {
    pub(crate) worker_id: String,
    /// `online`, `draining`, `offline`.
    pub(crate) state: &'static str,
    pub(crate) version: String,
    pub(crate) slot_count: i32,
    pub(crate) running_count: i32,
    /// RCS type to the tools for it.
    pub(crate) capabilities: BTreeMap<String, String>,
    pub(crate) state_set_by: String,
    pub(crate) state_reason: String,
    pub(crate) state_set_time: Option<Timestamp>,
    pub(crate) seen_time: Option<Timestamp>,
}

impl WorkerView {
    /// From what the queue says.
    pub(crate) fn new(worker: queue::Worker) -> Self {
        let state = match worker.state() {
            queue::WorkerState::Unspecified => "",
            queue::WorkerState::Online => "online",
            queue::WorkerState::Draining => "draining",
            queue::WorkerState::Offline => "offline",
        };
        let capability = |one: queue::Capability| Some((rcs_type(one.rcs_type)?, one.tools));
        Self {
            state,
            worker_id: worker.worker_id,
            version: worker.version,
            slot_count: worker.slot_count,
            running_count: worker.running_count,
            capabilities: worker.capabilities.into_iter().filter_map(capability).collect(),
            state_set_by: worker.state_set_by,
            state_reason: worker.state_reason,
            state_set_time: time(worker.state_set_time),
            seen_time: time(worker.seen_time),
        }
    }
}

/// One source host.
#[derive(Serialize)]
pub(crate) struct HostView {
    pub(crate) name: String,
    pub(crate) running_count: i32,
    pub(crate) max_running: Option<i32>,
    pub(crate) starts_per_minute: Option<i32>,
    /// `closed`, `open`, `half_open`.
    pub(crate) breaker: &'static str,
    pub(crate) open_time: Option<Timestamp>,
    pub(crate) down: bool,
    pub(crate) limits_set_by: String,
    pub(crate) limits_reason: String,
    pub(crate) limits_set_time: Option<Timestamp>,
}

impl HostView {
    /// From what the queue says.
    pub(crate) fn new(host: queue::Host) -> Self {
        let breaker = match host.breaker() {
            queue::BreakerState::Unspecified => "",
            queue::BreakerState::Closed => "closed",
            queue::BreakerState::Open => "open",
            queue::BreakerState::HalfOpen => "half_open",
        };
        let limits = host.limits.unwrap_or_default();
        Self {
            breaker,
            name: host.name,
            running_count: host.running_count,
            max_running: limits.max_running,
            starts_per_minute: limits.starts_per_minute,
            open_time: time(host.open_time),
            down: host.down,
            limits_set_by: host.limits_set_by,
            limits_reason: host.limits_reason,
            limits_set_time: time(host.limits_set_time),
        }
    }
}

/// Why an import runs when it does, and what it waits for.
#[derive(Serialize)]
pub(crate) struct ExplanationView {
    pub(crate) import_id: String,
    pub(crate) sentence: String,
    pub(crate) due_time: Option<Timestamp>,
    pub(crate) due_reason: Option<String>,
    pub(crate) wait_reason: Option<String>,
    pub(crate) wait_until_time: Option<Timestamp>,
    pub(crate) line_position: i64,
    pub(crate) host_down: bool,
}

impl ExplanationView {
    /// From what the queue says.
    pub(crate) fn new(import_id: String, answer: queue::ExplainScheduleResponse) -> Self {
        let explanation = answer.explanation.unwrap_or_default();
        Self {
            import_id,
            due_time: answer.job.and_then(|job| time(job.due_time)),
            due_reason: convert::due_reason_from_wire(explanation.due_reason).map(|reason| reason.to_string()),
            wait_reason: convert::wait_reason_from_wire(explanation.wait_reason).map(|reason| reason.to_string()),
            wait_until_time: time(explanation.wait_until_time),
            line_position: explanation.line_position,
            host_down: explanation.host_down,
            sentence: explanation.sentence,
        }
    }
}

/// Figures of the queue.
#[derive(Serialize)]
pub(crate) struct StatsView {
    pub(crate) waiting_count: i64,
    pub(crate) due_count: i64,
    pub(crate) leased_count: i64,
    pub(crate) oldest_due_age_s: f64,
    pub(crate) lag_p50_s: Option<f64>,
    pub(crate) lag_p99_s: Option<f64>,
    /// By what they wait for.
    pub(crate) waiting: BTreeMap<String, i64>,
    pub(crate) hosts: Vec<LoadView>,
    pub(crate) rcs_types: Vec<LoadView>,
}

/// Figures of a host or of an RCS type.
#[derive(Serialize)]
pub(crate) struct LoadView {
    pub(crate) name: String,
    pub(crate) due_count: i64,
    pub(crate) leased_count: i64,
    /// Only of an RCS type.
    pub(crate) worker_count: Option<i64>,
}

impl StatsView {
    /// From what the queue says.
    pub(crate) fn new(stats: queue::GetStatsResponse) -> Self {
        let reason = |one: queue::WaitCount| Some((convert::wait_reason_from_wire(one.reason)?.to_string(), one.count));
        let host = |one: queue::HostStats| LoadView {
            name: one.name,
            due_count: one.due_count,
            leased_count: one.leased_count,
            worker_count: None,
        };
        let of_type = |one: queue::RcsStats| LoadView {
            name: rcs_type(one.rcs_type).unwrap_or_default(),
            due_count: one.due_count,
            leased_count: one.leased_count,
            worker_count: Some(one.worker_count),
        };
        Self {
            waiting_count: stats.waiting_count,
            due_count: stats.due_count,
            leased_count: stats.leased_count,
            oldest_due_age_s: seconds(stats.oldest_due_age).unwrap_or_default(),
            lag_p50_s: seconds(stats.lag_p50),
            lag_p99_s: seconds(stats.lag_p99),
            waiting: stats.waiting.into_iter().filter_map(reason).collect(),
            hosts: stats.hosts.into_iter().map(host).collect(),
            rcs_types: stats.rcs_types.into_iter().map(of_type).collect(),
        }
    }
}

fn rcs_type(number: i32) -> Option<String> {
    convert::rcs_type_from_wire(number).map(|rcs_type| rcs_type.to_string())
}

fn seconds(span: Option<prost_types::Duration>) -> Option<f64> {
    span.as_ref().and_then(convert::duration_from_wire).map(|span| span.as_secs_f64())
}
