//! The queue's own values on their way out.

use crate::{
    run::{Progress, Run, RunStats},
    schedule::{Job, JobState, Schedule, StopReason},
    store::{LogLine, RunEvent},
};
use codeimport_proto::{
    common,
    convert::{
        duration_to_wire, outcome_to_wire, rcs_type_to_wire, schedule_state_to_wire, stage_to_wire,
        stop_reason_to_wire, timestamp_to_wire,
    },
    queue as wire,
};

pub(in crate::rpc) fn job_to_wire(job: &Job) -> wire::Job {
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

pub(in crate::rpc) fn count_to_wire(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

pub(in crate::rpc) fn run_to_wire(run: &Run) -> wire::Run {
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

pub(in crate::rpc) fn run_event_to_wire(event: &RunEvent) -> wire::RunEvent {
    wire::RunEvent {
        sequence: event.sequence,
        run: Some(run_to_wire(&event.run)),
        stop_reason: wire_stop_reason(event.stop_reason),
        generation: event.generation,
        consecutive_failure_count: count_to_wire(event.failure_count),
    }
}

pub(in crate::rpc) fn log_line_to_wire(line: &LogLine) -> wire::LogLine {
    wire::LogLine {
        line_number: line.line_number,
        time: Some(timestamp_to_wire(line.logged_at)),
        stage: line.stage.map_or_else(Default::default, stage_to_wire).into(),
        text: line.text.clone(),
    }
}
