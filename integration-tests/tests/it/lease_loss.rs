//! Workers die, stand still, and come back: nothing is lost, nothing is done twice, nobody writes late.

use crate::support::{HeldRun, assert_in_step};
use codeimport_core::Outcome;
use codeimport_integration_tests::{Cluster, ClusterOptions, eventually, git};
use codeimport_proto::queue::{Run, RunState};

/// Every place at which a worker can be stopped, in the order of a run.
const FAILPOINTS: [&str; 8] = [
    "worker.probe.begin",
    "worker.fetch.begin",
    "worker.fetch.done",
    "worker.publish.before_push",
    "worker.publish.done",
    "worker.scan.before_revisions",
    "worker.scan.before_swap",
    "worker.finish.before",
];

async fn cluster_with_short_leases() -> Cluster {
    Cluster::with(ClusterOptions { lease_ttl: "2s", ..Default::default() }).await
}

async fn outcomes(cluster: &mut Cluster, import_id: &str) -> Vec<Outcome> {
    cluster.all_runs(import_id).await.iter().filter_map(Run::domain_outcome).collect()
}

/// Waits until the queue has taken the job of a silent worker back.
async fn reclaimed_run(cluster: &mut Cluster, import_id: &str) -> Run {
    eventually("the silent worker's run is reclaimed", async || {
        let runs = cluster.all_runs(import_id).await;
        runs.into_iter().find(|run| run.domain_outcome() == Some(Outcome::Reclaimed))
    })
    .await
}

async fn worker_killed_at(failpoint: &str) {
    let mut cluster = cluster_with_short_leases().await;
    let story = HeldRun::at(failpoint, &mut cluster).await;
    cluster.workers[0].process.kill();
    drop(story.held);

    // The queue notices by itself, with nobody there who could poll.
    reclaimed_run(&mut cluster, "it").await;
    cluster.add_worker().await;
    let run = cluster.finished_run("it", 0).await;
    let expected = if failpoint == "worker.finish.before" { Outcome::NoChange } else { Outcome::Success };
    assert_eq!(run.domain_outcome(), Some(expected), "{}", run.message);
    assert_eq!(outcomes(&mut cluster, "it").await, [Outcome::Reclaimed, expected]);
    assert_in_step(&mut cluster, "it", &story.repo).await;
}

macro_rules! killed_in_each_stage {
    ($($name:ident: $index:literal,)+) => {
        $(#[tokio::test]
        async fn $name() {
            worker_killed_at(FAILPOINTS[$index]).await;
        })+
    };
}

killed_in_each_stage! {
    worker_killed_before_the_probe_is_replaced: 0,
    worker_killed_before_the_fetch_is_replaced: 1,
    worker_killed_after_the_fetch_is_replaced: 2,
    worker_killed_before_the_push_is_replaced: 3,
    worker_killed_after_the_push_is_replaced: 4,
    worker_killed_before_the_scan_is_replaced: 5,
    worker_killed_inside_the_scan_is_replaced: 6,
    worker_killed_before_the_finish_is_replaced: 7,
}

/// A worker is held at `failpoint` and stopped there past its lease; another one does the job, and the source moves
/// on; then the first wakes up. Whatever it had in mind must come to nothing.
async fn sleeper_wakes_at(failpoint: &str) {
    let mut cluster = cluster_with_short_leases().await;
    let mut story = HeldRun::at(failpoint, &mut cluster).await;
    cluster.workers[0].process.pause();
    let lost = reclaimed_run(&mut cluster, "it").await;

    cluster.add_worker().await;
    cluster.finished_run("it", 0).await;
    // History that the sleeper's stale view would undo.
    story.repo.git(&["branch", "-D", "stable"]);
    story.repo.commit("written while it slept");
    story.repo.push();
    let run = cluster.run_now("it").await;
    assert_eq!(run.domain_outcome(), Some(Outcome::Success), "{}", run.message);
    assert_in_step(&mut cluster, "it", &story.repo).await;
    let state = git(&cluster.target("it"), &["rev-parse", "refs/codeimport/state"]);

    drop(story.held);
    cluster.workers[0].process.resume();
    // It has found out once it holds no run any more.
    worker_is_idle(&cluster, 0).await;
    assert_eq!(git(&cluster.target("it"), &["rev-parse", "refs/codeimport/state"]), state, "it did not push");
    assert_in_step(&mut cluster, "it", &story.repo).await;
    let after = cluster.all_runs("it").await.into_iter().find(|r| r.run_id == lost.run_id).expect("runs are kept");
    assert_eq!(after.domain_outcome(), Some(Outcome::Reclaimed), "it did not finish");
}

async fn worker_is_idle(cluster: &Cluster, index: usize) {
    use codeimport_proto::worker::GetWorkerStatusRequest;
    use codeimport_proto::worker::worker_service_client::WorkerServiceClient;
    let url = cluster.workers[index].process.url();
    let mut client = WorkerServiceClient::connect(url).await.expect("the worker listens");
    eventually("the woken worker drops its run", async || {
        let answer = client.get_worker_status(GetWorkerStatusRequest {}).await.ok()?.into_inner();
        answer.worker.filter(|worker| worker.runs.is_empty())
    })
    .await;
}

#[tokio::test]
async fn worker_that_slept_before_its_push_cannot_push() {
    sleeper_wakes_at("worker.publish.before_push").await;
}

#[tokio::test]
async fn worker_that_slept_before_its_scan_cannot_scan() {
    sleeper_wakes_at("worker.scan.before_revisions").await;
}

#[tokio::test]
async fn worker_that_slept_before_its_swap_cannot_swap() {
    sleeper_wakes_at("worker.scan.before_swap").await;
}

#[tokio::test]
async fn worker_that_slept_before_its_finish_cannot_finish() {
    sleeper_wakes_at("worker.finish.before").await;
}

#[tokio::test]
async fn draining_worker_gives_its_job_back_without_penalty() {
    let mut cluster = Cluster::start().await;
    let story = HeldRun::at("worker.fetch.begin", &mut cluster).await;
    cluster.workers[0].process.terminate();
    // It stands at the failpoint until its grace is over, and gives the job back from there.
    let released = eventually("the run is released", async || {
        let runs = cluster.all_runs("it").await;
        runs.into_iter().find(|run| run.state() == RunState::Finished)
    })
    .await;
    drop(story.held);
    assert_eq!(released.domain_outcome(), Some(Outcome::Released));
    let process = &cluster.workers[0].process;
    eventually("the worker ends", async || (!process.is_running()).then_some(())).await;

    cluster.add_worker().await;
    let run = cluster.finished_run("it", 0).await;
    assert_eq!(run.domain_outcome(), Some(Outcome::Success), "{}", run.message);
    assert_eq!(cluster.job("it").await.map(|job| job.consecutive_failure_count), Some(0));
    assert_in_step(&mut cluster, "it", &story.repo).await;
}
