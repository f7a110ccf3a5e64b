//! The head of an answer.

use crate::source::fault::Fault;
use reqwest::{
    StatusCode,
    blocking::Response,
    header::{HeaderMap, LOCATION, RETRY_AFTER},
};
use std::time::Duration;

/// Status, final address and headers of an answer.
pub(in crate::source) struct Head {
    pub(in crate::source) url: String,
    pub(in crate::source) status: StatusCode,
    pub(in crate::source) headers: HeaderMap,
}

impl Head {
    pub(super) fn of(response: &Response) -> Self {
        Self { url: response.url().as_str().to_owned(), status: response.status(), headers: response.headers().clone() }
    }

    /// The headers as lines.
    pub(in crate::source) fn lines(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for (name, value) in &self.headers {
            lines.extend_from_slice(name.as_str().as_bytes());
            lines.extend_from_slice(b": ");
            lines.extend_from_slice(value.as_bytes());
            lines.push(b'\n');
        }
        lines
    }

    /// The value of a header.
    pub(in crate::source) fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What is wrong with the answer, whatever was asked.
    pub(in crate::source) fn fault(&self) -> Option<Fault> {
        if self.status.is_redirection() {
            return Some(Fault::Redirected(self.text(LOCATION.as_str()).unwrap_or("nowhere").to_owned()));
        }
        let status = self.status.as_u16();
        (!self.status.is_success()).then(|| Fault::Status { status, retry_after: self.retry_after() })
    }

    /// The pause in seconds that the server asks for. The other form, a date, is not worth a clock.
    fn retry_after(&self) -> Option<Duration> {
        self.text(RETRY_AFTER.as_str())?.trim().parse().ok().map(Duration::from_secs)
    }
}
