//! Signs of life.

use crate::support::{Fixture, acquire, beat, line};
use codeimport_core::{FencingToken, Outcome, Stage};
use codeimport_queue::{
    run::Progress,
    schedule::JobState,
    store::{Beat, LeaseName, MAX_LOG_LINES, Verdict},
};
use jiff::Timestamp;

async fn expiry(fixture: &Fixture) -> Timestamp {
    match fixture.job("job-0").await.state {
        JobState::Running(lease) => lease.expires_at,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn heartbeat_extends_the_lease_by_the_databases_clock() {
    let (fixture, lease) = Fixture::with_running_job().await;
    fixture.expire(&lease).await;
    let Verdict::Extended(renewal) = fixture.beat(&lease).await else {
        panic!("the lease is held until it is reclaimed")
    };
    assert_eq!(renewal.expires_at, expiry(&fixture).await);
    let left = renewal.expires_at.duration_since(Timestamp::now());
    assert!((25..=31).contains(&left.as_secs()), "{left:?}");
}

#[tokio::test]
async fn each_beat_is_answered_for_itself_in_its_order() {
    let fixture = Fixture::with_due_jobs(3).await;
    let leases = fixture.lease(&acquire(3)).await;
    fixture.finish(&leases[1].lease, Outcome::Success).await;
    let forged = LeaseName { fencing_token: FencingToken(999), ..leases[0].lease.clone() };
    let beats: Vec<_> = [&leases[2].lease, &leases[1].lease, &forged, &leases[0].lease].into_iter().map(beat).collect();
    let verdicts = fixture.store.heartbeat(&beats).await.unwrap();
    let lost: Vec<_> = verdicts.iter().map(|verdict| *verdict == Verdict::Lost).collect();
    assert_eq!(lost, [false, true, true, false]);
}

#[tokio::test]
async fn progress_is_shown_and_silence_does_not_erase_it() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let progress = Progress {
        stage: Some(Stage::Fetch),
        done_count: 3,
        total_count: Some(10),
        unit: "objects".to_owned(),
        received_bytes: 700,
    };
    let told = Beat { progress: Some(progress.clone()), ..beat(&lease) };
    fixture.store.heartbeat(&[told]).await.unwrap();
    fixture.beat(&lease).await;
    assert_eq!(fixture.store.get_run(lease.run_id).await.unwrap().progress, progress);
}

#[tokio::test]
async fn log_lines_are_stored_once_however_often_they_come() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let told = |lines| Beat { log_lines: lines, ..beat(&lease) };
    fixture.store.heartbeat(&[told(vec![line(1, "one"), line(2, "two")])]).await.unwrap();
    fixture.store.heartbeat(&[told(vec![line(2, "two"), line(3, "three")])]).await.unwrap();
    let log = fixture.store.read_log(lease.run_id, 0).await.unwrap();
    assert_eq!(log, [line(1, "one"), line(2, "two"), line(3, "three")]);
    assert_eq!(fixture.store.read_log(lease.run_id, 2).await.unwrap(), [line(3, "three")]);
}

#[tokio::test]
async fn a_log_is_bounded_in_length_and_width() {
    let (fixture, lease) = Fixture::with_running_job().await;
    let lines = vec![
        line(1, &"é".repeat(3_000)),
        line(2, "a\0b"),
        line(MAX_LOG_LINES + 1, "dropped"),
        line(MAX_LOG_LINES + 2, "dropped, too"),
    ];
    fixture.store.heartbeat(&[Beat { log_lines: lines, ..beat(&lease) }]).await.unwrap();
    let log = fixture.store.read_log(lease.run_id, 0).await.unwrap();
    let sizes: Vec<_> = log.iter().map(|line| line.text.len()).collect();
    assert_eq!(sizes[..2], [4_000, "a\u{fffd}b".len()]);
    assert!(log[0].text.ends_with("é [cut]"), "a line that was cut says so");
    let mark = "[the log is cut here: the run had more to say]";
    assert_eq!((log.len(), log[2].line_number, log[2].text.as_str()), (3, MAX_LOG_LINES, mark));
}

#[tokio::test]
async fn nothing_that_a_former_holder_says_is_recorded() {
    let (fixture, old) = Fixture::with_running_job().await;
    fixture.reclaim(&old).await;
    let progress = Some(Progress { done_count: 99, ..Progress::default() });
    let late = Beat { progress, log_lines: vec![line(1, "from the grave")], ..beat(&old) };
    assert_eq!(fixture.store.heartbeat(&[late]).await.unwrap(), [Verdict::Lost]);
    assert!(fixture.store.read_log(old.run_id, 0).await.unwrap().is_empty());
    assert_eq!(fixture.store.get_run(old.run_id).await.unwrap().progress.done_count, 0);
}

#[tokio::test]
async fn only_the_exact_token_extends() {
    let (fixture, lease) = Fixture::with_running_job().await;
    for number in [lease.fencing_token.0 - 1, lease.fencing_token.0 + 1] {
        let progress = Some(Progress { done_count: 99, ..Progress::default() });
        let wrong = LeaseName { fencing_token: FencingToken(number), ..lease.clone() };
        assert_eq!(fixture.store.heartbeat(&[Beat { progress, ..beat(&wrong) }]).await.unwrap(), [Verdict::Lost]);
    }
    assert_eq!(fixture.store.get_run(lease.run_id).await.unwrap().progress.done_count, 0);
    assert_ne!(fixture.beat(&lease).await, Verdict::Lost);
}

#[tokio::test]
async fn a_heartbeat_without_leases_is_fine() {
    let fixture = Fixture::new().await;
    assert!(fixture.store.heartbeat(&[]).await.unwrap().is_empty());
}
