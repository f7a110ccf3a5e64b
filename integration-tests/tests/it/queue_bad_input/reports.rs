//! What holders say of their leases: forged tokens, absurd reports, endless logs.

use super::{Beside, assert_names, assert_reason, span};
use codeimport_core::LeaseKey;
use codeimport_integration_tests::{Queues, eventually};
use codeimport_proto::common::{ErrorReason, Outcome, Progress};
use codeimport_proto::queue::{
    FinishRunRequest, GetRunRequest, HeartbeatItem, HeartbeatRequest, HeartbeatVerdict, Lease, LogLine,
    ReleaseLeaseRequest, WatchRunLogRequest,
};
use prost_types::Timestamp;

/// Tokens that were never granted, made of one that was.
fn bad_tokens(lease: &Lease) -> Vec<(&'static str, Vec<u8>)> {
    let good = &lease.lease_token;
    let mut other_run = good.clone();
    other_run[8] ^= 1;
    let mut last_byte = good.clone();
    *last_byte.last_mut().expect("a token is not empty") ^= 0x80;
    let claims = Queues::lease_key().verify(good).expect("the queue signed it");
    let other_key = LeaseKey::new(&[7; 32]).expect("long enough").sign(&claims);
    vec![
        ("empty", Vec::new()),
        ("cut", good[..good.len() - 1].to_vec()),
        ("only a signature", good[good.len() - 32..].to_vec()),
        ("longer", [good.as_slice(), &[0]].concat()),
        ("of another run", other_run),
        ("with another signature", last_byte),
        ("of another key", other_key),
        ("a megabyte", vec![0xff; 1 << 20]),
    ]
}

#[tokio::test]
async fn forged_tokens_are_refused_and_cost_nobody_the_lease() {
    let mut story = Beside::start().await;
    for (what, lease_token) in bad_tokens(&story.lease) {
        let finish = FinishRunRequest {
            lease_token: lease_token.clone(),
            outcome: Outcome::Success.into(),
            ..Default::default()
        };
        assert_reason(story.client.leases.finish_run(finish).await, ErrorReason::LeaseTokenInvalid, what);
        let release = ReleaseLeaseRequest { lease_token: lease_token.clone(), ..Default::default() };
        assert_reason(story.client.leases.release_lease(release).await, ErrorReason::LeaseTokenInvalid, what);
        let forged = HeartbeatItem { lease_token, ..Default::default() };
        assert_eq!(story.client.beat(forged).await.expect(what), HeartbeatVerdict::Lost, "{what}");
        story.assert_healthy(what).await;
    }
}

/// Signed with the right key, but for a lease that another one has followed: what a thief of an old token has.
#[tokio::test]
async fn a_token_that_is_signed_and_was_never_granted_is_lost() {
    let mut story = Beside::start().await;
    let key = Queues::lease_key();
    let mut claims = key.verify(&story.lease.lease_token).expect("the queue signed it");
    claims.fencing_token.0 += 1;
    let lease_token = key.sign(&claims);
    let finish = FinishRunRequest { lease_token, outcome: Outcome::Success.into(), ..Default::default() };
    assert_reason(story.client.leases.finish_run(finish).await, ErrorReason::LeaseLost, "a token of the future");
    story.assert_healthy("a token of the future").await;
}

fn line(line_number: i64, text: impl Into<String>) -> LogLine {
    LogLine { line_number, time: Some(Timestamp { seconds: 1, nanos: 0 }), text: text.into(), ..Default::default() }
}

#[tokio::test]
async fn absurd_reports_name_their_item() {
    let mut story = Beside::start().await;
    let good = HeartbeatItem { lease_token: story.lease.lease_token.clone(), ..Default::default() };
    let progress = |progress| HeartbeatItem { progress: Some(progress), ..good.clone() };
    let log = |line| HeartbeatItem { log_lines: vec![line], ..good.clone() };
    let no_time = LogLine { time: None, ..line(1, "x") };
    let no_clock = LogLine { time: Some(Timestamp { seconds: i64::MAX, nanos: -1 }), ..line(1, "x") };
    let cases = [
        ("negative units", "items[1].progress", progress(Progress { done_count: -1, ..Default::default() })),
        ("a negative total", "items[1].progress", progress(Progress { total_count: Some(-1), ..Default::default() })),
        ("line zero", "items[1].log_lines[0]", log(line(0, "x"))),
        ("a negative line", "items[1].log_lines[0]", log(line(i64::MIN, "x"))),
        ("a line without time", "items[1].log_lines[0]", log(no_time)),
        ("a clock out of its mind", "items[1].log_lines[0]", log(no_clock)),
    ];
    for (what, field, item) in cases {
        let request =
            HeartbeatRequest { worker_id: "good".into(), items: vec![good.clone(), item], ..Default::default() };
        assert_names(story.client.leases.heartbeat(request).await, field, what);
        story.assert_healthy(what).await;
    }
    let crowd = HeartbeatRequest { worker_id: "good".into(), items: vec![good; 501], ..Default::default() };
    assert_names(story.client.leases.heartbeat(crowd).await, "items", "a heartbeat of 501 leases");
    story.assert_healthy("a heartbeat of 501 leases").await;
}

