//! Subversion's own protocol, for `svn://`: most polls find nothing new, and starting `svn` costs ten times what the question
//! does; and history comes faster from the server itself than through `svnrdump`.
//!
//! Only the plain case is handled: a server that lets everybody read. For whatever else happens there is no answer here,
//! and the caller asks Subversion's programs, which also know how to say what is wrong.
//!
//! ```text
//!   item        numbers, words, strings, lists, out of bytes      bounded
//!   connection  items over TCP, with an end to every wait
//!   session     greeting and login
//!   info        what svn info tells
//!   log         who, when and which paths, of some revisions
//!   replay      a range of revisions as records; commands: those of one of them      pure
//! ```

mod commands;
mod connection;
mod info;
mod item;
mod log;
mod replay;
mod session;

pub(crate) use info::info;
pub(crate) use log::log;
pub(crate) use replay::Replay;
#[cfg(fuzzing)]
pub(crate) use replay::follow_bytes;

#[cfg(test)]
mod tests {
    use super::super::client::Client;
    use super::super::info::Info;
    use super::item::string;
    use super::{Replay, info};
    use crate::source::svn::records::RecordSource as _;
    use crate::{SourceOptions, Watch};
    use codeimport_subprocess::Command;
    use std::io::{self, Write as _};
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    const LONG_ENOUGH: Duration = Duration::from_secs(10);
    const GREETING: &str = "( success ( 2 2 ( ) ( edit-pipeline svndiff1 ) ) ) ";
    const LOGIN: &str = "( success ( ( ANONYMOUS ) 5:realm ) ) ( success ( ) ) ( success ( 3:1-2 5:ROOT! ( ) ) ) ";

    /// What a client makes of a server that says just this, and then hangs up.
    fn said(text: &str) -> Option<Info> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
        let port = listener.local_addr().expect("bound").port();
        let root = format!("svn://127.0.0.1:{port}/r");
        let text = text.replace("5:ROOT!", &string(&root));
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the client comes");
            stream.write_all(text.as_bytes()).expect("a small answer fits");
            stream.shutdown(std::net::Shutdown::Write).ok();
            // Until the client hangs up too: closing earlier could throw away what it has not read yet.
            io::copy(&mut stream, &mut io::sink()).ok();
        });
        let info = info(&format!("{root}/a%20b"), LONG_ENOUGH, &Watch::none());
        server.join().expect("the server ends");
        info
    }

    #[test]
    fn a_server_that_anybody_may_ask_tells_where_it_stands() {
        let answers = "( success ( ( ) 0: ) ) ( success ( 42 ) ) ( success ( ( ) 0: ) ) ( success ( dir ) ) ";
        let info = said(&[GREETING, LOGIN, answers].concat()).expect("all is as it should be");
        assert_eq!((info.uuid.as_str(), info.youngest, info.path.as_str()), ("1-2", 42, "a b"));
    }

    #[test]
    fn whatever_else_it_says_is_left_to_svn() {
        let ok = "( success ( ( ) 0: ) ) ";
        let cases = [
            "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned(),
            String::new(),
            "( success ( 3 4 ( ) ( edit-pipeline ) ) ) ".to_owned(),
            format!("{GREETING}( success ( ( CRAM-MD5 ) 5:realm ) ) "),
            format!("{GREETING}( failure ( ( 210005 0: 0: 0 ) ) ) "),
            format!("{GREETING}{LOGIN}{ok}( success ( 42 ) ) {ok}( success ( none ) ) "),
            format!("{GREETING}{LOGIN}{ok}( success ( 42 ) ) "),
            format!("{GREETING}{LOGIN}{ok}( success ( x ) ) {ok}( success ( dir ) ) "),
            format!("{GREETING}{LOGIN}( success ( ( CRAM-MD5 ) 5:realm ) ) "),
            "( ".repeat(50_000),
        ];
        for case in cases {
            assert_eq!(said(&case), None, "{case}");
        }
    }

    #[test]
    fn a_real_server_says_the_same_as_to_svn() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let create = Command::new("svnadmin").arg("create").arg(dir.path().join("r")).run();
        assert!(create.expect("Subversion is installed").success());
        let repository = format!("file://{}", dir.path().join("r").display());
        let add = ["-U", &repository, "-m", "m", "mkdir", "a b", "mkdir", "trunk"];
        assert!(Command::new("svnmucc").args(add).run().expect("Subversion is installed").success());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let listen = format!("--listen-host=127.0.0.1 --listen-port={port} --foreground -d --root");
        let server = Command::new("svnserve").args(listen.split(' ')).arg(dir.path()).start().expect("started");
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(server.is_running() && std::time::Instant::now() < deadline, "{}", server.log_tail());
            std::thread::yield_now();
        }
        for path in ["r", "r/trunk", "r/a%20b", "r/"] {
            let url = format!("svn://127.0.0.1:{port}/{path}");
            let client = Client::new(&url, &SourceOptions::default());
            let expected = client.info_by_program(codeimport_core::Stage::Probe, &Watch::none()).expect("it exists");
            assert_eq!(info(&url, LONG_ENOUGH, &Watch::none()), Some(expected), "{path}");
            let replay = Replay::begin(&url, &(0..=1), Duration::from_secs(60), &Watch::none());
            let mut replay = replay.expect("it may be read by anybody");
            let records = std::iter::from_fn(|| replay.next_record().expect("well-formed")).count();
            assert!(records >= 2, "{path}: at least what begins r0 and r1");
        }
        for path in ["other", "r/missing"] {
            assert_eq!(info(&format!("svn://127.0.0.1:{port}/{path}"), LONG_ENOUGH, &Watch::none()), None, "{path}");
        }
    }

    #[test]
    fn a_run_that_is_cancelled_waits_for_no_server() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
        let port = listener.local_addr().expect("bound").port();
        let watch = Watch::none();
        watch.cancel().cancel();
        assert_eq!(info(&format!("svn://127.0.0.1:{port}/r"), LONG_ENOUGH, &watch), None);
    }

    #[test]
    fn other_addresses_are_not_even_tried() {
        for url in ["http://127.0.0.1:1/r", "svn+ssh://127.0.0.1:1/r", "svn://me@127.0.0.1:1/r", "no url"] {
            assert_eq!(info(url, LONG_ENOUGH, &Watch::none()), None, "{url}");
        }
    }
}
