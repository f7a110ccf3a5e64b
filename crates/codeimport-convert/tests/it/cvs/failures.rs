//! Each way in which a CVS server can fail has an outcome and a sentence of its own, and leaves the target as it was.
//! `docs/outcomes.md` lists them.

use super::copy::Copy;
use super::repository::CvsRoot;
use super::server::CvsServer;
use crate::wire::{Harm, Wire};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener};
use std::time::Duration;

/// Where the new revision of [`grown`] is under way: behind the log, before its end.
const MIDWAY: u64 = 200_000;

/// A repository with one module.
pub(super) fn imported() -> CvsRoot {
    let root = CvsRoot::create();
    let import = root.dir.path().join("import");
    fs::create_dir(&import).expect("ours");
    fs::write(import.join("f"), "text\n").expect("writable");
    root.cvs(&import, &["import", "-m", "imported", "m", "vendor", "v1"]);
    root
}

/// The module, converted by way of a wire, and one revision more, large enough to break off in the middle.
fn grown<'a>(root: &'a CvsRoot, url: &str) -> Copy<'a> {
    let mut copy = Copy::at(root, "m", url);
    copy.options.idle_timeout = Duration::from_secs(1);
    assert_eq!(copy.run(), Ok(true));
    root.cvs(root.dir.path(), &["checkout", "m"]);
    let work = root.dir.path().join("m");
    fs::write(work.join("f"), "a line that is said again\n".repeat(20_000)).expect("writable");
    root.cvs(&work, &["commit", "-m", "large"]);
    copy
}

#[test]
fn a_connection_that_breaks_or_falls_silent_is_told_and_the_next_run_brings_all() {
    let root = imported();
    let server = CvsServer::start(&root);
    let wire = Wire::to(server.port());
    let copy = grown(&root, &wire.along(server.port(), &server.url("m")));
    let before = copy.refs();
    let silent = "said nothing for 1 seconds";
    let broken = "closed the connection";
    for (harm, words) in [
        (Harm::Stall(0), silent),
        (Harm::Stall(20), silent),
        (Harm::Stall(MIDWAY), silent),
        (Harm::Cut(0), broken),
        (Harm::Cut(20), broken),
        (Harm::Cut(MIDWAY), broken),
    ] {
        wire.suffers(harm);
        let error = copy.run().expect_err(words);
        assert!(error.starts_with("Unavailable") && error.contains(words), "{error}");
        assert_eq!(copy.refs(), before, "{words}");
    }
    wire.suffers(None);
    assert_eq!(copy.run(), Ok(true));
    assert_ne!(copy.refs(), before);
}

/// A server that answers every connection with the same words, then closes it.
fn saying(words: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            // The client may have gone by then; until then it is listened to, as its words would break the connection.
            let _ = client.write_all(words.as_bytes()).and_then(|()| client.shutdown(Shutdown::Write));
            let _ = client.read_to_end(&mut Vec::new());
        }
    });
    port
}

#[test]
fn what_makes_no_sense_is_no_trouble_of_the_network() {
    let root = CvsRoot::create();
    let nonsense = [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "I LOVE YOU\nHTTP/1.1 400 Bad Request\r\n",
        "I LOVE YOU\nM RCS file: /elsewhere/f,v\nok\n",
        // Twice, as a poll asks for heads, then for symbols.
        "I LOVE YOU\nM RCS file: /r/m/f,v\nM total revisions: 2\nM description:\nok\nok\n",
        "I LOVE YOU\nCreated m/\n/r/m/f\n/f/1.1///\nu=rw\n99\n",
    ];
    for words in nonsense {
        let copy = Copy::at(&root, "m", &format!("pserver://127.0.0.1:{}/r//m", saying(words)));
        let error = copy.run().expect_err(words);
        assert!(error.starts_with("RemoteBroken"), "{words:?}: {error}");
        assert_eq!(copy.refs(), "", "{words:?}");
    }
}

#[test]
fn refusals_are_told_apart() {
    let root = CvsRoot::create();
    let cases = [
        ("I HATE YOU\n", "Authentication"),
        ("error 0 /r: no such repository\nI HATE YOU\n", "Invalid"),
        ("E Fatal error, aborting.\nerror 0 bob: no such user\n", "Authentication"),
        ("I LOVE YOU\nE cvs rlog: cannot find module `m' - ignored\nerror  \n", "Invalid"),
        ("I LOVE YOU\nE cvs rlog: failed to obtain dir lock in repository `/r'\nerror  \n", "Unavailable"),
        (
            "I LOVE YOU\nE cvs [rlog aborted]: EOF while looking for end of string in RCS file /r/m/f,v\nerror  \n",
            "RemoteBroken",
        ),
    ];
    for (words, outcome) in cases {
        let copy = Copy::at(&root, "m", &format!("pserver://127.0.0.1:{}/r//m", saying(words)));
        let error = copy.run().expect_err(words);
        assert!(error.starts_with(outcome), "{words:?}: {error}");
    }
}
