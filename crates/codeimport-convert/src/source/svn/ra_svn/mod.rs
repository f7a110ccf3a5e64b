//! Asks an `svn://` server what `svn info` tells, without starting a program: most polls find nothing new, and starting
//! `svn` costs ten times what the question does.
//!
//! Only the plain case is handled: a server that lets everybody read. For whatever else happens there is no answer here,
//! and the caller asks `svn`, which also knows how to say what is wrong.
//!
//! ```text
//!   server  ( success ( 2 2 ( ) ( edit-pipeline … ) ) )
//!   client  ( 2 ( edit-pipeline … ) URL )
//!   server  ( success ( ( ANONYMOUS … ) realm ) )
//!   client  ( ANONYMOUS ( 0: ) )
//!   server  ( success ( ) )   ( success ( UUID ROOT ( … ) ) )
//!   client  ( get-latest-rev ( ) )   ( check-path ( 0: ( ) ) )
//!   server  ( success ( ( ) 0: ) )  ( success ( 42 ) )    the same for check-path: ( success ( dir ) )
//! ```

mod connection;
mod item;

use super::client::{Info, decode_percent};
use crate::Watch;
use connection::Connection;
use item::{Item, string};
use std::io;
use std::time::Duration;

/// Port of `svn://` (IANA).
const SVN_PORT: u16 = 3690;

/// Longest time for all of it. Whoever needs longer is left to `svn`, with its own time-outs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks; none if the address is not of this kind or anything is out of the ordinary.
pub(super) fn info(url: &str, watch: &Watch) -> Option<Info> {
    let url = url::Url::parse(url).ok()?;
    let names_somebody = !url.username().is_empty() || url.password().is_some();
    if url.scheme() != "svn" || names_somebody || url.query().is_some() || url.fragment().is_some() {
        return None;
    }
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    let address = (host.as_str(), url.port().unwrap_or(SVN_PORT));
    match ask(address, url.as_str().trim_end_matches('/'), watch) {
        Ok(info) => info,
        Err(error) => {
            tracing::debug!(source.url = %url, error = %error, "the short question gave no answer; asking svn");
            None
        }
    }
}

fn ask((host, port): (&str, u16), url: &str, watch: &Watch) -> io::Result<Option<Info>> {
    let mut connection = Connection::open(host, port, PATIENCE, watch.cancel())?;
    if !greets_as_expected(&connection.receive()?) {
        return Ok(None);
    }
    connection.send(&format!("( 2 ( edit-pipeline svndiff1 absent-entries depth mergeinfo ) {} ) ", string(url)))?;
    if !log_in(&mut connection)? {
        return Ok(None);
    }
    let repository = connection.receive()?;
    // Asked together: the server answers in order.
    connection.send("( get-latest-rev ( ) ) ( check-path ( 0: ( ) ) ) ")?;
    let (youngest, kind) = (answer(&mut connection)?, answer(&mut connection)?);
    Ok(understand(url, &repository, &youngest, &kind))
}

/// Version 2 is the only one there ever was; `edit-pipeline` is what every server of it has.
fn greets_as_expected(greeting: &Item) -> bool {
    let Some([lowest, highest, _, capabilities, ..]) = success(greeting) else { return false };
    let speaks_2 = lowest.number().is_some_and(|n| n <= 2) && highest.number().is_some_and(|n| n >= 2);
    speaks_2 && capabilities.list().is_some_and(|all| all.iter().any(|word| word.is_word("edit-pipeline")))
}

/// As nobody; false if the server wants somebody.
fn log_in(connection: &mut Connection) -> io::Result<bool> {
    let request = connection.receive()?;
    let Some([mechanisms, ..]) = success(&request) else { return Ok(false) };
    let Some(mechanisms) = mechanisms.list() else { return Ok(false) };
    if mechanisms.is_empty() {
        return Ok(true);
    }
    if !mechanisms.iter().any(|mechanism| mechanism.is_word("ANONYMOUS")) {
        return Ok(false);
    }
    connection.send("( ANONYMOUS ( 0: ) ) ")?;
    Ok(success(&connection.receive()?).is_some())
}

/// The answer to a command: in front of it stands what the server demands of whoever gave the command, here nothing.
fn answer(connection: &mut Connection) -> io::Result<Item> {
    let demanded = connection.receive()?;
    match success(&demanded) {
        Some([mechanisms, ..]) if mechanisms.list().is_some_and(<[Item]>::is_empty) => connection.receive(),
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

fn understand(url: &str, repository: &Item, youngest: &Item, kind: &Item) -> Option<Info> {
    let [uuid, root, ..] = success(repository)? else { return None };
    let [youngest, ..] = success(youngest)? else { return None };
    let [kind, ..] = success(kind)? else { return None };
    // An address with nothing behind it is a failure, and one that svn has the words for.
    let exists = kind.is_word("dir") || kind.is_word("file");
    let uuid = uuid.text().filter(|uuid| !uuid.is_empty() && !uuid.contains(char::is_whitespace))?;
    let root = root.text()?;
    let below = url.strip_prefix(root).filter(|below| below.is_empty() || below.starts_with('/'))?;
    let path = decode_percent(below.trim_start_matches('/'));
    exists.then_some(Info { root: root.to_owned(), uuid: uuid.to_owned(), youngest: youngest.number()?, path })
}

/// What `( success ( … ) )` holds.
fn success(item: &Item) -> Option<&[Item]> {
    match item.list()? {
        [word, parameters] if word.is_word("success") => parameters.list(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::Client;
    use super::*;
    use codeimport_subprocess::Command;
    use std::io::Write as _;
    use std::net::{Ipv4Addr, TcpListener};

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
        let info = info(&format!("{root}/a%20b"), &Watch::none());
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
            let client = Client { url: url.clone(), idle_timeout: Duration::from_secs(60) };
            let expected = client.info_by_program(codeimport_core::Stage::Probe, &Watch::none()).expect("it exists");
            assert_eq!(info(&url, &Watch::none()), Some(expected), "{path}");
        }
        for path in ["other", "r/missing"] {
            assert_eq!(info(&format!("svn://127.0.0.1:{port}/{path}"), &Watch::none()), None, "{path}");
        }
    }

    #[test]
    fn a_run_that_is_cancelled_waits_for_no_server() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
        let port = listener.local_addr().expect("bound").port();
        let watch = Watch::none();
        watch.cancel().cancel();
        assert_eq!(info(&format!("svn://127.0.0.1:{port}/r"), &watch), None);
    }

    #[test]
    fn other_addresses_are_not_even_tried() {
        for url in ["http://127.0.0.1:1/r", "svn+ssh://127.0.0.1:1/r", "svn://me@127.0.0.1:1/r", "no url"] {
            assert_eq!(info(url, &Watch::none()), None, "{url}");
        }
    }
}
