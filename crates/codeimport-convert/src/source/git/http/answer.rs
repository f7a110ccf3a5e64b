//! The head of an answer: is this Git, and if not, what is it?

use crate::source::fault::Fault;
use crate::source::http::Head;
use reqwest::header::CONTENT_TYPE;
use std::io::BufRead;

/// What is wrong with an answer; nothing if it is Git's.
pub(super) fn fault_of(head: &Head, body: &mut impl BufRead) -> Option<Fault> {
    if let Some(fault) = head.fault() {
        return Some(fault);
    }
    let content_type = head.text(CONTENT_TYPE.as_str()).unwrap_or_default();
    if content_type.starts_with("application/x-git-upload-pack-") {
        return None;
    }
    let begin = body.fill_buf().unwrap_or_default();
    if looks_like_ref_list(begin) {
        return Some(Fault::DumbHttp);
    }
    Some(Fault::Other(describe(content_type)))
}

/// The first line of a dumb server's `info/refs`: an object id, a tab, a ref.
fn looks_like_ref_list(begin: &[u8]) -> bool {
    begin.len() > 46 && begin[..40].iter().all(u8::is_ascii_hexdigit) && begin[40..].starts_with(b"\trefs/")
}

fn describe(content_type: &str) -> String {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "text/html" | "application/xhtml+xml" => "a web page".to_owned(),
        "" => "an answer of unknown type".to_owned(),
        other => format!("an answer of type {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::{
        StatusCode,
        header::{HeaderMap, RETRY_AFTER},
    };
    use std::time::Duration;

    fn fault(status: u16, content_type: &'static str, mut body: &[u8]) -> Option<Fault> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().expect("valid"));
        headers.insert(RETRY_AFTER, "7".parse().expect("valid"));
        let status = StatusCode::from_u16(status).expect("valid");
        fault_of(&Head { url: String::new(), status, headers }, &mut body)
    }

    #[test]
    fn only_git_is_taken_for_git() {
        assert_eq!(fault(200, "application/x-git-upload-pack-advertisement", b""), None);
        assert_eq!(fault(200, "text/html; charset=utf-8", b"<html>"), Some(Fault::Other("a web page".to_owned())));
        let list = b"0123456789012345678901234567890123456789\trefs/heads/main\n";
        assert_eq!(fault(200, "text/plain", list), Some(Fault::DumbHttp));
    }

    #[test]
    fn a_status_keeps_the_pause_that_came_with_it() {
        let expected = Fault::Status { status: 429, retry_after: Some(Duration::from_secs(7)) };
        assert_eq!(fault(429, "text/plain", b""), Some(expected));
    }
}
