//! Subversion over `http(s)://` without a program: starting `svn` costs ten times what a question does, and `svnrdump` waits
//! for each revision to travel.
//!
//! `OPTIONS` with this body is how Subversion's own client begins. mod_dav_svn answers it in headers since version 1.7. A
//! server that answers without them is left to `svn`, which knows older ways, and words for what is no Subversion at all.
//!
//! ```text
//!   log       who, when and which paths, of some revisions; revprops: all that commits are made of
//!   replay    revisions as records, some of them under way at a time
//!   report    one of them, out of XML                                  pure; base64, bounded
//! ```

mod base64;
mod bounded;
mod log;
mod replay;
mod report;
mod revprops;

#[cfg(fuzzing)]
pub(crate) use report::follow_bytes;

use super::info::Info;
use crate::source::Login;
use crate::source::fault::FaultSlot;
use crate::source::http::{self, Head, Patience};
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::{RcsType, SourceUrl, Stage};
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::{Method, Url, header::CONTENT_TYPE};
use std::io::{self, Read as _};
use std::sync::OnceLock;
use std::time::Duration;

/// What makes the server tell where it stands.
const QUESTION: &str =
    r#"<?xml version="1.0" encoding="utf-8"?><D:options xmlns:D="DAV:"><D:activity-collection-set/></D:options>"#;

/// Most bytes of an answer's body that are read, to keep the connection for the next question.
const MAX_BODY: u64 = 64 << 10;

/// Questions over HTTP. One connection serves several.
#[derive(Clone, Debug)]
pub(crate) struct Dav {
    connect_timeout: Duration,
    idle_timeout: Duration,
    login: Option<Login>,
    client: OnceLock<Client>,
}

impl Dav {
    pub(crate) fn new(options: &SourceOptions) -> Self {
        let SourceOptions { connect_timeout, idle_timeout, .. } = *options;
        Self { connect_timeout, idle_timeout, login: options.login.clone(), client: OnceLock::new() }
    }

    /// Asks. None if the address is not of this kind, or if the server tells nothing by which `svn` could be spared.
    ///
    /// # Errors
    ///
    /// What a status or the connection itself says.
    pub(crate) fn info(&self, url: &str, stage: Stage, watch: &Watch) -> Result<Option<Info>, ConvertError> {
        let Ok(source) = SourceUrl::parse(RcsType::Subversion, url) else { return Ok(None) };
        let Some((url, client)) = self.http(&source) else { return Ok(None) };
        let faults = FaultSlot::default();
        let question = client.request(Method::OPTIONS, url.clone()).header(CONTENT_TYPE, "text/xml").body(QUESTION);
        match (self.answer(question, &faults, watch), faults.get()) {
            (Ok(head), _) => match head.fault() {
                Some(fault) => Err(fault.explain(&source, stage)),
                None => Ok(understand(&url, &head)),
            },
            (Err(error), Some(fault)) => Err(fault.explain(&source, stage).caused_by(error)),
            // No thread could be started, or the like: svn will do.
            (Err(_), None) => Ok(None),
        }
    }

    /// A question of the kind that Subversion adds to HTTP; none if the address is not of this kind.
    fn report(&self, source: &SourceUrl, question: String) -> Option<RequestBuilder> {
        let (url, client) = self.http(source)?;
        let method = Method::from_bytes(b"REPORT").ok()?;
        Some(client.request(method, url).header(CONTENT_TYPE, "text/xml").body(question))
    }

    fn patience(&self, faults: &FaultSlot, watch: &Watch) -> Patience {
        Patience { idle_timeout: self.idle_timeout, faults: faults.clone(), cancel: watch.cancel().clone() }
    }

    /// The address, and a client for it; none if it is not one of HTTP.
    fn http(&self, source: &SourceUrl) -> Option<(Url, Client)> {
        let url = Url::parse(source.as_str()).ok().filter(|url| url.scheme().starts_with("http"))?;
        if self.client.get().is_none() {
            const USER_AGENT: &str = concat!("codeimport/", env!("CARGO_PKG_VERSION"));
            let login = self.login.as_ref();
            let made = http::client(source.host(), USER_AGENT, login, self.connect_timeout, self.idle_timeout).ok()?;
            // Two threads that both ask may each make one; one is kept.
            drop(self.client.set(made));
        }
        Some((url, self.client.get()?.clone()))
    }

