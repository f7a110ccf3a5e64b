//! Failure of a Git source -> outcome and a sentence.
//!
//! First what the transport itself knows ([`Fault`](crate::source::fault::Fault)), then what the server said, last what gix makes of it.

use crate::ConvertError;
use crate::source::fault::FaultSlot;
use codeimport_core::{Outcome, RefFilter, SourceUrl, Stage};
use gix::ObjectId;
use std::{error::Error, io};

/// Knows whose failure it is about.
pub(super) struct Classifier<'a> {
    pub(super) url: &'a SourceUrl,
    pub(super) stage: Stage,
}

impl Classifier<'_> {
    /// An error of gix, seen together with what else is known. `complaint` is what the server sent beside its data.
    pub(super) fn classify(&self, error: gix::Error, faults: &FaultSlot, complaint: Option<String>) -> ConvertError {
        let known = match (faults.get(), complaint) {
            (Some(fault), _) => fault.explain(self.url, self.stage),
            (None, Some(complaint)) => self.complaint(&complaint),
            (None, None) => self.gix_error(&error),
        };
        known.caused_by(error)
    }

    pub(super) fn foreign_object_format(&self, format: &str) -> ConvertError {
        let text = format!("{} names its objects by {format}; only SHA-1 repositories can be imported yet.", self.url);
        self.error(Outcome::UnsupportedFeature, text)
    }

    pub(super) fn nothing_taken(&self, filter: &RefFilter) -> ConvertError {
        let patterns = filter.include().join(", ");
        let text = format!("{} has history, but no ref that the import takes over ({patterns}).", self.url);
        self.error(Outcome::Invalid, text)
    }

    pub(super) fn missing_object(&self, id: &ObjectId) -> ConvertError {
        self.error(Outcome::RemoteBroken, format!("{} names the object {id}, but did not send it.", self.url))
    }

    /// What a server says in words. Their wording is git's own, the same for two decades.
    fn complaint(&self, words: &str) -> ConvertError {
        let (url, words) = (self.url, first_line(words));
        let says = |needles: &[&str]| needles.iter().any(|needle| words.to_lowercase().contains(needle));
        if says(&[
            "not exported",
            "no such repository",
            "not found",
            "does not exist",
            "access denied",
            "does not appear to be",
        ]) {
            return self
                .error(Outcome::Invalid, format!("There is no repository at {url}: the server says {words:?}."));
        }
        if says(&["too many", "rate limit", "try again later"]) {
            return self.error(Outcome::Throttled, format!("{url} asks for fewer requests: {words:?}."));
        }
        self.error(Outcome::RemoteBroken, format!("{url} could not send its data: the server says {words:?}."))
    }

    fn gix_error(&self, error: &gix::Error) -> ConvertError {
        if let Some(words) = server_error(error) {
            return self.complaint(&words);
        }
        if error.is_cancelled() {
            return ConvertError::cancelled(self.stage);
        }
        self.known_words(error).or_else(|| self.known_kind(error)).unwrap_or_else(|| self.unknown(error))
    }

    /// Features that gix refuses, by its words: it has no types for them.
    fn known_words(&self, error: &gix::Error) -> Option<ConvertError> {
        let text = causes(error);
        if text.contains("shallow remotes") {
            let text = format!("{} is a shallow clone: its history is incomplete.", self.url);
            return Some(self.error(Outcome::UnsupportedFeature, text));
        }
        let foreign = text.contains("object format") || text.contains("object-format");
        foreign.then(|| self.foreign_object_format("another hash"))
    }

    fn known_kind(&self, error: &gix::Error) -> Option<ConvertError> {
        let (url, host) = (self.url, self.url.host());
        match io_kind(error)? {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::ReadOnlyFilesystem => {
                Some(self.error(Outcome::Failure, format!("The worker's disk refuses the objects of {url}.")))
            }
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                let text = format!("{host} closed the connection in the middle of its answer.");
                Some(self.error(Outcome::Unavailable, text))
            }
            _ => None,
        }
    }

    /// Whatever else may be wrong. In a probe there is only the protocol, in a fetch also what was sent by it.
    fn unknown(&self, error: &gix::Error) -> ConvertError {
        let url = self.url;
        if self.stage == Stage::Probe {
            return self.error(Outcome::Invalid, format!("What {url} answers is not Git's protocol."));
        }
        if error.is_corrupted() || causes(error).contains("pack") {
            return self.error(Outcome::RemoteBroken, format!("{url} sends objects that are damaged."));
        }
        self.error(Outcome::Failure, format!("Objects of {url} could not be read or stored."))
    }

    fn error(&self, outcome: Outcome, message: String) -> ConvertError {
        ConvertError::new(outcome, self.stage, message)
    }
}

/// The text of an ERR line, which a server sends instead of an answer.
fn server_error(error: &gix::Error) -> Option<String> {
    error.iter_errors().find_map(|cause| {
        let inner: &(dyn Error + 'static) = match cause.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref()?,
            None => cause,
        };
        let line = inner.downcast_ref::<gix::protocol::transport::packetline::read::Error>()?;
        Some(line.message.to_string())
    })
}

fn io_kind(error: &gix::Error) -> Option<io::ErrorKind> {
    error.iter_errors().find_map(|cause| cause.downcast_ref::<io::Error>().map(io::Error::kind))
}

fn causes(error: &gix::Error) -> String {
    error.iter_errors().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

fn first_line(words: &str) -> &str {
    words.trim().lines().next().unwrap_or_default()
}
