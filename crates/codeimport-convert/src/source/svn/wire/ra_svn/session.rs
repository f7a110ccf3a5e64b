//! From a connection to a repository that may be read: greeting, login, and who is there.
//!
//! ```text
//!   server  ( success ( 2 2 ( ) ( edit-pipeline … ) ) )
//!   client  ( 2 ( edit-pipeline … ) URL )
//!   server  ( success ( ( ANONYMOUS … ) realm ) )
//!   client  ( ANONYMOUS ( 0: ) )
//!   server  ( success ( ) )   ( success ( UUID ROOT ( … ) ) )
//! ```

use super::connection::Connection;
use super::item::{Item, string};
use crate::Watch;
use std::io;
use std::time::Duration;

/// Port of `svn://` (IANA).
const SVN_PORT: u16 = 3690;

/// What we can do. Compressed deltas are asked for: networks are slower than zlib.
const CAPABILITIES: &str = "edit-pipeline svndiff1 absent-entries depth mergeinfo";

/// A repository that takes questions.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    /// The address asked for, as the URL standard writes it.
    pub(crate) url: String,
    pub(crate) uuid: String,
    /// Address of its root.
    pub(crate) root: String,
}

impl Session {
    /// Logs in as nobody. None if the address is not of this kind, or anything is out of the ordinary.
    pub(crate) fn open(url: &str, idle_timeout: Duration, watch: &Watch) -> Option<Self> {
        let url = url::Url::parse(url).ok()?;
        let names_somebody = !url.username().is_empty() || url.password().is_some();
        if url.scheme() != "svn" || names_somebody || url.query().is_some() || url.fragment().is_some() {
            return None;
        }
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
        let address = (host, url.port().unwrap_or(SVN_PORT));
        match log_in(address, url.as_str().trim_end_matches('/'), idle_timeout, watch) {
            Ok(session) => session,
            Err(error) => {
                tracing::debug!(source.url = %url, error = %error, "no plain svn server answers; Subversion's programs are asked");
                None
            }
        }
    }
}

fn log_in((host, port): (&str, u16), url: &str, idle_timeout: Duration, watch: &Watch) -> io::Result<Option<Session>> {
    let mut connection = Connection::open(host, port, idle_timeout, watch.cancel())?;
    if !greets_as_expected(&connection.receive()?) {
        return Ok(None);
    }
    connection.send(&format!("( 2 ( {CAPABILITIES} ) {} ) ", string(url)))?;
    if !is_let_in(&mut connection)? {
        return Ok(None);
    }
    let repository = connection.receive()?;
    let Some([uuid, root, ..]) = success(&repository) else { return Ok(None) };
    let uuid = uuid.text().filter(|uuid| !uuid.is_empty() && !uuid.contains(char::is_whitespace));
    let (Some(uuid), Some(root)) = (uuid, root.text()) else { return Ok(None) };
    Ok(Some(Session { connection, url: url.to_owned(), uuid: uuid.to_owned(), root: root.to_owned() }))
}

/// Version 2 is the only one there ever was; `edit-pipeline` is what every server of it has.
fn greets_as_expected(greeting: &Item) -> bool {
    let Some([lowest, highest, _, capabilities, ..]) = success(greeting) else { return false };
    let speaks_2 = lowest.number().is_some_and(|n| n <= 2) && highest.number().is_some_and(|n| n >= 2);
    speaks_2 && capabilities.list().is_some_and(|all| all.iter().any(|word| word.is_word("edit-pipeline")))
}

/// As nobody; false if the server wants somebody.
fn is_let_in(connection: &mut Connection) -> io::Result<bool> {
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

/// Reads what the server demands of whoever gives a command, which is said in front of every answer: here, nothing.
pub(crate) fn nothing_demanded(connection: &mut Connection) -> io::Result<()> {
    match success(&connection.receive()?) {
        Some([mechanisms, ..]) if mechanisms.list().is_some_and(<[Item]>::is_empty) => Ok(()),
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

/// What `( success ( … ) )` holds.
pub(crate) fn success(item: &Item) -> Option<&[Item]> {
    match item.list()? {
        [word, parameters] if word.is_word("success") => parameters.list(),
        _ => None,
    }
}