    fn answer(&self, question: RequestBuilder, faults: &FaultSlot, watch: &Watch) -> io::Result<Head> {
        let (head, body) = http::send(question, self.patience(faults, watch))?;
        io::copy(&mut body.take(MAX_BODY), &mut io::sink())?;
        Ok(head)
    }
}

fn understand(url: &Url, head: &Head) -> Option<Info> {
    let youngest = head.text("SVN-Youngest-Rev")?.parse().ok()?;
    let uuid = head.text("SVN-Repository-UUID").filter(|uuid| !uuid.is_empty())?.to_owned();
    let root = head.text("SVN-Repository-Root")?.trim_end_matches('/');
    // A redirect has led elsewhere, or the server sees its addresses otherwise than we do.
    let below = url.path().trim_end_matches('/').strip_prefix(root)?;
    let is_below = below.is_empty() || below.starts_with('/');
    let path = codeimport_core::decode_percent(below.trim_start_matches('/'));
    let root = format!("{}{root}", url.origin().ascii_serialization());
    is_below.then_some(Info { root, uuid, youngest, path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_core::Outcome;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{Ipv4Addr, TcpListener};

    /// Asks a server that answers every request on one connection with this.
    fn asked(path: &str, answer: &'static str) -> Vec<Result<Option<Info>, ConvertError>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
        let port = listener.local_addr().expect("bound").port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the client comes");
            let mut input = BufReader::new(stream.try_clone().expect("a second handle"));
            let mut line = String::new();
            // A request ends with the body, which ends with its outermost tag.
            while input.read_line(&mut line).is_ok_and(|read| read > 0) {
                if line == "\r\n" {
                    input.read_exact(&mut vec![0; QUESTION.len()]).expect("the body comes with its head");
                    stream.write_all(answer.as_bytes()).expect("a small answer fits");
                }
                line.clear();
            }
        });
        let dav = Dav::new(&SourceOptions::default());
        let url = format!("http://127.0.0.1:{port}{path}");
        let infos = (0..2).map(|_| dav.info(&url, Stage::Probe, &Watch::none())).collect();
        drop(dav);
        server.join().expect("the server ends when the client hangs up");
        infos
    }

    #[test]
    fn all_that_svn_info_tells_stands_in_headers_and_the_connection_is_kept() {
        let answer = "HTTP/1.1 200 OK\r\nSVN-Youngest-Rev: 42\r\nSVN-Repository-UUID: 1-2\r\n\
                      SVN-Repository-Root: /svn/r\r\nContent-Length: 5\r\n\r\n<a/>\n";
        for info in asked("/svn/r/a%20b/", answer) {
            let info = info.expect("answered").expect("told");
            assert_eq!((info.uuid.as_str(), info.youngest, info.path.as_str()), ("1-2", 42, "a b"));
            assert!(info.root.starts_with("http://127.0.0.1:") && info.root.ends_with("/svn/r"), "{}", info.root);
        }
    }

    #[test]
    fn an_answer_without_them_is_left_to_svn() {
        let nothing = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let elsewhere = "HTTP/1.1 200 OK\r\nSVN-Youngest-Rev: 42\r\nSVN-Repository-UUID: 1-2\r\n\
                         SVN-Repository-Root: /other\r\nContent-Length: 0\r\n\r\n";
        for answer in [nothing, elsewhere] {
            assert!(asked("/svn/r", answer).into_iter().all(|info| matches!(info, Ok(None))), "{answer}");
        }
        for url in ["svn://127.0.0.1:1/r", "file:///r", "no url"] {
            let info = Dav::new(&SourceOptions::default()).info(url, Stage::Probe, &Watch::none());
            assert!(matches!(info, Ok(None)), "{url}");
        }
    }

    #[test]
    fn each_refusal_has_its_outcome_and_the_pause_that_came_with_it() {
        let cases = [
            ("HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n", Outcome::Authentication, None),
            ("HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n", Outcome::Authentication, None),
            ("HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n", Outcome::Invalid, None),
            ("HTTP/1.1 429 x\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", Outcome::Throttled, Some(7)),
            ("HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", Outcome::Unavailable, None),
        ];
        for (answer, outcome, pause) in cases {
            for error in asked("/r", answer).into_iter().map(|info| info.expect_err("refused")) {
                assert_eq!((error.outcome, error.retry_after), (outcome, pause.map(Duration::from_secs)), "{answer}");
            }
        }
        let nobody = Dav::new(&SourceOptions::default()).info("http://127.0.0.1:1/r", Stage::Probe, &Watch::none());
        assert_eq!(nobody.expect_err("nobody listens there").outcome, Outcome::Unavailable);
    }
}