#[tokio::test]
async fn absurd_ends_name_their_field() {
    let mut story = Beside::start().await;
    let good = FinishRunRequest {
        lease_token: story.lease.lease_token.clone(),
        outcome: Outcome::Unavailable.into(),
        ..Default::default()
    };
    type Spoil = fn(&mut FinishRunRequest);
    let cases: [(&str, &str, Spoil); 6] = [
        ("no outcome", "outcome", |r| r.outcome = 0),
        ("an unknown outcome", "outcome", |r| r.outcome = 1000),
        ("an outcome that only the queue gives", "outcome", |r| r.outcome = Outcome::Reclaimed.into()),
        ("a wait into the past", "retry_after", |r| r.retry_after = span(-5, 0)),
        ("a wait that is none", "retry_after", |r| r.retry_after = span(5, -1)),
        ("line zero", "log_lines[0]", |r| r.log_lines = vec![line(0, "x")]),
    ];
    for (what, field, spoil) in cases {
        let mut request = good.clone();
        spoil(&mut request);
        assert_names(story.client.leases.finish_run(request).await, field, what);
        story.assert_healthy(what).await;
    }
    // The host's own wish, however silly: taken within bounds, so that the job is not lost for ever.
    let request = FinishRunRequest { retry_after: span(315_576_000_000, 0), ..good };
    let answer = story.client.leases.finish_run(request).await.expect("an answer").into_inner();
    assert!(answer.next_due_time.is_some(), "the job is still scheduled");
}

/// The lines of a run as they are kept.
async fn kept(story: &mut Beside) -> Vec<LogLine> {
    let request = WatchRunLogRequest { run_id: story.lease.run_id, ..Default::default() };
    let mut stream = story.client.runs.watch_run_log(request).await.expect("the run exists").into_inner();
    let mut lines = Vec::new();
    while let Some(answer) = stream.message().await.expect("the log can be read") {
        lines.extend(answer.log_lines);
    }
    lines
}

#[tokio::test]
async fn a_log_of_ten_megabytes_is_refused_at_once_and_cut_in_pieces() {
    let mut story = Beside::start().await;
    let item =
        |log_lines| HeartbeatItem { lease_token: story.lease.lease_token.clone(), log_lines, ..Default::default() };
    let too_much = item(vec![line(1, "x".repeat(10 << 20))]);
    let pieces: Vec<_> = (1..=4).map(|number| item(vec![line(number, "é".repeat(1_500_000))])).collect();
    let status = story.client.beat(too_much).await.expect_err("a message has a limit");
    assert!(status.message().contains("4194304"), "it says how much is too much: {status:?}");
    story.assert_healthy("ten megabytes").await;
    for piece in pieces {
        assert_eq!(story.client.beat(piece).await.expect("it is below the limit"), HeartbeatVerdict::Extended);
    }
    let lines = kept(&mut story).await;
    assert_eq!(lines.iter().map(|line| line.line_number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(lines.iter().all(|line| !line.text.is_empty() && line.text.len() <= 4_000), "each line is cut");
}

#[tokio::test]
async fn control_characters_are_kept_or_replaced_and_never_stop_a_run() {
    let mut story = Beside::start().await;
    let nasty = "a\0b\u{1b}[31m\r\u{202e}\u{fffe}\n";
    let item = HeartbeatItem {
        lease_token: story.lease.lease_token.clone(),
        progress: Some(Progress { unit: nasty.repeat(50), total_count: Some(i64::MAX), ..Default::default() }),
        log_lines: vec![line(1, nasty), line(i64::MAX, "beyond every log"), line(1, "the same number again")],
    };
    assert_eq!(story.client.beat(item).await.expect("text is text"), HeartbeatVerdict::Extended);
    let lines = kept(&mut story).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].text.contains("cut here"), "what lies beyond every log is missing, and that is said: {lines:?}");
    assert!(lines[0].text.starts_with('a') && !lines[0].text.contains('\0'), "{:?}", lines[0].text);
    let request = FinishRunRequest {
        lease_token: story.lease.lease_token.clone(),
        outcome: Outcome::Failure.into(),
        message: nasty.repeat(1_000),
        ..Default::default()
    };
    story.client.leases.finish_run(request).await.expect("a message is a text");
    let run = eventually("the run is told", async || {
        let request = GetRunRequest { run_id: story.lease.run_id };
        story.client.runs.get_run(request).await.expect("the run exists").into_inner().run
    })
    .await;
    assert!(run.message.len() <= 4_000 && !run.message.contains('\0'));
}
