//! Sources that cannot be read: whose trouble it is, and nothing half published.

use super::copy::Copy;
use super::repository::Branches;
use super::server::{BzrServer, free_port};
use codeimport_convert::SourceOptions;
use codeimport_core::Outcome;
use std::fs;
use std::io::{BufRead as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For a server that says nothing.
const PATIENCE: Duration = Duration::from_secs(3);

/// A server that does the same to everybody, as long as the test runs; gives the address of a branch.
fn serve(mut answer: impl FnMut(std::net::TcpStream) + Send + 'static) -> String {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = socket.local_addr().expect("bound").port();
    std::thread::spawn(move || socket.incoming().flatten().for_each(&mut answer));
    format!("bzr://127.0.0.1:{port}/branch")
}

fn failure_of(url: &str) -> (Outcome, String) {
    failure_within(url, SourceOptions::default().idle_timeout)
}

fn failure_within(url: &str, idle_timeout: Duration) -> (Outcome, String) {
    let mut copy = Copy::of(url);
    copy.options.idle_timeout = idle_timeout;
    let failure = copy.failure();
    assert_eq!(copy.refs(), "", "{url}");
    failure
}

#[test]
fn what_is_no_branch_is_invalid_and_who_does_not_answer_is_unavailable() {
    let branches = Branches::with_branch("branch");
    let server = BzrServer::start(branches.dir.path());
    assert_eq!(failure_of(&server.url("nothing")).0, Outcome::Invalid);
    assert_eq!(failure_of(&branches.url("nothing")).0, Outcome::Invalid);
    assert_eq!(failure_of(&format!("bzr://127.0.0.1:{}/branch", free_port())).0, Outcome::Unavailable);
}

#[test]
fn servers_that_hang_drop_or_lie_are_told_apart() {
    let mut held = Vec::new();
    let (outcome, text) = failure_within(&serve(move |connection| held.push(connection)), PATIENCE);
    assert!(outcome == Outcome::Unavailable && text.contains("said nothing"), "{outcome:?} {text}");
    let (outcome, text) = failure_of(&serve(drop));
    assert_eq!(outcome, Outcome::Unavailable, "{text}");
    let lie = |mut connection: std::net::TcpStream| {
        // The question is read first: a connection closed with something unread is a broken one.
        std::io::BufReader::new(&connection).fill_buf().ok();
        connection.write_all(b"bzr message 3 (bzr 1.6)\n\xff\xff\xff\xffnonsense").ok();
    };
    let (outcome, text) = failure_of(&serve(lie));
    assert!(matches!(outcome, Outcome::RemoteBroken | Outcome::Unavailable), "{outcome:?} {text}");
}

/// The pack of a repository that has one.
fn pack_of(branch: &Path) -> PathBuf {
    let packs = fs::read_dir(branch.join(".bzr/repository/packs")).expect("packs");
    packs
        .flatten()
        .map(|entry| entry.path())
        .max_by_key(|path| path.metadata().map(|meta| meta.len()).ok())
        .expect("one")
}

#[test]
fn a_damaged_store_is_the_sources_fault_and_nothing_is_published() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 3] = [
        ("cut off", |bytes| bytes.truncate(bytes.len() / 2)),
        ("with zeros in it", |bytes| {
            let length = bytes.len();
            bytes[length / 4..length / 2].fill(0);
        }),
        ("with nothing in it", Vec::clear),
    ];
    for (what, damage) in damages {
        let branches = Branches::create();
        branches.roll("branch", 7, 0, 30, "2a");
        branches.brz("branch", &["pack"]);
        let pack = pack_of(&branches.path("branch"));
        let mut bytes = fs::read(&pack).expect("readable");
        damage(&mut bytes);
        fs::remove_file(&pack).expect("ours");
        fs::write(&pack, bytes).expect("writable");
        let server = BzrServer::start(branches.dir.path());
        for url in [branches.url("branch"), server.url("branch")] {
            let (outcome, text) = failure_of(&url);
            assert_eq!(outcome, Outcome::RemoteBroken, "{what}: {url}: {text}");
        }
    }
}

#[test]
fn a_format_that_nobody_knows_is_an_unsupported_feature() {
    let branches = Branches::with_branch("branch");
    branches.commit("branch", &[("f", "text\n")], "one");
    let format = branches.path("branch").join(".bzr/repository/format");
    fs::write(format, "Bazaar repository format of tomorrow\n").expect("writable");
    let (outcome, text) = failure_of(&branches.url("branch"));
    assert_eq!(outcome, Outcome::UnsupportedFeature, "{text}");
}

#[test]
fn a_branch_that_lies_on_another_host_is_not_followed_there() {
    let branches = Branches::with_branch("branch");
    branches.commit("branch", &[("f", "text\n")], "one");
    let elsewhere = BzrServer::start(branches.dir.path());
    let here = Branches::create();
    let bzr = here.path("reference/.bzr");
    fs::create_dir_all(bzr.join("branch")).expect("ours");
    fs::write(bzr.join("branch-format"), "Bazaar-NG meta directory, format 1\n").expect("writable");
    fs::write(bzr.join("branch/format"), "Bazaar-NG Branch Reference Format 1\n").expect("writable");
    fs::write(bzr.join("branch/location"), elsewhere.url("branch")).expect("writable");
    let server = BzrServer::start(here.dir.path());
    let (outcome, text) = failure_of(&server.url("reference"));
    assert!(outcome == Outcome::Invalid && text.contains("another place"), "{outcome:?} {text}");
}

#[test]
fn a_name_that_git_keeps_for_itself_is_an_unsupported_feature() {
    let branches = Branches::with_branch("branch");
    fs::create_dir(branches.path("branch/.git")).expect("ours");
    branches.commit("branch", &[(".git/config", "text\n")], "one");
    branches.brz("branch", &["add", "-q", "--no-recurse", ".git/config"]);
    branches.brz("branch", &["commit", "-q", "--unchanged", "-m", "two"]);
    let (outcome, text) = failure_of(&branches.url("branch"));
    assert!(outcome == Outcome::UnsupportedFeature && text.contains(".git"), "{outcome:?} {text}");
}
