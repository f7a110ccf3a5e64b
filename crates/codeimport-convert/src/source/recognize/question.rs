//! What is asked of an HTTP server for each system, and by what its answer is known.
//!
//! ```text
//!   git  GET  …/info/refs?service=git-upload-pack     its content type; or lines of ids and refs, from plain files
//!   svn  OPTIONS …                                    Subversion's extensions among those of DAV
//!   hg   GET  …?cmd=capabilities                      its content type
//!   bzr  GET  …/.bzr/branch-format                    the beginning of that file
//!        POST …/.bzr/smart  "hello"                   "ok", and the version of the protocol
//! ```

use codeimport_core::RcsType;
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::{Method, Url};

/// A question for one system.
pub(super) struct Question {
    pub(super) rcs: RcsType,
    pub(super) kind: Kind,
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    GitRefs,
    SvnOptions,
    HgCapabilities,
    BzrFormat,
    BzrHello,
}

/// All of them, in this order.
pub(super) const QUESTIONS: [Question; 5] = [
    Question { rcs: RcsType::Git, kind: Kind::GitRefs },
    Question { rcs: RcsType::Subversion, kind: Kind::SvnOptions },
    Question { rcs: RcsType::Mercurial, kind: Kind::HgCapabilities },
    Question { rcs: RcsType::Bazaar, kind: Kind::BzrFormat },
    Question { rcs: RcsType::Bazaar, kind: Kind::BzrHello },
];

impl Kind {
    pub(super) fn request(self, client: &Client, address: &Url) -> RequestBuilder {
        match self {
            Self::GitRefs => client.get(below(address, "info/refs", Some("service=git-upload-pack"))),
            Self::SvnOptions => client.request(Method::OPTIONS, address.clone()),
            Self::HgCapabilities => client.get(with_query(address, "cmd=capabilities")),
            Self::BzrFormat => client.get(below(address, ".bzr/branch-format", None)),
            Self::BzrHello => client.post(below(address, ".bzr/smart", None)).body("hello\n"),
        }
    }

    /// Whether an answer is one of this system: by its content type, its DAV headers, and the beginning of its body.
    pub(super) fn is_known_by(self, content_type: &str, dav: &str, body: &[u8]) -> bool {
        match self {
            Self::GitRefs => content_type.starts_with("application/x-git-upload-pack-") || is_list_of_refs(body),
            Self::SvnOptions => dav.contains("subversion.tigris.org"),
            Self::HgCapabilities => {
                content_type.starts_with("application/mercurial-") || content_type.starts_with("application/hg-")
            }
            Self::BzrFormat => body.starts_with(b"Bazaar"),
            Self::BzrHello => body.starts_with(b"ok\x01"),
        }
    }
}

/// An address below another one, which may end with a slash or not.
fn below(address: &Url, path: &str, query: Option<&str>) -> Url {
    let mut url = address.clone();
    url.set_path(&format!("{}/{path}", address.path().trim_end_matches('/')));
    url.set_query(query);
    url
}

fn with_query(address: &Url, query: &str) -> Url {
    let mut url = address.clone();
    url.set_query(Some(query));
    url
}

/// Whether this is `info/refs` as `git update-server-info` writes it: `id TAB refs/…` in each line.
fn is_list_of_refs(body: &[u8]) -> bool {
    let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let tab = line.iter().position(|byte| *byte == b'\t');
    tab.is_some_and(|tab| {
        matches!(tab, 40 | 64) && line[..tab].iter().all(u8::is_ascii_hexdigit) && line[tab + 1..].starts_with(b"refs/")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::http;
    use std::time::Duration;

    #[test]
    fn a_question_goes_below_the_address_however_it_ends() {
        let time = Duration::from_secs(1);
        let client = http::client("h", "a test", None, time, time).expect("a client");
        for address in ["https://h/a/r", "https://h/a/r/"] {
            let address = Url::parse(address).expect("an address");
            let asked = Kind::GitRefs.request(&client, &address).build().expect("a request");
            assert_eq!(asked.url().as_str(), "https://h/a/r/info/refs?service=git-upload-pack");
        }
    }

    #[test]
    fn each_system_is_known_by_its_own_answer_and_none_by_a_web_page() {
        let id = "0123456789012345678901234567890123456789";
        let refs = format!("{id}\trefs/heads/main\n");
        let known = [
            (Kind::GitRefs, "application/x-git-upload-pack-advertisement", "", &b""[..]),
            (Kind::GitRefs, "text/plain", "", refs.as_bytes()),
            (Kind::SvnOptions, "", "1,2,http://subversion.tigris.org/xmlns/dav/svn/depth", b""),
            (Kind::HgCapabilities, "application/mercurial-0.1", "", b"lookup"),
            (Kind::BzrFormat, "text/plain", "", b"Bazaar-NG meta directory, format 1\n"),
            (Kind::BzrHello, "application/octet-stream", "", b"ok\x012\n"),
        ];
        for (kind, content_type, dav, body) in known {
            assert!(kind.is_known_by(content_type, dav, body), "{kind:?}");
        }
        for question in QUESTIONS {
            assert!(!question.kind.is_known_by("text/html", "1,2", b"<html>ok\trefs/"), "{:?}", question.kind);
        }
    }
}
