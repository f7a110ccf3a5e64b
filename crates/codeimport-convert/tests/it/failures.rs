//! Every way in which a source can fail has its own outcome and a sentence.

use crate::world::{World, git};
use codeimport_convert::{Cancel, ConvertError, Observer, Progress, Watch};
use codeimport_core::{Outcome, RcsType, SourceUrl, Stage};
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
};

/// A server that answers every request with the same text, after reading its head.
fn http_server(answer: &'static str) -> SourceUrl {
    let (listener, url) = listen("http");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            read_head(&mut stream);
            stream.write_all(answer.replace('\n', "\r\n").as_bytes()).ok();
        }
    });
    url
}

fn listen(scheme: &str) -> (TcpListener, SourceUrl) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    (listener, SourceUrl::parse(RcsType::Git, &format!("{scheme}://{address}/x.git")).expect("valid"))
}

fn read_head(stream: &mut TcpStream) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
        head.push(byte[0]);
    }
}

fn probe(url: &SourceUrl) -> ConvertError {
    World::new().open(url).probe(&Watch::none()).expect_err("no repository")
}

fn outcome_of(url: &SourceUrl) -> Outcome {
    let error = probe(url);
    assert_eq!(error.stage, Stage::Probe);
    assert!(error.message.contains(url.host()) && error.message.ends_with('.'), "{}", error.message);
    error.outcome
}

#[test]
fn http_answers_have_distinct_outcomes() {
    let cases = [
        ("HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic\nContent-Length: 0\n\n", Outcome::Authentication),
        ("HTTP/1.1 403 Forbidden\nContent-Length: 0\n\n", Outcome::Authentication),
        ("HTTP/1.1 404 Not Found\nContent-Length: 0\n\n", Outcome::Invalid),
        ("HTTP/1.1 429 Too Many\nRetry-After: 7\nContent-Length: 0\n\n", Outcome::Throttled),
        ("HTTP/1.1 503 Unavailable\nContent-Length: 0\n\n", Outcome::Unavailable),
        ("HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 6\n\n<html>", Outcome::Invalid),
        ("HTTP/1.1 302 Found\nLocation: http://192.0.2.1/\nContent-Length: 0\n\n", Outcome::Invalid),
        ("nonsense\n\n", Outcome::Unavailable),
    ];
    for (answer, outcome) in cases {
        assert_eq!(outcome_of(&http_server(answer)), outcome, "{answer}");
    }
}

#[test]
fn git_over_plain_files_is_an_unsupported_feature() {
    let answer = "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 58\n\n\
                  0123456789012345678901234567890123456789\trefs/heads/main\n";
    assert_eq!(outcome_of(&http_server(answer)), Outcome::UnsupportedFeature);
}

#[test]
fn a_throttling_host_says_for_how_long() {
    let error = probe(&http_server("HTTP/1.1 429 Too Many\nRetry-After: 7\nContent-Length: 0\n\n"));
    assert_eq!(error.retry_after, Some(std::time::Duration::from_secs(7)));
}

#[test]
fn a_host_that_refuses_or_does_not_exist_is_unavailable() {
    for scheme in ["git", "http", "https"] {
        let (listener, url) = listen(scheme);
        drop(listener);
        assert_eq!(outcome_of(&url), Outcome::Unavailable);
    }
    let nowhere = SourceUrl::parse(RcsType::Git, "git://nowhere.invalid/x").expect("valid");
    assert_eq!(outcome_of(&nowhere), Outcome::Unavailable);
}

#[test]
fn a_server_that_hangs_or_hangs_up_is_unavailable() {
    let (_hanging, url) = listen("git");
    assert_eq!(outcome_of(&url), Outcome::Unavailable);
    let (listener, url) = listen("git");
    thread::spawn(move || listener.incoming().for_each(drop));
    assert_eq!(outcome_of(&url), Outcome::Unavailable);
}

#[test]
fn a_repository_that_is_none_is_invalid() {
    let world = World::with_history();
    assert_eq!(outcome_of(&world.url("missing.git")), Outcome::Invalid);
}

#[test]
fn a_server_of_another_kind_is_invalid() {
    let (listener, url) = listen("git");
    thread::spawn(move || {
        // Kept open: a connection that is closed under a request is reset, and its answer may get lost.
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            stream.write_all(b"220 mail.example.org ESMTP ready\r\n").ok();
            open.push(stream);
        }
    });
    assert_eq!(outcome_of(&url), Outcome::Invalid);
}

#[test]
fn a_repository_with_other_object_ids_is_an_unsupported_feature() {
    let world = World::with_history();
    git(world.dir.path(), ["init", "-q", "--bare", "--object-format=sha256", "served/sha256.git"]);
    assert_eq!(outcome_of(&world.url("sha256.git")), Outcome::UnsupportedFeature);
}

#[test]
fn a_shallow_source_is_an_unsupported_feature() {
    let world = World::with_history();
    world.commit("second");
    world.push(["main"]);
    let from = format!("file://{}", world.source().display());
    git(world.dir.path(), ["clone", "-q", "--bare", "--depth=1", &from, "served/shallow.git"]);
    let error = world.open(&world.url("shallow.git")).fetch(&world.cache(), None, &Watch::none()).expect_err("refused");
    assert_eq!((error.outcome, error.stage), (Outcome::UnsupportedFeature, Stage::Fetch), "{}", error.chain());
}

#[test]
fn a_source_that_lost_objects_is_broken() {
    let world = World::with_history();
    world.commit("second");
    world.push(["main"]);
    let blob = world.git_source(["rev-parse", "main:file.txt"]);
    std::fs::remove_file(world.source().join(format!("objects/{}/{}", &blob[..2], &blob[2..])))
        .expect("a loose object");
    let error = world.fetch(&world.cache()).expect_err("refused");
    assert_eq!((error.outcome, error.stage), (Outcome::RemoteBroken, Stage::Fetch), "{}", error.chain());
}

#[test]
fn a_filter_that_takes_nothing_is_a_failure_and_not_an_empty_repository() {
    let mut world = World::with_history();
    world.filter = codeimport_core::RefFilter::new(vec!["refs/heads/release/*".to_owned()], vec![]).expect("valid");
    let error = world.open(&world.source_url()).probe(&Watch::none()).expect_err("refused");
    assert_eq!(error.outcome, Outcome::Invalid);
    assert!(error.message.contains("refs/heads/release/*"), "{}", error.message);
}

#[test]
fn a_cancelled_run_stops_waiting_for_a_hung_server() {
    for scheme in ["git", "http"] {
        let (listener, url) = listen(scheme);
        let cancel = Cancel::new();
        let cancelling = cancel.clone();
        let (accepted, wait) = mpsc::channel::<()>();
        thread::spawn(move || {
            let connection = listener.accept();
            cancelling.cancel();
            let _ = wait.recv();
            drop(connection);
        });
        struct Nobody;
        impl Observer for Nobody {
            fn progress(&self, _: &Progress) {}
            fn note(&self, _: Stage, _: &str) {}
        }
        let watch = Watch::new(cancel, Arc::new(Nobody));
        let began = std::time::Instant::now();
        let error = World::new().open(&url).probe(&watch).expect_err("cancelled");
        assert!(error.is_cancelled(), "{}", error.chain());
        assert!(began.elapsed() < std::time::Duration::from_secs(4), "{:?}", began.elapsed());
        drop(accepted);
    }
}
