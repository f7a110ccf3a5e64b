//! Whichever way a repository comes, the same commits are made of it.

use super::copy::Copy;
use super::corpora::unpack;
use super::failures::imported;
use super::repository::{CvsRoot, run};
use super::server::CvsServer;
use codeimport_convert::{Login, Watch};
use codeimport_core::{Outcome, cvs_url};
use codeimport_subprocess::Command;
use std::net::{TcpListener, TcpStream};
use std::path::Path;

/// All printable characters of ASCII but those with a meaning in `passwd`.
const PASSWORD: &str =
    r##"!"#$%&'()*+,-./0123456789;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghijklmnopqrstuvwxyz{|}~ "##;

/// What CVS itself cannot log: it counts the lines of deltas, and one of them is none.
const CANNOT_LOG: [&str; 1] = ["cvs-fast-export-tests-rcs-only/deadbranch"];

#[test]
fn files_and_server_give_the_same_commits_on_the_corpora() {
    let Some(corpora) = std::env::var_os("CODEIMPORT_CORPORA") else { return };
    let root = CvsRoot::create();
    let modules = unpack(Path::new(&corpora), &root.path());
    let server = CvsServer::start(&root);
    let only = std::env::var("CODEIMPORT_MODULE").unwrap_or_default();
    let mut wrong = Vec::new();
    for module in modules.iter().filter(|module| module.contains(&only)) {
        let by_files = Copy::of(&root, module);
        let by_server = Copy::at(&root, module, &server.url(module));
        let told = (by_files.run(), by_server.run());
        if CANNOT_LOG.contains(&module.as_str()) {
            assert!(told.1.is_err_and(|error| error.starts_with("RemoteBroken")), "{module}");
        } else if told != (Ok(true), Ok(true)) {
            wrong.push(format!("{module}: {told:?}"));
        } else if (by_files.refs(), by_files.map()) != (by_server.refs(), by_server.map()) {
            let (files, server) = (by_files.log(), by_server.log());
            let only =
                |a: &str, b: &str| a.lines().filter(|line| !b.contains(*line)).map(str::to_owned).collect::<Vec<_>>();
            wrong.push(format!("{module}: {:?}\n{:?}", only(&files, &server), only(&server, &files)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_server_lets_in_who_knows_the_password_of_its_cvs_root() {
    let root = imported();
    // crypt(3) of the password: every printable character that the protocol scrambles.
    let server = CvsServer::start_for(&root, "ada:$1$codeimpo$JSHQgPmXlE4SBeenZI5A4.");
    let url = cvs_url(&server.cvs_root(""), "m").expect("a root and a module");
    let run_as = |login: Option<Login>| {
        let mut copy = Copy::at(&root, "m", &url);
        copy.options.login = login;
        copy.run()
    };
    assert_eq!(run_as(Some(Login::new("ada".to_owned(), PASSWORD.to_owned()))), Ok(true));
    for wrong in [None, Some(("ada", "wrong")), Some(("bob", PASSWORD)), Some(("ada", "grün")), Some(("a\nb", ""))] {
        let told = run_as(wrong.map(|(name, password)| Login::new(name.to_owned(), password.to_owned())));
        assert!(told.as_ref().is_err_and(|error| error.starts_with("Authentication")), "{wrong:?}: {told:?}");
    }
}

#[test]
fn rsync_gives_the_same_commits_and_finds_nothing_new() {
    let root = imported();
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port").port();
    let config = root.dir.path().join("rsyncd.conf");
    let user = run(root.dir.path(), &["id", "-un"]);
    let path = root.path().display().to_string();
    let text = format!("address = 127.0.0.1\nport = {port}\nuse chroot = no\nuid = {user}\n[root]\npath = {path}\n");
    std::fs::write(&config, text).expect("writable");
    let command = Command::new("rsync").args(["--daemon", "--no-detach", "--config"]).arg(&config);
    let daemon = command.start().expect("rsync is installed");
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(daemon.is_running(), "{}", daemon.log_tail());
        std::thread::yield_now();
    }
    let by_files = Copy::of(&root, "m");
    let by_rsync = Copy::at(&root, "m", &format!("rsync://127.0.0.1:{port}/root//m"));
    assert_eq!((by_files.run(), by_rsync.run()), (Ok(true), Ok(true)));
    assert_eq!(by_files.refs(), by_rsync.refs());
    assert_eq!(by_rsync.run_outcome(), Outcome::NoChange);
    for (place, outcome) in [
        (format!("{port}/root//nothing"), "Invalid"),
        (format!("{port}/nothing//m"), "Invalid"),
        ("1/root//m".to_owned(), "Unavailable"),
    ] {
        let error = Copy::at(&root, "m", &format!("rsync://127.0.0.1:{place}")).run().expect_err(&place);
        assert!(error.starts_with(outcome), "{error}");
    }
}

#[test]
fn a_preview_tells_the_same_whichever_way_and_a_poll_finds_nothing_new() {
    let root = imported();
    let server = CvsServer::start(&root);
    let by_files = Copy::of(&root, "m");
    let by_server = Copy::at(&root, "m", &server.url("m"));
    for copy in [&by_files, &by_server] {
        let preview = copy.source().preview(&Watch::none()).expect("readable");
        assert_eq!(
            (&preview.branches[..], &preview.tags[..]),
            (&["HEAD".to_owned(), "vendor".to_owned()][..], &["v1".to_owned()][..])
        );
        assert_eq!((preview.revision_count, &preview.authors[..]), (Some(1), &[("ada".to_owned(), 1)][..]));
        assert_eq!(copy.run(), Ok(true));
        assert_eq!(copy.run_outcome(), Outcome::NoChange);
    }
}
