//! Waits for a run and shows how it goes.
//!
//! A run that lost its worker (reclaimed, released) or did only a part (partial) is not the end of what was asked
//! for: the next run of the job goes on with it, and so does the waiting.

use crate::api::Api;
use crate::display::Display;
use crate::exit::{self, Done, Failure};
use crate::output::Output;
use crate::progress::Snapshot;
use crate::view::RunView;
use codeimport_core::{Outcome, Stage};
use codeimport_proto::convert;
use codeimport_proto::queue::{
    GetScheduleRequest, JobState, ListRunsRequest, Run, RunState, StopReason, WatchRunRequest,
};
use std::process::ExitCode;
use std::time::Duration;
use tonic::{Code, Status};

/// Between two looks for the next run. Short beside the seconds a run takes, long beside the millisecond of the call.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Waits until a run newer than `after_run_id` has ended for good; prints it and gives the exit code for it.
pub(crate) async fn for_run(api: &mut Api, output: Output, import_id: &str, after_run_id: i64) -> Done {
    let mut after_run_id = after_run_id;
    loop {
        let run_id = next_run(api, import_id, after_run_id).await?;
        let run = watch(api, output, run_id).await?;
        let outcome = run.domain_outcome();
        if matches!(outcome, Some(Outcome::Reclaimed | Outcome::Released | Outcome::Partial)) {
            output
                .say(&format!("run {run_id}: {}; waiting for the run that goes on", outcome.map_or("", Outcome::name)));
            after_run_id = run_id;
            continue;
        }
        output.run_end(&RunView::new(run));
        let good = outcome.is_some_and(Outcome::is_success);
        if let (false, Some(advice)) = (good, outcome.and_then(Outcome::advice)) {
            output.say(&format!("        {advice}"));
        }
        return Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(exit::RUN_FAILED) });
    }
}

/// Finds the first run after `after_run_id`, waiting for a worker to take the job.
async fn next_run(api: &mut Api, import_id: &str, after_run_id: i64) -> Result<i64, Failure> {
    let mut look = tokio::time::interval(LOOK_INTERVAL);
    loop {
        look.tick().await;
        let request = ListRunsRequest { job_id: import_id.to_owned(), page_size: 500, ..Default::default() };
        let runs = api.runs.list_runs(request).await.map_err(|s| Failure::status("cannot list the runs", &s))?;
        let newer = runs.into_inner().runs.iter().map(|r| r.run_id).filter(|id| *id > after_run_id).min();
        if let Some(run_id) = newer {
            return Ok(run_id);
        }
        still_runs(api, import_id).await?;
    }
}

/// Gives up the waiting for a job that will not run.
async fn still_runs(api: &mut Api, import_id: &str) -> Result<(), Failure> {
    let job = match api.schedules.get_schedule(GetScheduleRequest { job_id: import_id.to_owned() }).await {
        Ok(answer) => answer.into_inner().job.unwrap_or_default(),
        // The registry's outbox has not reached the queue yet.
        Err(status) if status.code() == Code::NotFound => return Ok(()),
        Err(status) => return Err(Failure::status("cannot ask for the schedule", &status)),
    };
    if job.state() != JobState::Stopped {
        return Ok(());
    }
    let why = match job.stop_reason() {
        StopReason::Unspecified => "it is suspended or deleted",
        StopReason::FailureLimit => "it failed too often in a row",
        StopReason::PermanentFailure => "its last failure does not heal by itself",
        StopReason::CrashLoop => "run after run lost its worker",
    };
    Err(Failure::refused(format!("{import_id} will not run: {why}")))
}

/// Looks for a queue that is away, in a row, before the waiting is given up: ten seconds, time for a restart.
const MAX_BREAKS: u32 = 50;

/// Follows one run to its end; asks again where the stream breaks.
async fn watch(api: &mut Api, output: Output, run_id: i64) -> Result<Run, Failure> {
    let mut display = Display::new(output);
    let mut breaks = 0;
    loop {
        match follow(api, &mut display, run_id, &mut breaks).await {
            Ok(Some(run)) => {
                display.clear();
                return Ok(run);
            }
            Err(status) if breaks >= MAX_BREAKS || status.code() == Code::NotFound => {
                return Err(Failure::status("cannot follow the run", &status));
            }
            Ok(None) | Err(_) => breaks += 1,
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Follows one stream: to the end of the run, or (`None`) to its own.
async fn follow(api: &mut Api, display: &mut Display, run_id: i64, breaks: &mut u32) -> Result<Option<Run>, Status> {
    let mut stream = api.runs.watch_run(WatchRunRequest { run_id }).await?.into_inner();
    while let Some(answer) = stream.message().await? {
        *breaks = 0;
        let run = answer.run.unwrap_or_default();
        display.show(&snapshot(&run));
        if run.state() == RunState::Finished {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// What is shown of a run.
fn snapshot(run: &Run) -> Snapshot {
    let elapsed = run.elapsed.as_ref().and_then(convert::duration_from_wire).unwrap_or_default();
    let progress = run.progress.clone().unwrap_or_default();
    Snapshot {
        stage: convert::stage_from_wire(progress.stage).map(Stage::name),
        done: progress.done_count,
        total: progress.total_count,
        unit: progress.unit,
        received_bytes: progress.received_bytes,
        elapsed_s: elapsed.as_secs_f64(),
    }
}
