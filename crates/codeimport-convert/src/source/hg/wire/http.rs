//! Mercurial over HTTP: a question is a request, its arguments are headers.

use super::Answer;
use super::command::Command;
use super::complaint::refusal;
use super::compression::{FORMS, unpack};
use crate::source::Login;
use crate::source::fault::{Fault, FaultSlot};
use crate::source::hg::error::HgError;
use crate::source::http::{self, Body, Head, Patience};
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::{Outcome, SourceUrl, Stage};
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::header::{CONNECTION, CONTENT_TYPE};
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

/// Bytes of arguments in one header: what servers have always taken.
const HEADER_LEN: usize = 1_000;

/// Most bytes of an answer that is no history.
const MAX_ANSWER: u64 = 64 << 20;

/// What hgweb says instead of an answer, and how much of it counts.
const REFUSAL: &str = "application/hg-error";
const MAX_REFUSAL: u64 = 4 << 10;

/// A repository at an address.
pub(in crate::source::hg) struct Http {
    pub(super) url: SourceUrl,
    connect_timeout: Duration,
    idle_timeout: Duration,
    login: Option<Login>,
    client: OnceLock<Client>,
}

impl Http {
    pub(super) fn new(url: SourceUrl, options: &SourceOptions) -> Self {
        let SourceOptions { connect_timeout, idle_timeout, .. } = *options;
        Self { url, connect_timeout, idle_timeout, login: options.login.clone(), client: OnceLock::new() }
    }

    /// Asks something that has a short answer.
    pub(super) fn ask(&self, command: &Command, stage: Stage, watch: &Watch) -> Result<Vec<u8>, ConvertError> {
        let patience = self.patience(watch);
        let (_, body) = self.send(command, None, &patience, stage)?;
        let mut answer = Vec::new();
        match body.take(MAX_ANSWER).read_to_end(&mut answer) {
            Ok(_) => Ok(answer),
            Err(error) => Err(self.explain(error.into(), &patience.faults, stage)),
        }
    }

    /// Asks for history.
    pub(super) fn stream(&self, command: &Command, watch: &Watch) -> Result<Box<dyn Answer>, ConvertError> {
        let patience = self.patience(watch);
        let (head, body) = self.send(command, Some(FORMS), &patience, Stage::Fetch)?;
        let received = Rc::new(Cell::new(0));
        let counted = Counted { body, received: received.clone() };
        let faults = patience.faults;
        match unpack(head.text(CONTENT_TYPE.as_str()).unwrap_or_default(), counted) {
            Ok(unpacked) => Ok(Box::new(History { unpacked, received, faults, url: self.url.clone() })),
            Err(error) => Err(self.explain(error.into(), &faults, Stage::Fetch)),
        }
    }

    fn send(
        &self,
        command: &Command,
        forms: Option<&str>,
        patience: &Patience,
        stage: Stage,
    ) -> Result<(Head, Body), ConvertError> {
        let sent = self.request(command, forms).and_then(|request| http::send(request, patience.clone()));
        let (head, body) = sent.map_err(|error| self.explain(error.into(), &patience.faults, stage))?;
        if head.text(CONTENT_TYPE.as_str()).is_some_and(|media_type| media_type.starts_with(REFUSAL)) {
            let mut said = Vec::new();
            // What cannot be read of it is not told.
            let _ = body.take(MAX_REFUSAL).read_to_end(&mut said);
            return Err(refusal(&self.url, stage, &String::from_utf8_lossy(&said)));
        }
        match fault_of(&head) {
            None => Ok((head, body)),
            Some(Fault::Status { status: 400, .. }) => Err(too_old(&self.url, stage)),
            Some(fault) => Err(fault.explain(&self.url, stage)),
        }
    }

    /// `hg serve` sends an answer in two pieces, and the second waits for the first to be acknowledged. On a connection that has been in
    /// use the receiving system does that 40 ms later, on a new one at once. Behind `https` there is another server in front, and a new
    /// connection is dear.
    fn request(&self, command: &Command, forms: Option<&str>) -> io::Result<RequestBuilder> {
        let url = format!("{}?cmd={}", self.url.as_str(), command.name);
        let mut request = self.client()?.get(url);
        if self.url.as_str().starts_with("http:") {
            request = request.header(CONNECTION, "close");
        }
        let form = command.form();
        for (number, piece) in form.as_bytes().chunks(HEADER_LEN).enumerate() {
            request = request.header(format!("X-HgArg-{}", number + 1), piece);
        }
        Ok(match forms {
            Some(forms) => request.header("X-HgProto-1", forms),
            None => request,
        })
    }

    fn client(&self) -> io::Result<Client> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        // Servers tell browsers from programs by this.
        const USER_AGENT: &str = concat!("mercurial/proto-1.0 (codeimport ", env!("CARGO_PKG_VERSION"), ")");
        let login = self.login.as_ref();
        let made = http::client(self.url.host(), USER_AGENT, login, self.connect_timeout, self.idle_timeout);
        let made = made.map_err(io::Error::other)?;
        // Two threads that both ask may each make one; one is kept.
        Ok(self.client.get_or_init(|| made).clone())
    }

    fn patience(&self, watch: &Watch) -> Patience {
        Patience { idle_timeout: self.idle_timeout, faults: FaultSlot::default(), cancel: watch.cancel().clone() }
    }

    fn explain(&self, error: HgError, faults: &FaultSlot, stage: Stage) -> ConvertError {
        explain(&self.url, error, faults, stage)
    }
}

/// What is wrong with an answer by its head alone.
fn fault_of(head: &Head) -> Option<Fault> {
    let media_type = head.text(CONTENT_TYPE.as_str()).unwrap_or("nothing that says what it is");
    let is_ours = media_type.starts_with("application/mercurial-");
    head.fault().or_else(|| (!is_ours).then(|| Fault::Other(media_type.to_owned())))
}

/// A server that does not know what is asked.
fn too_old(url: &SourceUrl, stage: Stage) -> ConvertError {
    let text =
        format!("The server of {url} does not know what it is asked (HTTP 400): it takes Mercurial 1.9 or later.");
    ConvertError::new(Outcome::UnsupportedFeature, stage, text)
}

/// What went wrong on the wire counts before what came of it.
fn explain(url: &SourceUrl, error: HgError, faults: &FaultSlot, stage: Stage) -> ConvertError {
    match faults.get() {
        Some(fault) => fault.explain(url, stage).caused_by(error),
        None => crate::source::hg::explain::explain(url, error, stage),
    }
}

/// History while it comes.
struct History {
    unpacked: Box<dyn Read>,
    received: Rc<Cell<u64>>,
    faults: FaultSlot,
    url: SourceUrl,
}

impl Read for History {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.unpacked.read(buffer)
    }
}

impl Answer for History {
    fn explain(self: Box<Self>, error: HgError) -> ConvertError {
        explain(&self.url, error, &self.faults, Stage::Fetch)
    }

    fn received(&self) -> u64 {
        self.received.get()
    }
}

/// Counts what comes.
struct Counted {
    body: Body,
    received: Rc<Cell<u64>>,
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.body.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.received.set(self.received.get() + count as u64);
        self.body.consume(count);
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        http::read_buffered(self, buffer)
    }
}
