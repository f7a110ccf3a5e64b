//! `:pserver:`: a client of the CVS protocol (the manual "The CVS Client/Server Protocol").
//!
//! ```text
//!   session   logging in, requests, what the server says
//!   scramble  how passwords are written            pure
//!   rlog      what `rlog` prints, as histories         pure
//!   batches   in which requests texts are asked for    pure
//!   texts     the answers to these
//! ```
//!
//! One connection at a time: two that read the same directory wait for each other's lock, half a minute each time. What is
//! asked is sent without waiting for answers.

mod batches;
mod rlog;
mod scramble;
mod session;
mod texts;

#[cfg(fuzzing)]
pub(super) use rlog::LogReader;

use super::address::Address;
use super::history::FileHistory;
use super::transport::{Take, Transport, Wanted};
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::Stage;
use ring::digest::{Context, SHA256};
use rlog::LogReader as Reader;
use session::{Line, Server, Session};
use std::sync::atomic::{AtomicU64, Ordering};

/// A module on a server.
pub(super) struct Pserver {
    server: Server,
    received: AtomicU64,
}

impl Pserver {
    pub(super) fn new(address: Address, options: &SourceOptions) -> Self {
        let (connect_timeout, idle_timeout) = (options.connect_timeout, options.idle_timeout);
        let server = Server { address, login: options.login.clone(), connect_timeout, idle_timeout };
        Self { server, received: AtomicU64::new(0) }
    }

    /// Runs `rlog`, and hands over its lines.
    fn rlog(
        &self,
        options: &[&str],
        stage: Stage,
        watch: &Watch,
        mut take: impl FnMut(Line) -> Result<(), ConvertError>,
    ) -> Result<(), ConvertError> {
        let mut session = Session::open(&self.server, stage, watch)?;
        let mut request = String::new();
        for argument in options.iter().copied().chain(["--", self.server.address.module.as_str()]) {
            request.push_str(&format!("Argument {argument}\n"));
        }
        request.push_str("rlog\n");
        session.send(request.as_bytes())?;
        let told = session.lines(&mut take);
        self.received.fetch_add(session.received(), Ordering::Relaxed);
        told
    }
}

impl Transport for Pserver {
    /// The heads of all files: their newest revisions, their symbols, and how many revisions they have.
    fn position(&self, stage: Stage, watch: &Watch) -> Result<String, ConvertError> {
        let mut context = Context::new(&SHA256);
        let mut files = 0_u64;
        self.rlog(&["-h"], stage, watch, |line| {
            if line.text.starts_with(b"RCS file: ") {
                files += 1;
            }
            context.update(&line.text);
            context.update(b"\n");
            Ok(())
        })?;
        let digest = crate::digest::hex(context.finish().as_ref());
        Ok(format!("{files} files, {}", &digest[..32]))
    }

    fn histories(&self, stage: Stage, watch: &Watch) -> Result<Vec<FileHistory>, ConvertError> {
        let mut reader = Reader::new(self.server.address.directory(), self.server.address.is_whole());
        self.rlog(&[], stage, watch, |line| {
            reader.take(line).map_err(|error| self.server.address.broken(stage, &error))
        })?;
        reader.finish().map_err(|error| self.server.address.broken(stage, &error))
    }

    fn texts(&self, wanted: &[Wanted<'_>], watch: &Watch, take: &mut Take<'_>) -> Result<(), ConvertError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let stage = Stage::Fetch;
        let mut session = Session::open(&self.server, stage, watch)?;
        let requests = batches::requests(&self.server.address, wanted);
        let asked = texts::Asked::new(&self.server.address, wanted);
        let told = session.pipelined(&requests, |session| texts::read_texts(session, &asked, requests.len(), take));
        self.received.fetch_add(session.received(), Ordering::Relaxed);
        told
    }

    fn received_bytes(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}
