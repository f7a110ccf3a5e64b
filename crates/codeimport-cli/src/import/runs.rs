//! `import now`, `runs` and `log`: what was run and what it said.

use crate::api::{Api, user};
use crate::args::{Log, RunNow};
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::view::{LogLineView, RunView};
use crate::wait;
use codeimport_proto::queue::{ListRunsRequest, RequestRunRequest, WatchRunLogRequest};
use codeimport_proto::registry::GetImportRequest;
use std::process::ExitCode;

/// Asks for a run; with `--wait` follows it.
pub(crate) async fn now(api: &mut Api, output: Output, now: &RunNow) -> Done {
    let import_id = &now.import.import_id;
    let request = RequestRunRequest { job_id: import_id.clone(), requested_by: user().unwrap_or_default() };
    let answer = api.schedules.request_run(request).await.map_err(|s| Failure::status("cannot request a run", &s))?;
    if now.wait {
        return wait::for_run(api, output, import_id, answer.into_inner().after_run_id).await;
    }
    output.say(&format!("{import_id} runs as soon as a worker is free"));
    if output.json {
        return super::show(api, output, import_id).await;
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists the newest runs of an import.
pub(crate) async fn list(api: &mut Api, output: Output, import_id: &str) -> Done {
    let request = ListRunsRequest { job_id: import_id.to_owned(), ..Default::default() };
    let runs = api.runs.list_runs(request).await.map_err(|s| Failure::status("cannot list the runs", &s))?;
    if runs.get_ref().runs.is_empty() {
        // The queue knows no imports: ask the registry whether the id is one.
        let request = GetImportRequest { import_id: import_id.to_owned() };
        api.imports.get_import(request).await.map_err(|s| Failure::status("cannot list the runs", &s))?;
    }
    let views: Vec<_> = runs.into_inner().runs.into_iter().map(RunView::new).collect();
    output.runs(&views);
    Ok(ExitCode::SUCCESS)
}

/// Shows a run's log; with `--follow` until the run has ended.
pub(crate) async fn log(api: &mut Api, output: Output, log: &Log) -> Done {
    let failed = |s| Failure::status("cannot read the log", &s);
    let request = WatchRunLogRequest { run_id: log.run_id, after_line_number: 0, follow: log.follow };
    let mut lines = api.runs.watch_run_log(request).await.map_err(failed)?.into_inner();
    while let Some(answer) = lines.message().await.map_err(failed)? {
        for line in answer.log_lines {
            output.log_line(&LogLineView::new(line));
        }
    }
    Ok(ExitCode::SUCCESS)
}
