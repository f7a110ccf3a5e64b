//! The questions over `http(s)://`: to a smart server by POST, and to any other by GET of the files that answer them.

use super::super::position::Position;
use super::{ask, message, tip_in_file};
use crate::source::fault::{Fault, FaultSlot};
use crate::source::http::{self, Body, Head, Patience};
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::{SourceUrl, Stage};
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::header::CONTENT_TYPE;
use std::io::{self, Read as _};

const USER_AGENT: &str = concat!("codeimport/", env!("CARGO_PKG_VERSION"));

/// Longest file that is read: tags.
const LONGEST_FILE: u64 = 16 << 20;

/// What the branch is called where the address is its own.
const HERE: &str = ".";

/// Where a branch stands; none if it has to be asked in another way.
pub(super) fn position(
    url: &SourceUrl,
    options: &SourceOptions,
    watch: &Watch,
) -> Result<Option<Position>, ConvertError> {
    let (login, faults) = (options.login.as_ref(), FaultSlot::default());
    let client = http::client(url.host(), USER_AGENT, login, options.connect_timeout, options.idle_timeout);
    let Ok(client) = client else { return Ok(None) };
    let patience =
        Patience { idle_timeout: options.idle_timeout, faults: faults.clone(), cancel: watch.cancel().clone() };
    let asker = Asker { client, base: url.as_str().trim_end_matches('/').to_owned(), patience };
    match (asker.position(), faults.get()) {
        (Err(Failure::Fault(fault)), _) | (Err(Failure::Io), Some(fault)) => Err(fault.explain(url, Stage::Probe)),
        (Err(Failure::Io), None) => Ok(None),
        (Ok(position), _) => Ok(position),
    }
}

/// Why there is no answer.
enum Failure {
    Fault(Fault),
    Io,
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Io
    }
}

struct Asker {
    client: Client,
    base: String,
    patience: Patience,
}

impl Asker {
    /// By files first: they are the cheaper question, and there is no branch without one of the two ways.
    fn position(&self) -> Result<Option<Position>, Failure> {
        match self.file("last-revision")?.and_then(|text| tip_in_file(&text)) {
            // No tags is no file.
            Some(tip) => Ok(Some(Position { tip, tags: self.file("tags")?.unwrap_or_default() })),
            None => ask(HERE, |question| self.answer(question)),
        }
    }

    /// A file of the branch; none if it is not there.
    fn file(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let (head, body) = self.send(self.client.get(format!("{}/.bzr/branch/{name}", self.base)))?;
        if !head.status.is_success() {
            return Ok(None);
        }
        let mut text = Vec::new();
        body.take(LONGEST_FILE).read_to_end(&mut text)?;
        Ok(Some(text))
    }

    /// The answer of a smart server; none if there is none here.
    fn answer(&self, question: &[u8]) -> Result<Option<message::Answer>, Failure> {
        let request = self.client.post(format!("{}/.bzr/smart", self.base)).body(question.to_vec());
        let (head, mut body) = self.send(request.header(CONTENT_TYPE, "application/octet-stream"))?;
        if !head.status.is_success() {
            return Ok(None);
        }
        match message::read_answer(&mut body) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
            answer => Ok(Some(answer?)),
        }
    }

    /// Sends a request. What is wrong with the server, or with what we may do there, is wrong for everybody who asks.
    fn send(&self, request: RequestBuilder) -> Result<(Head, Body), Failure> {
        let (head, body) = http::send(request, self.patience.clone())?;
        match head.fault() {
            Some(fault @ Fault::Status { status: 401 | 403 | 429 | 500.., .. }) if head.status.as_u16() != 501 => {
                Err(Failure::Fault(fault))
            }
            Some(fault @ Fault::Redirected(_)) => Err(Failure::Fault(fault)),
            _ => Ok((head, body)),
        }
    }
}
