//! Each way in which a Subversion source can fail has an outcome and a sentence of its own, and leaves the target as it was.
//! `docs/outcomes.md` lists them.

use super::apache::Apache;
use super::conversion::Conversion;
use super::server::{SvnServer, run};
use crate::wire::{Harm, Wire};
use codeimport_convert::{ConvertError, PublishError, Watch, open_source};
use codeimport_core::{Outcome, RcsType, SourceUrl};
use codeimport_subprocess::Command;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where a revision of [`grow`] is under way, by either protocol: behind all questions, before its end.
const MIDWAY: u64 = 120_000;

/// Bytes that no compression makes fewer, the same each time.
fn noise(len: usize) -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + u8::try_from((state >> 33) % 90).expect("small"))
    };
    (0..len).map(|_| next()).collect()
}

/// A repository of three revisions that is converted, as it was before things go wrong.
fn converted(server: &SvnServer) -> Conversion {
    server.create("r");
    server.mucc("r", &["mkdir", "trunk", "mkdir", "branches", "put", &server.file("one\n"), "trunk/f"]);
    server.mucc("r", &["put", &server.file("two\n"), "trunk/f"]);
    server.mucc("r", &["cp", "2", "trunk", "branches/b"]);
    let mut conversion = Conversion::of(server, "r");
    conversion.options.idle_timeout = Duration::from_secs(1);
    conversion.run_to_the_end(false);
    conversion
}

/// One more revision, large enough to break off in the middle.
fn grow(server: &SvnServer, path: &str) {
    server.mucc("r", &["put", &server.file(&noise(400_000)), path]);
}

/// All refs of the target and all objects that they lead to.
fn content(conversion: &Conversion) -> [String; 2] {
    let refs = ["for-each-ref", "--format=%(objectname) %(refname)"];
    [conversion.git(&refs), conversion.git(&["rev-list", "--objects", "--all"])]
}

