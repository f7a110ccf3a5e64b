//! A connection that is logged in: requests go out, what the server says comes in.

use super::connection::Connection;
use super::peer::Peer;
use crate::source::text::decode;
use crate::{ConvertError, Watch};
use codeimport_core::{Outcome, Stage};
use std::io;

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

/// A connection on which commands may be given.
pub(super) struct Session<'a> {
    pub(super) peer: &'a Peer,
    connection: Connection,
    pub(super) stage: Stage,
    watch: &'a Watch,
    pub(super) complaints: String,
}

impl<'a> Session<'a> {
    /// Connects, and logs in where that is asked for.
    pub(super) fn open(peer: &'a Peer, stage: Stage, watch: &'a Watch) -> Result<Self, ConvertError> {
        let connection = peer.connect(stage, watch)?;
        let mut session = Self { peer, connection, stage, watch, complaints: String::new() };
        if matches!(session.connection, Connection::Tcp { .. }) {
            session.log_in()?;
        }
        let root = &peer.address.root;
        session.send(format!("Root {root}\nValid-responses {RESPONSES}\nUseUnchanged\n").as_bytes())?;
        Ok(session)
    }

    /// Sends a few requests.
    pub(super) fn send(&mut self, requests: &[u8]) -> Result<(), ConvertError> {
        self.connection.send(requests).map_err(|error| self.gone(error))
    }

    /// Sends many requests from a thread of its own, while their answers are read.
    pub(super) fn pipelined<T>(
        &mut self,
        requests: &[Vec<u8>],
        read: impl FnOnce(&mut Self) -> Result<T, ConvertError>,
    ) -> Result<T, ConvertError> {
        let mut writer = self.connection.writer().map_err(|error| self.gone(error))?;
        std::thread::scope(|scope| {
            // What could not be sent is not answered: the reader notices.
            let sender = scope.spawn(move || requests.iter().try_for_each(|request| writer.write_all(request)).is_ok());
            let result = read(self);
            // A sender that still waits for a server that does not read would wait for long.
            if result.is_err() {
                self.connection.hang_up();
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
                .peer
                .address
                .broken(self.stage, &format!("{:?}", String::from_utf8_lossy(&line[..line.len().min(80)])))),
        }
    }

    pub(super) fn complain(&mut self, complaint: &str) {
        if self.complaints.len() < MOST_COMPLAINTS && !complaint.contains(": Logging ") {
            self.complaints.push_str(complaint);
            self.complaints.push('\n');
        }
    }

    /// A command that failed: by the server's own words.
    fn refused(&self) -> ConvertError {
        let words = self.complaints.trim();
        let (outcome, text) = if words.contains("Cannot access") && words.contains("CVSROOT") {
            (
                Outcome::Invalid,
                format!("The CVS server {} has no repository {}.", self.peer.address.host, self.peer.address.root),
            )
        } else if words.contains("cannot find module") || words.contains("no such") {
            (
                Outcome::Invalid,
                format!("The repository {} has no {}.", self.peer.address.root, self.peer.address.module),
            )
        } else if words.contains("obtain dir lock") || words.contains("Permission denied") {
            (
                Outcome::Unavailable,
                format!("The CVS server {} cannot read its own repository now.", self.peer.address.host),
            )
        } else {
            let last = words.lines().next_back().unwrap_or("no reason given");
            (
                Outcome::RemoteBroken,
                format!("The CVS server {} cannot read its repository: {last}.", self.peer.address.host),
            )
        };
        ConvertError::new(outcome, self.stage, text).caused_by(words.to_owned())
    }

    /// The next line.
    pub(super) fn line(&mut self) -> Result<Vec<u8>, ConvertError> {
        match self.connection.line() {
            Ok(Some(line)) => Ok(line),
            Ok(None) => Err(self.gone(io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(self.gone(error)),
        }
    }

    /// So many bytes.
    pub(super) fn bytes(&mut self, count: u64) -> Result<Vec<u8>, ConvertError> {
        self.connection.bytes(count).map_err(|error| self.gone(error))
    }

    /// Bytes that came so far.
    pub(super) fn received(&self) -> u64 {
        self.connection.received()
    }

    /// The run's watch.
    pub(super) fn watch(&self) -> &Watch {
        self.watch
    }

    /// Why nothing more comes.
    fn gone(&mut self, error: io::Error) -> ConvertError {
        if self.watch.cancel().is_cancelled() {
            return ConvertError::cancelled(self.stage);
        }
        if let Some(said) = self.connection.ended().and_then(|ended| self.peer.explain(ended, self.stage)) {
            return said;
        }
        let host = &self.peer.address.host;
        let text = match error.kind() {
            io::ErrorKind::TimedOut => {
                format!("The CVS server {host} said nothing for {} seconds.", self.peer.idle_timeout.as_secs())
            }
            _ if !self.complaints.is_empty() => return self.refused(),
            _ => format!("The CVS server {host} closed the connection in the middle of its answer."),
        };
        ConvertError::new(Outcome::Unavailable, self.stage, text).caused_by(error)
    }
}
