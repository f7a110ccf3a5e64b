//! A connection that is logged in: requests go out, what the server says comes in.

use super::scramble::scramble;
use crate::source::cvs::address::Address;
use crate::source::text::decode;
use crate::source::wire::Wire;
use crate::{ConvertError, Login, Watch};
use codeimport_core::{Outcome, Stage};
use std::io::{self, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// The account that public servers let read, without password.
const ANONYMOUS: &str = "anonymous";

/// What the client understands. The first nine every client must; tagged text tells a server's words from a user's.
const RESPONSES: &str =
    "ok error Valid-requests Checked-in Merged Updated Removed M E MT Created Update-existing Mbinary";

/// What is kept of what a server complains of.
const MOST_COMPLAINTS: usize = 2_000;

/// A line that a command printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::source::cvs) struct Line {
    pub(super) text: Vec<u8>,
    /// Whether the server marked it as its own words; those of users are never.
    pub(super) is_tagged: bool,
}

/// Who is asked.
pub(super) struct Server {
    pub(super) address: Address,
    /// By what name and password; by none where everybody may read.
    pub(super) login: Option<Login>,
    pub(super) connect_timeout: Duration,
    /// Longest silence.
    pub(super) idle_timeout: Duration,
}

/// A connection.
pub(super) struct Session<'a> {
    server: &'a Server,
    wire: Wire,
    writer: TcpStream,
    stage: Stage,
    watch: &'a Watch,
    complaints: String,
}

impl<'a> Session<'a> {
    /// Connects and logs in.
    pub(super) fn open(server: &'a Server, stage: Stage, watch: &'a Watch) -> Result<Self, ConvertError> {
        let place = (server.address.host.as_str(), server.address.server_port());
        let opened = Wire::open(place, server.connect_timeout, server.idle_timeout, watch.cancel());
        let (wire, writer) = opened.map_err(|error| {
            let text = format!("The CVS server {}:{} cannot be reached.", place.0, place.1);
            ConvertError::new(Outcome::Unavailable, stage, text).caused_by(error)
        })?;
        let mut session = Self { server, wire, writer, stage, watch, complaints: String::new() };
        session.log_in()?;
        let root = &server.address.root;
        session.send(format!("Root {root}\nValid-responses {RESPONSES}\nUseUnchanged\n").as_bytes())?;
        Ok(session)
    }

    fn log_in(&mut self) -> Result<(), ConvertError> {
        let root = &self.server.address.root;
        let user = self.server.login.as_ref().map_or(ANONYMOUS, Login::username);
        let password = scramble(self.server.login.as_ref().map_or("", Login::password));
        let Some(password) = password.filter(|_| !user.chars().any(char::is_control)) else {
            let text = "CVS takes only names and passwords of printable ASCII characters.";
            return Err(ConvertError::new(Outcome::Authentication, self.stage, text));
        };
        self.send(format!("BEGIN AUTH REQUEST\n{root}\n{user}\n{password}\nEND AUTH REQUEST\n").as_bytes())?;
        self.hear_verdict()
    }

    /// What the server says to name and password.
    fn hear_verdict(&mut self) -> Result<(), ConvertError> {
        // A name may be a token, and no log shows it.
        let who = if self.server.login.is_some() { "this account" } else { ANONYMOUS };
        let (host, root) = (&self.server.address.host, &self.server.address.root);
        loop {
            let line = self.line()?;
            if line == b"I LOVE YOU" {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&line).into_owned();
            if line == b"I HATE YOU" || text.contains("no such user") {
                let text = format!("The CVS server {host} does not let {who} read.");
                return Err(
                    ConvertError::new(Outcome::Authentication, self.stage, text).caused_by(self.complaints.clone())
                );
            }
            if let Some(complaint) = text.strip_prefix("E ") {
                self.complain(complaint);
            } else if text.starts_with("error") || text.contains("no such repository") {
                self.complain(&text);
                let text = format!("The CVS server {host} has no repository {root}.");
                return Err(ConvertError::new(Outcome::Invalid, self.stage, text).caused_by(self.complaints.clone()));
            } else {
                return Err(self.server.address.broken(self.stage, &"what answers is no CVS server"));
            }
        }
    }

    /// Sends a few requests.
    pub(super) fn send(&mut self, requests: &[u8]) -> Result<(), ConvertError> {
        self.writer.write_all(requests).map_err(|error| self.gone(error))
    }

