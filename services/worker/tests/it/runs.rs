//! Runs from their lease to their end.

use crate::{
    fakes::outcome,
    world::{World, git},
};
use codeimport_proto::{
    common::{Outcome, Stage},
    queue::HeartbeatVerdict,
    worker::{DrainWorkerRequest, GetWorkerStatusRequest, worker_service_client::WorkerServiceClient},
};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_publishes_scans_and_finishes_and_the_next_finds_nothing_new() {
    let world = World::new().await;
    world.fakes.grant(1, false);
    let finish = world.fakes.finish(1).await;
    assert_eq!(outcome(&finish), Outcome::Success, "{}", finish.message);
    let stats = finish.stats.expect("stats");
    assert_eq!((stats.refs_changed_count, stats.new_revision_count), (1, 1));
    assert!(stats.received_bytes > 0);
    let tip = git(&world.target(), &["rev-parse", "main"]);
    {
        let seen = world.fakes.seen();
        let swap = seen.swapped.as_ref().expect("swapped");
        assert_eq!((swap.refs[0].name.as_str(), swap.refs[0].commit_id.as_str()), ("refs/heads/main", tip.as_str()));
        assert_eq!(swap.default_branch, "refs/heads/main");
        assert_eq!(seen.revisions[&tip].message, "first\n");
    }

    world.fakes.grant(2, false);
    let finish = world.fakes.finish(2).await;
    assert_eq!((outcome(&finish), finish.stage()), (Outcome::NoChange, Stage::Probe), "{}", finish.message);
    assert_eq!(world.fakes.seen().put_count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_new_revisions_are_told() {
    let world = World::new().await;
    world.fakes.grant(1, false);
    world.fakes.finish(1).await;
    world.commit("second");
    world.fakes.grant(2, false);
    let finish = world.fakes.finish(2).await;
    assert_eq!(finish.stats.expect("stats").new_revision_count, 1);
    assert_eq!(world.fakes.seen().revisions.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_current_is_only_scanned() {
    let world = World::new().await;
    world.fakes.grant(1, false);
    world.fakes.finish(1).await;
    let state = git(&world.target(), &["rev-parse", "refs/codeimport/state"]);
    {
        // The registry has lost its scan.
        let mut seen = world.fakes.seen();
        seen.swapped = None;
        seen.revisions.clear();
    }
    world.fakes.grant(2, false);
    let finish = world.fakes.finish(2).await;
    assert_eq!(outcome(&finish), Outcome::Success);
    assert_eq!(finish.stats.map(|s| (s.refs_changed_count, s.new_revision_count)), Some((0, 1)));
    assert_eq!(git(&world.target(), &["rev-parse", "refs/codeimport/state"]), state, "nothing was pushed");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_reclaim_the_target_is_claimed_first() {
    let world = World::new().await;
    world.fakes.grant(1, false);
    world.fakes.finish(1).await;
    world.fakes.grant(7, true);
    let finish = world.fakes.finish(2).await;
    assert_eq!(outcome(&finish), Outcome::NoChange, "{}", finish.message);
    let state = git(&world.target(), &["show", "refs/codeimport/state:import.json"]);
    assert!(state.contains("\"fencing_token\": 7"), "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_away_during_the_scan_is_waited_for() {
    let world = World::new().await;
    world.fakes.seen().outages = 2;
    world.fakes.grant(1, false);
    assert_eq!(outcome(&world.fakes.finish(1).await), Outcome::Success);
    assert_eq!(world.fakes.seen().put_count, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_away_is_reported_with_a_sentence() {
    let world = World::new().await;
    drop(world.hang_source());
    world.fakes.grant(1, false);
    let finish = world.fakes.finish(1).await;
    assert_eq!((outcome(&finish), finish.stage()), (Outcome::Unavailable, Stage::Probe));
    assert!(finish.message.contains("cannot be reached"), "{}", finish.message);
    assert!(finish.log_lines.iter().any(|line| line.text.contains("cannot be reached")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_ends_without_a_word_and_frees_its_slot() {
    let world = World::new().await;
    let _hanging = world.hang_source();
    world.fakes.grant(1, false);
    world.fakes.until(|seen| (seen.spec_count == 1).then_some(())).await;
    world.fakes.answer(HeartbeatVerdict::Lost);
    let status = |world: &World| {
        let url = format!("http://{}", world.address);
        async move {
            let mut client = WorkerServiceClient::connect(url).await.expect("served");
            client.get_worker_status(GetWorkerStatusRequest {}).await.expect("answered").into_inner().worker
        }
    };
    let ended = async {
        while status(&world).await.is_some_and(|worker| !worker.runs.is_empty()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the run ends");
    let seen = world.fakes.seen();
    assert!(seen.finished.is_empty() && seen.released.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_says_so() {
    let world = World::new().await;
    let _hanging = world.hang_source();
    world.fakes.grant(1, false);
    world.fakes.until(|seen| (seen.spec_count == 1).then_some(())).await;
    world.fakes.answer(HeartbeatVerdict::Cancel);
    let finish = world.fakes.finish(1).await;
    assert_eq!(outcome(&finish), Outcome::Cancelled);
    assert!(finish.message.contains("the test says so"), "{}", finish.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_gives_its_runs_back() {
    let world = World::new().await;
    let _hanging = world.hang_source();
    world.fakes.grant(1, false);
    world.fakes.until(|seen| (seen.spec_count == 1).then_some(())).await;
    world.shutdown.begin();
    let stopped = tokio::time::timeout(Duration::from_secs(20), world.worker).await.expect("it stops in time");
    stopped.expect("no panic").expect("no failure");
    let seen = world.fakes.seen();
    assert_eq!((seen.released.len(), seen.finished.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_worker_takes_no_more_jobs_and_stays_up() {
    let world = World::new().await;
    world.fakes.until(|seen| (!seen.acquired.is_empty()).then_some(())).await;
    let mut client = WorkerServiceClient::connect(format!("http://{}", world.address)).await.expect("served");
    let request = DrainWorkerRequest { reason: "the test says so".to_owned() };
    let worker = client.drain_worker(request).await.expect("answered").into_inner().worker.expect("a worker");
    assert!(worker.draining && worker.slot_count == 2);
    // What the long poll may have been granted is asked for once more under the same id, and given back.
    let same_id = |seen: &crate::fakes::Seen| {
        let ids: Vec<_> = seen.acquired.iter().map(|request| request.request_id.clone()).collect();
        (ids.len() == 2).then_some(ids)
    };
    let ids = world.fakes.until(same_id).await;
    assert_eq!(ids[0], ids[1]);
    assert!(!world.worker.is_finished());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_registers_and_takes_no_jobs_while_it_is_drained() {
    let world = World::new().await;
    let registered = world.fakes.until(|seen| seen.registered.first().cloned()).await;
    assert_eq!((registered.worker_id.as_str(), registered.slot_count), ("worker", 2));
    assert!(registered.capabilities.iter().any(|one| one.tools.starts_with("git version ")), "{registered:?}");

    world.fakes.set_drain(true);
    world.fakes.until(|seen| seen.drain_told.then_some(())).await;
    world.fakes.grant(1, false);
    assert!(world.fakes.seen().finished.is_empty());
    world.fakes.set_drain(false);
    world.fakes.finish(1).await;
}
