//! A part of the system is away for a while: afterwards all is as if it had not been.

use crate::support::{HeldRun, assert_in_step};
use codeimport_core::Outcome;
use codeimport_integration_tests::{Cluster, ClusterOptions, GitDaemon, GitRepo, eventually};
use codeimport_pg::Embedded;
use codeimport_proto::queue::{RunState, WatchRunEventsRequest};
use codeimport_proto::registry::{ImportEventType, ListImportEventsRequest, ReviewImportRequest, ReviewStatus};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Waits until the registry has heard of a run.
async fn registry_knows(cluster: &mut Cluster, import_id: &str, run_id: i64) {
    eventually("the registry has the run's event", async || {
        (cluster.import(import_id).await.last_run_id == run_id).then_some(())
    })
    .await;
}

#[tokio::test]
async fn runs_that_end_while_the_registry_is_down_are_told_later() {
    let mut cluster = Cluster::start().await;
    let story = HeldRun::at("worker.finish.before", &mut cluster).await;
    cluster.registry.kill();
    drop(story.held);
    let run = cluster.finished_run("it", 0).await;
    assert_eq!(run.domain_outcome(), Some(Outcome::Success), "{}", run.message);
    cluster.registry.restart().await;
    registry_knows(&mut cluster, "it", run.run_id).await;
    assert!(cluster.import("it").await.last_success_time.is_some());
    assert_in_step(&mut cluster, "it", &story.repo).await;
}

#[tokio::test]
async fn a_registry_that_is_away_during_the_scan_is_waited_for() {
    let mut cluster = Cluster::start().await;
    let story = HeldRun::at("worker.scan.before_revisions", &mut cluster).await;
    cluster.registry.kill();
    drop(story.held);
    cluster.registry.restart().await;
    let run = cluster.finished_run("it", 0).await;
    assert_eq!(run.domain_outcome(), Some(Outcome::Success), "{}", run.message);
    assert_in_step(&mut cluster, "it", &story.repo).await;
}

#[tokio::test]
async fn definitions_changed_while_the_queue_is_down_reach_it_later() {
    let repo = GitRepo::with_history();
    let daemon = GitDaemon::serve(&repo).await;
    let mut cluster = Cluster::start().await;
    cluster.import_first("it", &daemon.url()).await;
    cluster.queue.kill();
    cluster.create("other", &daemon.url_of("source.git")).await;
    let request = ReviewImportRequest {
        import_id: "it".to_owned(),
        review_status: ReviewStatus::Suspended.into(),
        ..Default::default()
    };
    cluster.imports.review_import(request).await.expect("the registry needs no queue to decide");
    cluster.queue.restart().await;
    let run = cluster.finished_run("other", 0).await;
    assert_eq!(run.domain_outcome(), Some(Outcome::Success), "{}", run.message);
    eventually("the suspension reaches the queue", async || {
        cluster.job("it").await.filter(|job| job.due_time.is_none())
    })
    .await;
}

/// Imports of the story about PostgreSQL.
const IMPORTS: usize = 6;

/// PostgreSQL goes away at once (as when its machine fails) while imports run, and comes back.
#[tokio::test]
async fn after_a_restart_of_postgresql_under_load_nothing_is_lost_or_told_twice() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let server = Embedded::start(dir.path()).await.expect("PostgreSQL can be started");
    let options = ClusterOptions { workers: 2, database_url: Some(server.url()), ..Default::default() };
    let mut cluster = Cluster::with(options).await;
    let mut repo = GitRepo::with_commits(60);
    let daemon = GitDaemon::serve(&repo).await;
    let ids: Vec<_> = (0..IMPORTS).map(|i| format!("it-{i}")).collect();
    let armed = cluster.workers[0].arm("worker.scan.before_revisions");
    for id in &ids {
        cluster.create(id, &daemon.url()).await;
    }
    // One worker stands in the middle of a scan, the other is somewhere.
    let held = armed.reached().await;
    stop_immediately(server).await;
    drop(held);
    let server = Embedded::start(dir.path()).await.expect("PostgreSQL can be started again");

    for id in &ids {
        let run = cluster.finished_run(id, 0).await;
        assert_eq!(run.domain_outcome(), Some(Outcome::Success), "{id}: {}", run.message);
        assert_in_step(&mut cluster, id, &repo).await;
    }
    repo.commit("after the restart");
    repo.push();
    for id in &ids {
        let run = cluster.run_now(id).await;
        assert_eq!(run.domain_outcome(), Some(Outcome::Success), "{id}: {}", run.message);
        registry_knows(&mut cluster, id, run.run_id).await;
        events_tell_each_run_once(&mut cluster, id).await;
    }
    run_events_are_complete(&mut cluster).await;
    drop(cluster);
    server.stop().await.expect("PostgreSQL can be stopped");
}

/// PostgreSQL's "immediate shutdown": no checkpoint, no good-bye to clients; the next start recovers.
async fn stop_immediately(server: Embedded) {
    let pid = server.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw).expect("the server runs");
    kill_process(pid, Signal::QUIT).expect("the server runs");
    eventually("PostgreSQL is gone", async || test_kill_process(pid).is_err().then_some(())).await;
    drop(server);
}

/// The registry's audit trail has one entry for each finished run, no more and no less.
async fn events_tell_each_run_once(cluster: &mut Cluster, import_id: &str) {
    let runs = cluster.all_runs(import_id).await;
    let finished = runs.iter().filter(|run| run.state() == RunState::Finished).count();
    let request = ListImportEventsRequest { import_id: import_id.to_owned(), page_size: 500, ..Default::default() };
    let events = cluster.imports.list_import_events(request).await.expect("events can be listed").into_inner().events;
    let told = events.iter().filter(|event| event.r#type() == ImportEventType::RunFinished).count();
    assert_eq!(told, finished, "{import_id}: {events:?}");
}

/// The queue's stream of run events has each finished run once, in rising order without a gap.
async fn run_events_are_complete(cluster: &mut Cluster) {
    let request = WatchRunEventsRequest { after_sequence: 0 };
    let mut stream = cluster.runs.watch_run_events(request).await.expect("events can be watched").into_inner();
    let mut expected = 0;
    for index in 0..IMPORTS {
        let runs = cluster.all_runs(&format!("it-{index}")).await;
        expected += runs.iter().filter(|run| run.state() == RunState::Finished).count();
    }
    let mut sequences = Vec::new();
    let mut runs = std::collections::BTreeSet::new();
    while sequences.len() < expected {
        let answer = stream.message().await.expect("the stream goes on").expect("the stream stays open");
        for event in answer.events {
            sequences.push(event.sequence);
            assert!(runs.insert(event.run.expect("an event has its run").run_id), "told twice");
        }
    }
    assert!(sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{sequences:?}");
}
