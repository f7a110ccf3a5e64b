//! Waits for a run and shows how it goes.
//!
//! A run that lost its worker (reclaimed, released) or did only a part (partial) is not the end of what was asked
//! for: the next run of the job goes on with it, and so does the waiting.

use crate::api::Api;
use crate::exit::{self, Done, Failure};
use crate::output::Output;
use crate::progress::ProgressLine;
use crate::view::RunView;
use codeimport_core::Outcome;
use codeimport_proto::queue::{
    GetScheduleRequest, JobState, ListRunsRequest, Run, RunState, StopReason, WatchRunRequest,
};
use std::io::{IsTerminal as _, Write as _};
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

/// Follows one run to its end; asks again where the stream breaks.
async fn watch(api: &mut Api, output: Output, run_id: i64) -> Result<Run, Failure> {
    let mut display = Display::new(output);
    let failed = |status: Status| Failure::status("cannot follow the run", &status);
    let mut breaks = 0;
    loop {
        let mut stream = api.runs.watch_run(WatchRunRequest { run_id }).await.map_err(failed)?.into_inner();
        loop {
            match stream.message().await {
                Ok(Some(answer)) => {
                    let run = answer.run.unwrap_or_default();
                    display.show(&run);
                    if run.state() == RunState::Finished {
                        display.clear();
                        return Ok(run);
                    }
                }
                Ok(None) => break,
                // One break a minute is a restart of the queue; many at once are an answer.
                Err(status) if breaks >= 5 => return Err(failed(status)),
                Err(_) => break,
            }
        }
        breaks += 1;
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Draws the progress of a run: one line that is written over on a terminal, a line per stage elsewhere.
struct Display {
    line: ProgressLine,
    terminal: bool,
    silent: bool,
    stage: i32,
}

impl Display {
    fn new(output: Output) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { line: ProgressLine::default(), terminal, silent: output.json, stage: 0 }
    }

    fn show(&mut self, run: &Run) {
        let text = self.line.render(run);
        if self.silent {
            return;
        }
        let stage = run.progress.as_ref().map_or(0, |p| p.stage);
        if self.terminal {
            // Return, the line, and "erase to end of line" (ECMA-48, 8.3.41).
            self.write(&format!("\r{text}\x1b[K"));
        } else if stage != self.stage {
            self.write(&format!("{text}\n"));
        }
        self.stage = stage;
    }

    fn clear(&self) {
        if self.terminal && !self.silent {
            self.write("\r\x1b[K");
        }
    }

    fn write(&self, text: &str) {
        // Progress that cannot be shown is no reason to stop waiting.
        let mut stderr = std::io::stderr();
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}
