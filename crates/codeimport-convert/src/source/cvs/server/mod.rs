//! Servers: a client of the CVS protocol (the manual "The CVS Client/Server Protocol"), by TCP (`:pserver:`) or by ssh (`:ext:`).
//!
//! ```text
//!   peer        who is asked, and by which way
//!   connection  the bytes from and to it
//!   login       how a `pserver` is told who asks; scramble: how passwords are written (pure)
//!   session     requests, and what the server says
//!   heads       what a poll looks at                     pure
//!   rlog        what `rlog` prints, as histories         pure
//!   batches     in which requests texts are asked for    pure
//!   texts       the answers to these
//! ```
//!
//! One connection at a time: two that read the same directory wait for each other's lock, half a minute each time. What is
//! asked is sent without waiting for answers.

mod batches;
mod connection;
mod heads;
mod login;
mod peer;
mod rlog;
mod scramble;
mod session;
mod texts;

#[cfg(fuzzing)]
pub(super) use rlog::LogReader;

use super::address::Address;
use super::history::Histories;
use super::transport::{Take, Transport, Wanted};
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::Stage;
use heads::Heads;
use peer::Peer;
use rlog::LogReader as Reader;
use session::{Line, Session};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// A module on a server.
pub(super) struct Server {
    peer: Peer,
    received: AtomicU64,
}

impl Server {
    pub(super) fn new(address: Address, options: &SourceOptions) -> Self {
        Self { peer: Peer::new(address, options), received: AtomicU64::new(0) }
    }

    /// Runs `rlog` on some places, and hands over its lines.
    fn rlog(
        session: &mut Session<'_>,
        options: &[&str],
        places: &[Vec<u8>],
        mut take: impl FnMut(Line) -> Result<(), ConvertError>,
    ) -> Result<(), ConvertError> {
        let options = options.iter().copied().chain(["--"]).map(str::as_bytes);
        let mut request = Vec::new();
        for argument in options.chain(places.iter().map(Vec::as_slice)) {
            request.extend_from_slice(&[b"Argument ", argument, b"\n"].concat());
        }
        request.extend_from_slice(b"rlog\n");
        session.send(&request)?;
        session.lines(&mut take)
    }

    /// Does something by a connection, and counts what comes.
    fn with_session<'a, T>(
        &'a self,
        stage: Stage,
        watch: &'a Watch,
        act: impl FnOnce(&mut Session<'a>) -> Result<T, ConvertError>,
    ) -> Result<T, ConvertError> {
        let mut session = Session::open(&self.peer, stage, watch)?;
        let done = act(&mut session);
        self.received.fetch_add(session.received(), Ordering::Relaxed);
        done
    }

    fn module(&self) -> [Vec<u8>; 1] {
        [self.peer.address.module.clone().into_bytes()]
    }
}

impl Transport for Server {
    fn position(&self, stage: Stage, watch: &Watch) -> Result<String, ConvertError> {
        let mut heads = Heads::below(&self.peer.address.root);
        self.with_session(stage, watch, |session| {
            Self::rlog(session, &["-h", "-N"], &self.module(), |line| {
                heads.take(&line);
                Ok(())
            })?;
            let sample = heads.sample();
            if sample.is_empty() {
                return Ok(());
            }
            Self::rlog(session, &["-h"], &sample, |line| {
                heads.hear(&line);
                Ok(())
            })
        })?;
        Ok(heads.position(jiff::Timestamp::now().as_second()))
    }

    fn histories(&self, stage: Stage, scratch: &Path, watch: &Watch) -> Result<Histories, ConvertError> {
        let address = &self.peer.address;
        let mut reader = Reader::new(address.directory(), address.is_whole(), scratch);
        self.with_session(stage, watch, |session| {
            Self::rlog(session, &[], &self.module(), |line| {
                reader.take(line).map_err(|error| address.broken(stage, &error))
            })
        })?;
        let gathering = reader.finish().map_err(|error| address.broken(stage, &error))?;
        gathering.finish().map_err(|error| ConvertError::disk(stage, scratch, error))
    }

    fn texts(&self, wanted: &[Wanted<'_>], watch: &Watch, take: &mut Take<'_>) -> Result<(), ConvertError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let requests = batches::requests(&self.peer.address, wanted);
        let asked = texts::Asked::new(&self.peer.address, wanted);
        self.with_session(Stage::Fetch, watch, |session| {
            session.pipelined(&requests, |session| texts::read_texts(session, &asked, requests.len(), take))
        })
    }

    fn received_bytes(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}