/// How a run ends that cannot succeed, by another worker, too; the target is as before.
fn failure(conversion: &mut Conversion, url: &str) -> ConvertError {
    let before = content(conversion);
    conversion.url = url.to_owned();
    let mut failed = || match conversion.try_run(conversion.runs % 2 == 0) {
        Err(PublishError::Failed(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(state) => panic!("it went well, up to {:?}", state.watermark),
    };
    let (error, by_another) = (failed(), failed());
    assert_eq!(error.outcome, by_another.outcome, "{}", by_another.chain());
    assert_eq!(content(conversion), before, "{}", error.chain());
    assert!(
        ["127.0.0.1", "nowhere.invalid"].iter().any(|host| error.message.contains(host))
            && error.message.ends_with('.'),
        "{}",
        error.chain()
    );
    error
}

/// The same, where polling finds it out as well; gives the sentence.
fn assert_fails(conversion: &mut Conversion, url: &str, outcome: Outcome) -> String {
    let error = failure(conversion, url);
    assert_eq!(error.outcome, outcome, "{}", error.chain());
    assert_eq!(probe(conversion).outcome, outcome, "{url}");
    error.message
}

fn probe(conversion: &Conversion) -> ConvertError {
    let url = SourceUrl::parse(RcsType::Subversion, &conversion.url).expect("valid");
    let source = open_source(&url, conversion.options.clone());
    source.probe(&Watch::none()).expect_err("it fails")
}

#[test]
fn each_refusal_over_http_has_its_outcome_and_its_words() {
    let server = SvnServer::start();
    let conversion = &mut converted(&server);
    let Some(apache) = Apache::serve(&server.root()) else { return };
    let refusals = [
        (apache.url("private", "r"), Outcome::Authentication),
        (apache.url("closed", "r"), Outcome::Authentication),
        (apache.url("svn", "missing"), Outcome::Invalid),
        (apache.url("busy", "r"), Outcome::Throttled),
        (apache.url("broken", "r"), Outcome::Unavailable),
    ];
    let sentences = refusals.map(|(url, outcome)| assert_fails(conversion, &url, outcome).replace(&url, "it"));
    assert_eq!(BTreeSet::from_iter(&sentences).len(), sentences.len(), "{sentences:?}");
    conversion.url = apache.url("busy", "r");
    assert_eq!(probe(conversion).retry_after, Some(Duration::from_secs(7)));
    conversion.url = apache.url("svn", "r");
    conversion.run_to_the_end(true);
}

#[test]
fn a_refusal_of_history_alone_has_its_outcome_too() {
    let server = SvnServer::start();
    let conversion = &mut converted(&server);
    let Some(apache) = Apache::serve(&server.root()) else { return };
    server.mucc("r", &["put", &server.file("three\n"), "trunk/f"]);
    for (path, outcome) in [("tired", Outcome::Throttled), ("hurt", Outcome::Unavailable)] {
        let error = failure(conversion, &apache.url(path, "r"));
        assert_eq!(error.outcome, outcome, "{}", error.chain());
    }
}

#[test]
fn what_is_not_there_is_told_apart_from_what_cannot_be_reached() {
    let server = SvnServer::start();
    let conversion = &mut converted(&server);
    assert_fails(conversion, &server.url("missing"), Outcome::Invalid);
    for address in
        ["svn://127.0.0.1:1/r", "http://127.0.0.1:1/r", "svn://nowhere.invalid/r", "http://nowhere.invalid/r"]
    {
        assert_fails(conversion, address, Outcome::Unavailable);
    }
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
    let server = SvnServer::start();
    let conversion = &mut converted(&server);
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("bound");
    for scheme in ["svn", "http"] {
        let began = Instant::now();
        let sentence = assert_fails(conversion, &format!("{scheme}://{address}/r"), Outcome::Unavailable);
        assert!(began.elapsed() < Duration::from_secs(30), "{sentence}");
    }
}

/// The repository over both protocols, each along a wire.
fn wires(server: &SvnServer, apache: &Apache) -> [(Wire, String); 2] {
    [(server.port(), server.url("r")), (apache.port(), apache.url("svn", "r"))].map(|(port, url)| {
        let wire = Wire::to(port);
        let url = wire.along(port, &url);
        (wire, url)
    })
}

#[test]
fn a_connection_that_breaks_or_falls_silent_within_a_revision_changes_nothing() {
    let server = SvnServer::start();
    let conversion = &mut converted(&server);
    let Some(apache) = Apache::serve(&server.root()) else { return };
    grow(&server, "trunk/big");
    for (wire, url) in wires(&server, &apache) {
        wire.suffers(Harm::Cut(MIDWAY));
        assert_eq!(failure(conversion, &url).outcome, Outcome::Unavailable, "{url}");
        wire.suffers(Harm::Stall(MIDWAY));
        assert_eq!(failure(conversion, &url).outcome, Outcome::Unavailable, "{url}");
    }
    conversion.url = server.url("r");
    conversion.run_to_the_end(false);
    conversion.assert_faithful();
}

#[test]
fn what_came_whole_before_the_break_is_kept_and_the_next_run_goes_on_there() {
    let server = SvnServer::start();
    let mut straight = converted(&server);
    let Some(apache) = Apache::serve(&server.root()) else { return };
    server.mucc("r", &["put", &server.file("three\n"), "trunk/f"]);
    grow(&server, "trunk/big");
    for (wire, url) in wires(&server, &apache) {
        let mut conversion = Conversion::of(&server, "r");
        conversion.url = url;
        wire.suffers(Harm::Cut(MIDWAY));
        let state = conversion.try_run(false).expect("a part of it");
        assert!(!state.complete && state.watermark.to_string().starts_with("r4 "), "{}", state.watermark);
        wire.suffers(None);
        conversion.run_to_the_end(true);
        straight.run_to_the_end(false);
        assert_eq!(conversion.refs(), straight.refs());
        conversion.assert_faithful();
    }
}

#[test]
fn a_server_that_is_killed_within_a_revision_is_unavailable() {
    let server = SvnServer::start();
    let conversion = &mut converted(&server);
    grow(&server, "trunk/big");
    let group = server.process_group();
    let kill = move || {
        let killed = Command::new("sh").args(["-c", &format!("kill -KILL -- -{group}")]).run().expect("a shell");
        assert!(killed.success(), "{}", killed.stderr);
    };
    let wire = Wire::to(server.port());
    wire.suffers(Harm::Then(MIDWAY, Arc::new(kill)));
    let error = failure(conversion, &wire.along(server.port(), &server.url("r")));
    assert_eq!(error.outcome, Outcome::Unavailable, "{}", error.chain());
}

#[test]
fn one_wrong_bit_in_a_text_is_found() {
    let server = SvnServer::start();
    let conversion = &mut converted(&server);
    let Some(apache) = Apache::serve(&server.root()) else { return };
    grow(&server, "trunk/big");
    for (wire, url) in wires(&server, &apache) {
        wire.suffers(Harm::Flip(MIDWAY));
        let error = failure(conversion, &url);
        assert_eq!(error.outcome, Outcome::RemoteBroken, "{}", error.chain());
    }
}

/// Another history under the same address and, if `same_identity`, the same UUID.
fn replace(server: &SvnServer, same_identity: bool, texts: &[&str]) {
    let path = server.path("r");
    let path_text = path.to_str().expect("text");
    let uuid = run(&path, &["svnlook", "uuid", path_text]);
    std::fs::remove_dir_all(&path).expect("it is ours");
    server.create("r");
    if same_identity {
        run(&path, &["svnadmin", "setuuid", path_text, &uuid]);
    }
    server.mucc("r", &["mkdir", "trunk", "mkdir", "branches"]);
    for text in texts {
        server.mucc("r", &["put", &server.file(text), "trunk/f"]);
    }
}

#[test]
fn another_repository_at_the_same_address_is_not_followed() {
    let server = SvnServer::start();
    let conversion = &mut converted(&server);
    replace(&server, false, &["1\n", "2\n", "3\n", "4\n"]);
    let error = failure(conversion, &server.url("r"));
    assert_eq!(error.outcome, Outcome::RemoteBroken);
    assert!(error.message.contains("UUID") && error.message.contains("new one"), "{error}");
}

#[test]
fn history_that_was_taken_back_or_rewritten_is_not_followed() {
    let server = SvnServer::start();
    let conversion = &mut converted(&server);
    replace(&server, true, &["1\n"]);
    let error = failure(conversion, &server.url("r"));
    assert!(error.outcome == Outcome::RemoteBroken && error.message.contains("reset"), "{}", error.chain());
    replace(&server, true, &["1\n", "2\n", "3\n", "4\n"]);
    let error = failure(conversion, &server.url("r"));
    assert!(error.outcome == Outcome::RemoteBroken && error.message.contains("contradicts"), "{}", error.chain());
}
