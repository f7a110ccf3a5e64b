//! Each way in which a server can fail has an outcome of its own, and leaves the target as it was.

use super::copy::Copy;
use super::repository::{HgRepository, HgServer};
use crate::wire::{Harm, Wire};
use codeimport_convert::{ConvertError, Watch};
use codeimport_core::Outcome;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

/// A repository of which a part is converted; its texts are large enough for an answer to break off in them.
fn grown() -> (HgRepository, HgServer, Copy) {
    let repository = HgRepository::create();
    repository.commit("f", "one\n");
    let server = HgServer::start(&repository);
    let mut copy = Copy::of(&server.url());
    copy.options.idle_timeout = Duration::from_secs(1);
    copy.run(false);
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + u8::try_from((state >> 33) % 90).expect("small"))
    };
    repository.commit("g", &(0..400_000).map(|_| next()).collect::<String>());
    (repository, server, copy)
}

/// How a run ends that cannot succeed; the target is as before.
fn failure(copy: &mut Copy) -> ConvertError {
    let before = copy.refs();
    let error = copy.try_run(true).expect_err("it fails");
    assert_eq!(copy.refs(), before);
    error
}

#[test]
fn a_connection_that_breaks_stalls_or_lies_is_told_apart_and_the_next_run_goes_on() {
    let (repository, server, mut copy) = grown();
    let (sound, wire) = (copy.url.clone(), Wire::to(server.port));
    copy.url = wire.along(server.port, &sound);
    let cases = [
        (Harm::Cut(100_000), Outcome::Unavailable),
        (Harm::Cut(10), Outcome::Unavailable),
        (Harm::Stall(100_000), Outcome::Unavailable),
        (Harm::Stall(0), Outcome::Unavailable),
        (Harm::Flip(100_000), Outcome::RemoteBroken),
    ];
    for (harm, outcome) in cases {
        wire.suffers(harm);
        let error = failure(&mut copy);
        assert_eq!(error.outcome, outcome, "{}", error.chain());
    }
    wire.suffers(None);
    copy.run(true);
    assert_eq!(copy.assert_faithful(&repository), 2);
}

#[test]
fn what_is_not_there_is_told_apart_from_what_cannot_be_reached() {
    let repository = HgRepository::create();
    let server = HgServer::start(&repository);
    let cases = [
        (format!("{}nothing", server.url()), Outcome::Invalid),
        (format!("{}/nothing", repository.file_url()), Outcome::Invalid),
        ("http://127.0.0.1:1/r".to_owned(), Outcome::Unavailable),
        ("http://nowhere.invalid/r".to_owned(), Outcome::Unavailable),
        ("ssh://127.0.0.1/r".to_owned(), Outcome::Forbidden),
    ];
    for (url, outcome) in cases {
        let error = Copy::of(&url).source().probe(&Watch::none()).expect_err(&url);
        assert_eq!(error.outcome, outcome, "{url}: {}", error.chain());
    }
}

/// A server that gives everybody this answer.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut request = [0; 4_096];
            // A request without a body fits, and one that does not come needs no answer.
            if client.read(&mut request).is_ok_and(|read| read > 0) {
                let _ = client.write_all(answer.as_bytes());
            }
        }
    });
    format!("http://{address}/r")
}

#[test]
fn answers_that_make_no_sense_have_their_outcomes() {
    let cases = [
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi", Outcome::Invalid),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: application/mercurial-0.1\r\nContent-Length: 2\r\n\r\nhi",
            Outcome::RemoteBroken,
        ),
        ("HTTP/1.1 400 no such method: batch\r\nContent-Length: 0\r\n\r\n", Outcome::UnsupportedFeature),
        ("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", Outcome::Authentication),
        ("HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", Outcome::Throttled),
        ("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", Outcome::Unavailable),
    ];
    for (answer, outcome) in cases {
        let error = Copy::of(&answering(answer)).source().probe(&Watch::none()).expect_err(answer);
        assert_eq!(error.outcome, outcome, "{}", error.chain());
    }
}
