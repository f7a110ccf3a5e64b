//! What people decide while a run is under way.

use crate::support::{HeldRun, assert_in_step};
use codeimport_core::Outcome;
use codeimport_integration_tests::{Cluster, eventually};
use codeimport_proto::queue::JobState;
use codeimport_proto::registry::{
    DeleteImportRequest, GetImportRequest, ImportEventType, ListImportEventsRequest, ReviewImportRequest, ReviewStatus,
};
use tonic::Code;

async fn review(cluster: &mut Cluster, status: ReviewStatus) {
    let request =
        ReviewImportRequest { import_id: "it".to_owned(), review_status: status.into(), ..Default::default() };
    cluster.imports.review_import(request).await.expect("the import may be reviewed");
}

/// Waits until the queue has heard of the registry's newest decision.
async fn queue_has_generation_after(cluster: &mut Cluster, generation: i64) -> i64 {
    eventually("the queue has the newer generation", async || {
        cluster.job("it").await.map(|job| job.generation).filter(|newer| *newer > generation)
    })
    .await
}

#[tokio::test]
async fn suspended_while_running_ends_its_run_and_gets_no_other() {
    let mut cluster = Cluster::start().await;
    let story = HeldRun::at("worker.fetch.begin", &mut cluster).await;
    review(&mut cluster, ReviewStatus::Suspended).await;
    queue_has_generation_after(&mut cluster, 1).await;
    drop(story.held);
    let run = cluster.finished_run("it", 0).await;
    assert_eq!(run.domain_outcome(), Some(Outcome::Success), "{}", run.message);
    assert_in_step(&mut cluster, "it", &story.repo).await;
    let job = cluster.job("it").await.expect("the job is known");
    assert_eq!((job.state(), job.due_time), (JobState::Stopped, None));
}

#[tokio::test]
async fn approved_again_before_the_end_there_is_one_job_not_two() {
    let mut cluster = Cluster::start().await;
    let story = HeldRun::at("worker.fetch.begin", &mut cluster).await;
    cluster.add_worker().await;
    review(&mut cluster, ReviewStatus::Suspended).await;
    let suspended = queue_has_generation_after(&mut cluster, 1).await;
    review(&mut cluster, ReviewStatus::Reviewed).await;
    queue_has_generation_after(&mut cluster, suspended).await;
    assert_eq!(cluster.all_runs("it").await.len(), 1, "no second run beside the first");
    drop(story.held);
    cluster.finished_run("it", 0).await;
    let job = cluster.job("it").await.expect("the job is known");
    assert_eq!(job.state(), JobState::Waiting);
    assert!(job.due_time.is_some());
    assert_eq!(cluster.all_runs("it").await.len(), 1);
}

#[tokio::test]
async fn deleted_while_running_stops_the_worker_with_the_next_heartbeat() {
    let mut cluster = Cluster::start().await;
    let story = HeldRun::at("worker.fetch.begin", &mut cluster).await;
    let request = DeleteImportRequest { import_id: "it".to_owned(), ..Default::default() };
    cluster.imports.delete_import(request).await.expect("the import may be deleted");
    // The worker stands at the failpoint for as long as it takes: only the heartbeat beside it can tell it.
    eventually("the run is cancelled", async || {
        let runs = cluster.all_runs("it").await;
        runs.into_iter().find(|run| run.domain_outcome() == Some(Outcome::Cancelled))
    })
    .await;
    drop(story.held);
    assert!(!cluster.target("it").exists(), "nothing was written");
    let gone = cluster.imports.get_import(GetImportRequest { import_id: "it".to_owned() }).await;
    assert_eq!(gone.expect_err("it is deleted").code(), Code::NotFound);
    let request = ListImportEventsRequest { import_id: "it".to_owned(), ..Default::default() };
    let events =
        cluster.imports.list_import_events(request).await.expect("events outlive the import").into_inner().events;
    assert!(events.iter().any(|event| event.r#type() == ImportEventType::Deleted), "{events:?}");
}
