//! Failure of a Git source -> outcome and a sentence.
//!
//! First what the transport itself knows ([`Fault`]), then what the server said, last what gix makes of it.

use super::fault::{Fault, FaultSlot};
use crate::ConvertError;
use codeimport_core::{Outcome, RefFilter, SourceUrl, Stage};
use gix::ObjectId;
use std::{error::Error, io, time::Duration};

/// Knows whose failure it is about.
pub(super) struct Classifier<'a> {
    pub(super) url: &'a SourceUrl,
    pub(super) stage: Stage,
}

impl Classifier<'_> {
    /// An error of gix, seen together with what else is known. `complaint` is what the server sent beside its data.
    pub(super) fn classify(&self, error: gix::Error, faults: &FaultSlot, complaint: Option<String>) -> ConvertError {
        let known = match (faults.get(), complaint) {
            (Some(fault), _) => self.fault(&fault),
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

    fn fault(&self, fault: &Fault) -> ConvertError {
        let (url, host) = (self.url, self.url.host());
        match fault {
            Fault::Cancelled => ConvertError::cancelled(self.stage),
            Fault::Unreachable(why) => self.error(Outcome::Unavailable, format!("{url} cannot be reached: {why}.")),
            Fault::Silent(time) => {
                self.error(Outcome::Unavailable, format!("{host} said nothing for {} seconds.", time.as_secs()))
            }
            Fault::Status { status, retry_after } => self.status(*status, *retry_after),
            Fault::Redirected(to) => {
                let text = format!("{url} has moved to {to}. Check that address, and import from there.");
                self.error(Outcome::Invalid, text)
            }
            Fault::DumbHttp => {
                let text = format!("{url} is served as plain files (dumb HTTP); a Git server is needed.");
                self.error(Outcome::UnsupportedFeature, text)
            }
            Fault::NotGit(what) => {
                self.error(Outcome::Invalid, format!("{url} is no Git repository: the server answered with {what}."))
            }
        }
    }

    fn status(&self, status: u16, retry_after: Option<Duration>) -> ConvertError {
        let (url, host) = (self.url, self.url.host());
        let (outcome, text) = match (status, retry_after) {
            (401, _) => {
                let text = "asks for a user name: the repository is private, or there is none (HTTP 401).";
                (Outcome::Authentication, format!("{url} {text}"))
            }
            (429, _) | (403, Some(_)) => {
                (Outcome::Throttled, format!("{host} asks for fewer requests (HTTP {status})."))
            }
            (403, None) => (Outcome::Authentication, format!("{host} refuses to let {url} be read (HTTP 403).")),
            (404 | 410, _) => (Outcome::Invalid, format!("There is no repository at {url} (HTTP {status}).")),
            (500.., _) => (Outcome::Unavailable, format!("{host} is out of order (HTTP {status}).")),
            _ => (Outcome::Invalid, format!("{url} is no Git repository that may be read (HTTP {status}).")),
        };
        self.error(outcome, text).retry_after(retry_after)
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

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_core::RcsType;

    fn outcome_of(fault: Fault) -> Outcome {
        let url = SourceUrl::parse(RcsType::Git, "https://host/x").expect("valid");
        let slot = FaultSlot::default();
        drop(slot.record(fault));
        let error = gix::Error::from_error(io::Error::other("wrapped"));
        let error = Classifier { url: &url, stage: Stage::Probe }.classify(error, &slot, None);
        assert!(error.message.contains("host") && error.message.ends_with('.'), "{}", error.message);
        error.outcome
    }

    #[test]
    fn each_status_has_the_outcome_that_says_whose_trouble_it_is() {
        let status = |status, pause: Option<u64>| {
            outcome_of(Fault::Status { status, retry_after: pause.map(Duration::from_secs) })
        };
        assert_eq!(status(401, None), Outcome::Authentication);
        assert_eq!(status(403, None), Outcome::Authentication);
        assert_eq!(status(403, Some(60)), Outcome::Throttled);
        assert_eq!(status(404, None), Outcome::Invalid);
        assert_eq!(status(418, None), Outcome::Invalid);
        assert_eq!(status(429, None), Outcome::Throttled);
        assert_eq!(status(503, Some(9)), Outcome::Unavailable);
    }

    #[test]
    fn a_host_that_cannot_be_reached_is_unavailable_and_a_web_page_is_invalid() {
        assert_eq!(outcome_of(Fault::Unreachable("refused".to_owned())), Outcome::Unavailable);
        assert_eq!(outcome_of(Fault::Silent(Duration::from_secs(1))), Outcome::Unavailable);
        assert_eq!(outcome_of(Fault::NotGit("a web page".to_owned())), Outcome::Invalid);
        assert_eq!(outcome_of(Fault::DumbHttp), Outcome::UnsupportedFeature);
    }
}
