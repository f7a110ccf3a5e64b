//! `import approve`, `suspend` and `retry`: whether an import may run.

use super::{job_of, print_import};
use crate::api::Api;
use crate::args::{Review, RunNow};
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::wait;
use codeimport_proto::queue::ListRunsRequest;
use codeimport_proto::registry::{RetryImportRequest, ReviewImportRequest, ReviewStatus};
use std::process::ExitCode;

pub(crate) async fn approve(api: &mut Api, output: Output, review: Review) -> Done {
    set(api, output, review, ReviewStatus::Reviewed).await
}

pub(crate) async fn suspend(api: &mut Api, output: Output, review: Review) -> Done {
    set(api, output, review, ReviewStatus::Suspended).await
}

async fn set(api: &mut Api, output: Output, review: Review, status: ReviewStatus) -> Done {
    let request = ReviewImportRequest {
        import_id: review.import.import_id,
        review_status: status.into(),
        reason: review.reason,
        etag: String::new(),
    };
    let answer =
        api.imports.review_import(request).await.map_err(|s| Failure::status("cannot review the import", &s))?;
    print_import(api, output, answer.into_inner().import.unwrap_or_default()).await;
    Ok(ExitCode::SUCCESS)
}

/// Tries again; with `--wait` follows the run that begins now.
pub(crate) async fn retry(api: &mut Api, output: Output, retry: &RunNow) -> Done {
    let import_id = &retry.import.import_id;
    let after_run_id = newest_run(api, import_id).await?;
    let request = RetryImportRequest { import_id: import_id.clone(), ..Default::default() };
    let answer = api.imports.retry_import(request).await.map_err(|s| Failure::status("cannot retry the import", &s))?;
    if !retry.wait {
        print_import(api, output, answer.into_inner().import.unwrap_or_default()).await;
        return Ok(ExitCode::SUCCESS);
    }
    await_resumed(api, import_id).await;
    wait::for_run(api, output, import_id, after_run_id).await
}

async fn newest_run(api: &mut Api, import_id: &str) -> Result<i64, Failure> {
    let request = ListRunsRequest { job_id: import_id.to_owned(), page_size: 1, ..Default::default() };
    let runs = api.runs.list_runs(request).await.map_err(|s| Failure::status("cannot list the runs", &s))?;
    Ok(runs.into_inner().runs.first().map_or(0, |run| run.run_id))
}

/// Gives the registry's outbox a moment to reach the queue: until then the job still looks stopped, and
/// waiting for its run would be given up.
async fn await_resumed(api: &mut Api, import_id: &str) {
    const PATIENCE: usize = 50;
    let mut look = tokio::time::interval(std::time::Duration::from_millis(100));
    for _ in 0..PATIENCE {
        look.tick().await;
        let stopped = job_of(api, import_id).await.is_some_and(|job| job.stop_reason != 0);
        if !stopped {
            return;
        }
    }
}
