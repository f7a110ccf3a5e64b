//! Which system is behind an address over HTTP, where it says nothing itself: asked of each system's own server.

use crate::smart_http;
use crate::subversion::apache::Apache;
use crate::subversion::server::{free_port, run, until_it_listens};
use codeimport_convert::{ConvertError, Recognized, SourceOptions, Watch, recognize};
use codeimport_core::{Outcome, RcsType};
use codeimport_subprocess::{Command, Daemon};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// What serves Bazaar's protocol over HTTP, as its documentation has it.
const BAZAAR_OVER_HTTP: &str = "
import sys, breezy.bzr
from breezy import initialize
from breezy.transport.http import wsgi
from wsgiref.simple_server import make_server
with initialize():
    make_server('127.0.0.1', int(sys.argv[2]), wsgi.make_app(root=sys.argv[1], prefix='/', path_var='PATH_INFO')).serve_forever()
";

/// A folder of repositories: `g` of Git, `s` of Subversion, `h` of Mercurial, `b` of Bazaar.
struct Repositories {
    dir: TempDir,
}

impl Repositories {
    fn make() -> Self {
        let repositories = Self { dir: tempfile::tempdir().expect("temporary folder") };
        let root = repositories.root();
        std::fs::create_dir(&root).expect("the folder is ours");
        run(&root, &["git", "init", "-q", "--bare", "g"]);
        let tree = run(&root, &["git", "-C", "g", "write-tree"]);
        let identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
        let commit = run(&root, &[&["git", "-C", "g"], &identity[..], &["commit-tree", "-m", "m", &tree]].concat());
        run(&root, &["git", "-C", "g", "update-ref", "refs/heads/main", &commit]);
        run(&root, &["git", "-C", "g", "update-server-info"]);
        run(&root, &["svnadmin", "create", "s"]);
        run(&root, &["hg", "init", "h"]);
        run(&root, &["brz", "init", "-q", "b"]);
        repositories
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("served")
    }
}

/// Starts a server on a port of its own; gives the address of what it serves.
fn start(program: &str, words: impl FnOnce(&str) -> Vec<String>) -> (Daemon, String) {
    let port = free_port();
    let daemon = Command::new(program).args(words(&port.to_string())).start().expect("the program is installed");
    until_it_listens(port, &daemon);
    (daemon, format!("http://127.0.0.1:{port}"))
}

fn hg_serve(repository: &Path) -> (Daemon, String) {
    let path = repository.to_str().expect("text").to_owned();
    start("hg", |port| ["serve", "--address", "127.0.0.1", "--port", port, "-R", &path].map(str::to_owned).to_vec())
}

fn brz_over_http(root: &Path) -> (Daemon, String) {
    let path = root.to_str().expect("text").to_owned();
    start("/usr/bin/python3", |port| ["-c", BAZAAR_OVER_HTTP, &path, port].map(str::to_owned).to_vec())
}

fn asked(url: &str) -> Result<Recognized, ConvertError> {
    let patience = Duration::from_secs(5);
    let options = SourceOptions { connect_timeout: patience, idle_timeout: patience, ..SourceOptions::default() };
    recognize(url, &options, &Watch::none())
}

fn assert_is(url: &str, rcs: RcsType) {
    let found = asked(url).unwrap_or_else(|error| panic!("{url}: {}", error.chain()));
    assert_eq!(found, Recognized { rcs, was_asked: true }, "{url}");
}

#[test]
fn each_system_is_known_by_what_its_own_server_answers() {
    let repositories = Repositories::make();
    let root = repositories.root();
    assert_is(&format!("http://{}/g", smart_http::serve(root.clone())), RcsType::Git);
    let (_hg, url) = hg_serve(&root.join("h"));
    assert_is(&url, RcsType::Mercurial);
    let (_brz, url) = brz_over_http(&root);
    assert_is(&format!("{url}/b"), RcsType::Bazaar);
    let Some(apache) = Apache::serve(&root) else { return };
    assert_is(&apache.url("svn", "s"), RcsType::Subversion);
    assert_is(&apache.url("svn", "s/"), RcsType::Subversion);
}

#[test]
fn plain_files_are_known_too() {
    let repositories = Repositories::make();
    let Some(apache) = Apache::serve(&repositories.root()) else { return };
    assert_is(&apache.url("files", "g"), RcsType::Git);
    assert_is(&apache.url("files", "b"), RcsType::Bazaar);
}

#[test]
fn what_answers_as_none_is_told_with_every_answer() {
    let repositories = Repositories::make();
    let Some(apache) = Apache::serve(&repositories.root()) else { return };
    let cases = [
        (apache.url("files", "h").replace("//", "//ada:secret@"), Outcome::Invalid, "git: HTTP 404; svn: "),
        (apache.url("private", "s"), Outcome::Authentication, "svn: HTTP 401; hg: HTTP 401"),
        (apache.url("busy", "s"), Outcome::Throttled, "bzr: HTTP 429"),
        (apache.url("broken", "s"), Outcome::Unavailable, "hg: HTTP 500"),
    ];
    for (url, outcome, words) in cases {
        let error = asked(&url).expect_err("no system");
        assert_eq!(error.outcome, outcome, "{}", error.message);
        assert!(error.message.contains(words) && error.message.contains("--rcs"), "{}", error.message);
        assert!(!error.message.contains("secret"), "{}", error.message);
    }
}

#[test]
fn several_at_one_address_are_not_chosen_from() {
    let repositories = Repositories::make();
    let root = repositories.root();
    run(&root, &["cp", "-r", "b/.bzr", "g"]);
    let Some(apache) = Apache::serve(&root) else { return };
    let error = asked(&apache.url("files", "g")).expect_err("two systems");
    assert_eq!(error.outcome, Outcome::Invalid);
    assert!(error.message.contains("answers as bzr and as git"), "{}", error.message);
}

#[test]
fn a_host_that_cannot_be_reached_or_is_silent_is_asked_once() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("bound");
    for url in ["http://127.0.0.1:1/r", "http://nowhere.invalid/r", &format!("http://{address}/r")] {
        assert_eq!(asked(url).expect_err("nobody answers").outcome, Outcome::Unavailable, "{url}");
    }
    silent.set_nonblocking(true).expect("a socket");
    assert_eq!(std::iter::from_fn(|| silent.accept().ok()).count(), 1);
}
