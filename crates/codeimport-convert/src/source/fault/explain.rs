//! A fault -> outcome and a sentence. Pure.

use super::Fault;
use crate::ConvertError;
use codeimport_core::{Outcome, RcsType, SourceUrl, Stage};
use std::time::Duration;

impl Fault {
    /// What it means that this happened to a source.
    pub(in crate::source) fn explain(&self, url: &SourceUrl, stage: Stage) -> ConvertError {
        let host = url.host();
        let (outcome, text) = match self {
            Self::Cancelled => return ConvertError::cancelled(stage),
            Self::Status { status, retry_after } => {
                let (outcome, text) = explain_status(url, *status, *retry_after);
                return ConvertError::new(outcome, stage, text).retry_after(*retry_after);
            }
            Self::Unreachable(why) => (Outcome::Unavailable, format!("{url} cannot be reached: {why}.")),
            Self::Silent(time) => {
                (Outcome::Unavailable, format!("{host} said nothing for {} seconds.", time.as_secs()))
            }
            Self::Redirected(to) => {
                (Outcome::Invalid, format!("{url} has moved to {to}. Check that address, and import from there."))
            }
            Self::DumbHttp => {
                let text = format!("{url} is served as plain files (dumb HTTP); a Git server is needed.");
                (Outcome::UnsupportedFeature, text)
            }
            Self::Other(what) => {
                let system = system(url);
                (Outcome::Invalid, format!("{url} is no {system} repository: the server answered with {what}."))
            }
        };
        ConvertError::new(outcome, stage, text)
    }
}

fn explain_status(url: &SourceUrl, status: u16, retry_after: Option<Duration>) -> (Outcome, String) {
    let host = url.host();
    let system = system(url);
    match (status, retry_after) {
        (401, _) => {
            let text = "asks for a user name: the repository is private, or there is none (HTTP 401).";
            (Outcome::Authentication, format!("{url} {text}"))
        }
        (429, _) | (403, Some(_)) => (Outcome::Throttled, format!("{host} asks for fewer requests (HTTP {status}).")),
        (403, None) => (Outcome::Authentication, format!("{host} refuses to let {url} be read (HTTP 403).")),
        (404 | 410, _) => (Outcome::Invalid, format!("There is no repository at {url} (HTTP {status}).")),
        (500.., _) => (Outcome::Unavailable, format!("{host} is out of order (HTTP {status}).")),
        _ => (Outcome::Invalid, format!("{url} is no {system} repository that may be read (HTTP {status}).")),
    }
}

/// What people call what should be there.
fn system(url: &SourceUrl) -> &'static str {
    match url.rcs_type() {
        RcsType::Git => "Git",
        RcsType::Subversion => "Subversion",
        RcsType::Cvs => "CVS",
        RcsType::Mercurial => "Mercurial",
        RcsType::Bazaar => "Bazaar",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome_of(fault: &Fault) -> Outcome {
        let url = SourceUrl::parse(RcsType::Git, "https://host/x").expect("valid");
        let error = fault.explain(&url, Stage::Probe);
        assert!(error.message.contains("host") && error.message.ends_with('.'), "{}", error.message);
        error.outcome
    }

    #[test]
    fn each_status_has_the_outcome_that_says_whose_trouble_it_is() {
        let status = |status, pause: Option<u64>| {
            outcome_of(&Fault::Status { status, retry_after: pause.map(Duration::from_secs) })
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
        assert_eq!(outcome_of(&Fault::Unreachable("refused".to_owned())), Outcome::Unavailable);
        assert_eq!(outcome_of(&Fault::Silent(Duration::from_secs(1))), Outcome::Unavailable);
        assert_eq!(outcome_of(&Fault::Other("a web page".to_owned())), Outcome::Invalid);
        assert_eq!(outcome_of(&Fault::DumbHttp), Outcome::UnsupportedFeature);
    }
}
