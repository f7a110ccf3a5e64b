//! Which revision control system is behind an address: the address says it, or its server is asked for each of them.
//!
//! ```text
//!   scheme    what the address itself says                       pure
//!   question  what is asked of an HTTP server for each system, and by what its answer is known
//!   decide    all answers -> one system, or what to tell a person   pure
//! ```

mod decide;
mod question;
mod scheme;

pub use scheme::rcs_of as rcs_of_address;

use super::fault::{Fault, FaultSlot};
use super::http::{self, Patience};
use super::login::Login;
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::{Outcome, RcsType, SourceUrl, Stage, decode_percent};
use decide::{Answer, decide};
use question::{Kind, QUESTIONS};
use reqwest::Url;
use reqwest::blocking::Client;
use std::io::{self, Read as _};

/// Most bytes of an answer that are looked at.
const LOOKED_AT: u64 = 4 << 10;

/// A system, and how that is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recognized {
    /// The system.
    pub rcs: RcsType,
    /// Whether the server said so; else the address does.
    pub was_asked: bool,
}

/// Finds out which system is behind an address. Asks nobody where the address says it. Blocks.
///
/// # Errors
///
/// [`Stage::Probe`]: the address is none, its server cannot be reached, or its answers are those of no system, or of several. The
/// message says what was asked, and what the answers were.
pub fn recognize(url: &str, options: &SourceOptions, watch: &Watch) -> Result<Recognized, ConvertError> {
    if let Some(rcs) = rcs_of_address(url) {
        return Ok(Recognized { rcs, was_asked: false });
    }
    let invalid = |text: String| ConvertError::new(Outcome::Invalid, Stage::Probe, text);
    let (address, login) = without_login(url).map_err(|error| invalid(format!("That is no address: {error}.")))?;
    // All systems have the same rules for addresses of HTTP.
    let source = SourceUrl::parse(RcsType::Git, address.as_str())
        .map_err(|error| invalid(format!("The address {:?} {error}.", address.as_str())))?;
    let options = SourceOptions { login: login.or_else(|| options.login.clone()), ..options.clone() };
    let answers = ask_all(&source, &address, &options, watch)?;
    decide(source.as_str(), &answers).map(|rcs| Recognized { rcs, was_asked: true })
}

/// An address and, apart from it, the name and password that stand in it: it is shown.
fn without_login(url: &str) -> Result<(Url, Option<Login>), url::ParseError> {
    let mut address = Url::parse(url)?;
    let (username, password) =
        (decode_percent(address.username()), decode_percent(address.password().unwrap_or_default()));
    let login = (!username.is_empty() || !password.is_empty()).then(|| Login::new(username, password));
    // It has a host, so it can be without a user.
    let _ = address.set_username("").and_then(|()| address.set_password(None));
    Ok((address, login))
}

/// Asks for one system after the other. A server that cannot be reached is asked once.
fn ask_all(
    source: &SourceUrl,
    address: &Url,
    options: &SourceOptions,
    watch: &Watch,
) -> Result<Vec<(RcsType, Answer)>, ConvertError> {
    const USER_AGENT: &str = concat!("codeimport/", env!("CARGO_PKG_VERSION"));
    let (login, connect, idle) = (options.login.as_ref(), options.connect_timeout, options.idle_timeout);
    let client = http::client(source.host(), USER_AGENT, login, connect, idle)
        .map_err(|error| ConvertError::new(Outcome::Failure, Stage::Probe, format!("No HTTP here: {error}.")))?;
    let mut answers = Vec::new();
    for question in QUESTIONS {
        let faults = FaultSlot::default();
        let patience = Patience { idle_timeout: idle, faults: faults.clone(), cancel: watch.cancel().clone() };
        match (ask(&client, address, &question.kind, patience), faults.get()) {
            (Ok(answer), _) => answers.push((question.rcs, answer)),
            (Err(error), Some(fault)) => return Err(fault.explain(source, Stage::Probe).caused_by(error)),
            (Err(error), None) => answers.push((question.rcs, Answer::Other(error.to_string()))),
        }
    }
    Ok(answers)
}

fn ask(client: &Client, address: &Url, kind: &Kind, patience: Patience) -> io::Result<Answer> {
    let (head, body) = http::send(kind.request(client, address), patience)?;
    if let Some(fault) = head.fault() {
        return Ok(match fault {
            Fault::Status { status, .. } => Answer::Status(status),
            other => Answer::Other(other.to_string()),
        });
    }
    let mut begin = Vec::new();
    body.take(LOOKED_AT).read_to_end(&mut begin)?;
    let content_type = head.text("Content-Type").unwrap_or_default();
    let told =
        |name: &str| head.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>();
    if kind.is_known_by(content_type, &told("DAV").join(","), &begin) {
        return Ok(Answer::Known);
    }
    Ok(Answer::Other(if content_type.is_empty() { "something else".to_owned() } else { content_type.to_owned() }))
}
