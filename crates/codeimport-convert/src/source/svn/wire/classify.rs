//! What Subversion's programs say on standard error, as outcomes.
//!
//! Their messages are translated and change; their codes (`E170013`, Subversion's `svn_error_codes.h`; from 120000 on
//! those of its HTTP library, below 20000 those of the operating system, above 600000 those of its run-time library) do not.
//! Where SSH is the trouble, ssh says so beside them.

use crate::ConvertError;
use crate::source::ssh::complaint;
use codeimport_core::{Outcome, Stage};

/// Codes with what they mean. The first that occurs in a message decides: the specific ones stand in front.
const CODES: [(&[&str], Outcome, &str); 12] = [
    (&["E175013", "HTTP status 403"], Outcome::Authentication, "refuses to let itself be read by us"),
    (
        &["E170001", "E220001", "E215004", "E170010", "E000013", "HTTP status 401"],
        Outcome::Authentication,
        "does not let itself be read without a credential",
    ),
    (&["HTTP status 429", "HTTP status 503"], Outcome::Throttled, "asks for a pause"),
    (
        &["E210005", "E160013", "W160013", "W170000", "E170000", "HTTP status 404"],
        Outcome::Invalid,
        "has no repository there",
    ),
    (&["E670002", "E670008", "E670003"], Outcome::Unavailable, "is on a host whose name nobody knows"),
    (
        &["E000111", "E000110", "E000113", "E000101", "E000104", "E210002", "E120106", "E120108", "E175012", "E670007"],
        Outcome::Unavailable,
        "cannot be reached, or broke the connection",
    ),
    (&["HTTP status 500", "HTTP status 502", "HTTP status 504"], Outcome::Unavailable, "is in trouble itself"),
    (&["E160004", "E160014", "E160052", "E200014", "E185", "E140001"], Outcome::RemoteBroken, "is damaged"),
    // Behind the codes of a connection that breaks: then the answer is cut, not garbled.
    (&["E175009", "E130003"], Outcome::RemoteBroken, "answers in XML that is broken"),
    (&["E200007", "E170003"], Outcome::UnsupportedFeature, "is served by a program that is too old to be read"),
    (&["E120171", "E230001"], Outcome::Unavailable, "does not speak TLS as it should"),
    (&["E170013", "E175002", "E210004", "E125005"], Outcome::Invalid, "is not served by Subversion"),
];

/// The failure that a message of a Subversion program tells of.
pub(crate) fn classify(url: &str, stage: Stage, stderr: &str) -> ConvertError {
    let known = CODES.iter().find(|(codes, ..)| codes.iter().any(|code| stderr.contains(code)));
    let known = complaint(stderr).or_else(|| known.map(|(_, outcome, words)| (*outcome, *words)));
    let (outcome, text) = match known {
        Some((outcome, words)) => (outcome, format!("The Subversion source {url} {words}.")),
        None => (Outcome::Failure, format!("Reading {url} failed in a way that codeimport does not know.")),
    };
    ConvertError::new(outcome, stage, text).caused_by(stderr.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specific_code_decides() {
        let cases = [
            ("svn: E170013: Unable to connect\nsvn: E210005: No repository found", Outcome::Invalid),
            ("svn: E170013: Unable to connect\nsvn: E000111: Connection refused", Outcome::Unavailable),
            ("svn: E170013: Unable to connect\nsvn: E670002: Unknown hostname", Outcome::Unavailable),
            ("svn: E175002: Unexpected HTTP status 429", Outcome::Throttled),
            ("svn: E170001: Authorization failed", Outcome::Authentication),
            ("svn: E220001: Item is not readable", Outcome::Authentication),
            ("svn: E170013: Unable to connect to a repository", Outcome::Invalid),
            ("svn: E175009: The XML response contains invalid XML\nsvn: E130003: Malformed XML", Outcome::RemoteBroken),
            ("svn: E175009: XML stream truncated\nsvn: E120106: ra_serf: The server closed it", Outcome::Unavailable),
            ("svn: E175003: The server does not support the HTTP/DAV protocol\nE170013: no", Outcome::Invalid),
            ("svn: E999999: who knows", Outcome::Failure),
        ];
        for (stderr, outcome) in cases {
            assert_eq!(classify("svn://h/r", Stage::Probe, stderr).outcome, outcome, "{stderr}");
        }
    }
}