    /// Sends many requests from a thread of its own, while their answers are read.
    pub(super) fn pipelined<T>(
        &mut self,
        requests: &[Vec<u8>],
        read: impl FnOnce(&mut Self) -> Result<T, ConvertError>,
    ) -> Result<T, ConvertError> {
        let mut writer = self.writer.try_clone().map_err(|error| self.gone(error))?;
        std::thread::scope(|scope| {
            // What could not be sent is not answered: the reader notices.
            let sender = scope.spawn(move || requests.iter().try_for_each(|request| writer.write_all(request)).is_ok());
            let result = read(self);
            // A sender that still waits for a server that does not read would wait for long.
            if result.is_err() {
                self.writer.shutdown(Shutdown::Both).ok();
            }
            sender.join().ok();
            result
        })
    }

    /// Hands over what a command prints, until it is done.
    pub(super) fn lines(
        &mut self,
        take: &mut impl FnMut(Line) -> Result<(), ConvertError>,
    ) -> Result<(), ConvertError> {
        // Tagged text comes in pieces.
        let mut tagged = Vec::new();
        loop {
            let line = self.line()?;
            if let Some(text) = line.strip_prefix(b"M ") {
                take(Line { text: text.to_vec(), is_tagged: false })?;
            } else if line == b"MT newline" {
                take(Line { text: std::mem::take(&mut tagged), is_tagged: true })?;
            } else if let Some(piece) = line.strip_prefix(b"MT ") {
                let text = piece.iter().position(|b| *b == b' ').map_or(&b""[..], |at| &piece[at + 1..]);
                tagged.extend_from_slice(text);
            } else if line == b"ok" {
                return Ok(());
            } else {
                self.other(&line)?;
            }
        }
    }

    /// What may be said between all else.
    pub(super) fn other(&mut self, line: &[u8]) -> Result<(), ConvertError> {
        let text = decode(line);
        // A server's last words go past the protocol.
        let is_last_words = text.starts_with("cvs [");
        if let Some(complaint) = text.strip_prefix("E ").or(is_last_words.then_some(&text)) {
            self.complain(complaint);
            return Ok(());
        }
        match line.strip_prefix(b"error") {
            Some(_) => Err(self.refused()),
            None if line.starts_with(b"Valid-requests") => Ok(()),
            None => Err(self
                .server
                .address
                .broken(self.stage, &format!("{:?}", String::from_utf8_lossy(&line[..line.len().min(80)])))),
        }
    }

    fn complain(&mut self, complaint: &str) {
        if self.complaints.len() < MOST_COMPLAINTS && !complaint.contains(": Logging ") {
            self.complaints.push_str(complaint);
            self.complaints.push('\n');
        }
    }

    /// A command that failed: by the server's own words.
    fn refused(&self) -> ConvertError {
        let words = self.complaints.trim();
        let (outcome, text) = if words.contains("cannot find module") || words.contains("no such") {
            (
                Outcome::Invalid,
                format!("The repository {} has no {}.", self.server.address.root, self.server.address.module),
            )
        } else if words.contains("obtain dir lock") || words.contains("Permission denied") {
            (
                Outcome::Unavailable,
                format!("The CVS server {} cannot read its own repository now.", self.server.address.host),
            )
        } else {
            let last = words.lines().next_back().unwrap_or("no reason given");
            (
                Outcome::RemoteBroken,
                format!("The CVS server {} cannot read its repository: {last}.", self.server.address.host),
            )
        };
        ConvertError::new(outcome, self.stage, text).caused_by(words.to_owned())
    }

    /// The next line.
    pub(super) fn line(&mut self) -> Result<Vec<u8>, ConvertError> {
        match self.wire.line() {
            Ok(Some(line)) => Ok(line),
            Ok(None) => Err(self.gone(io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(self.gone(error)),
        }
    }

    /// So many bytes.
    pub(super) fn bytes(&mut self, count: u64) -> Result<Vec<u8>, ConvertError> {
        self.wire.bytes(count).map_err(|error| self.gone(error))
    }

    /// Bytes that came so far.
    pub(super) fn received(&self) -> u64 {
        self.wire.received()
    }

    /// The run's watch.
    pub(super) fn watch(&self) -> &Watch {
        self.watch
    }

    fn gone(&self, error: io::Error) -> ConvertError {
        if self.watch.cancel().is_cancelled() {
            return ConvertError::cancelled(self.stage);
        }
        let host = &self.server.address.host;
        let text = match error.kind() {
            io::ErrorKind::TimedOut => {
                format!("The CVS server {host} said nothing for {} seconds.", self.server.idle_timeout.as_secs())
            }
            _ if !self.complaints.is_empty() => return self.refused(),
            _ => format!("The CVS server {host} closed the connection in the middle of its answer."),
        };
        ConvertError::new(Outcome::Unavailable, self.stage, text).caused_by(error)
    }
}
