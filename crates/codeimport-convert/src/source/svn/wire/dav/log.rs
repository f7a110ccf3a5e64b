//! The log of some revisions, asked of an HTTP server by one request: it is read while it would take `svn` to start.
//!
//! ```text
//!   client  REPORT at the address itself: <S:log-report> with the range, the properties, and whether paths are wanted
//!   server  <S:log-report> ( <S:log-item> … </S:log-item> )* </S:log-report>     without its end it is no XML
//! ```
//!
//! A server that answers anything else is left to `svn log`, which says the same, and has words for what is wrong. Characters
//! that XML cannot hold come in messages as `?\007`, as `svn log` writes them, too; in the name of an author mod_dav_svn leaves
//! them as they are, which is no XML.

use super::super::log::LogQuestion;
use super::Dav;
use crate::Watch;
use crate::source::fault::FaultSlot;
use crate::source::http;
use crate::source::svn::records::{LogEntry, LogPath};
use codeimport_core::{RcsType, SourceUrl};
use roxmltree::{Document, Node, ParsingOptions};
use std::io::{self, Read as _};

/// Most bytes of an answer. What is cut there is no XML, and so left to `svn`, like all that is out of the ordinary.
const MAX_ANSWER: u64 = 64 << 20;

/// Most nodes of an answer: each takes more memory than the bytes that it is written with.
const MAX_NODES: u32 = 2_000_000;

/// Longest tag: each of its attributes is compared with all others. A path is the longest that belongs into one.
const MAX_TAG: usize = 8 << 10;

impl Dav {
    /// Asks; none if the address is not of this kind or anything is out of the ordinary.
    pub(crate) fn log(&self, url: &str, question: &LogQuestion, watch: &Watch) -> Option<Vec<LogEntry>> {
        let source = SourceUrl::parse(RcsType::Subversion, url).ok()?;
        self.http(&source)?;
        let answer = self.read_log(&source, written(question), watch);
        match answer.and_then(|xml| parse(&xml, entry).ok_or_else(|| io::ErrorKind::InvalidData.into())) {
            Ok(entries) => Some(entries),
            Err(error) => {
                tracing::debug!(source.url = %url, error = %error, "the HTTP server tells no log that can be read; svn is asked");
                None
            }
        }
    }

    /// Asks for a log and reads all of the answer.
    pub(super) fn read_log(&self, source: &SourceUrl, question: String, watch: &Watch) -> io::Result<String> {
        let request = self.report(source, question).ok_or(io::ErrorKind::Unsupported)?;
        let (head, body) = http::send(request, self.patience(&FaultSlot::default(), watch))?;
        if let Some(fault) = head.fault() {
            return Err(io::Error::other(fault));
        }
        let mut xml = String::new();
        body.take(MAX_ANSWER).read_to_string(&mut xml)?;
        Ok(xml)
    }
}

/// The question, as XML.
fn written(question: &LogQuestion) -> String {
    let LogQuestion { first, last, paths, messages } = question;
    let paths = if *paths { "<S:discover-changed-paths/>" } else { "" };
    let message = if *messages { "<S:revprop>svn:log</S:revprop>" } else { "" };
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><S:log-report xmlns:S=\"svn:\"><S:start-revision>{first}</S:start-revision>\
         <S:end-revision>{last}</S:end-revision>{paths}<S:revprop>svn:author</S:revprop><S:revprop>svn:date</S:revprop>{message}\
         <S:path></S:path></S:log-report>"
    )
}

/// Reads the items of an answer; none if it is anything else, or if a part of it is missing.
pub(super) fn parse<T>(xml: &str, item: impl Fn(Node<'_, '_>) -> Option<T>) -> Option<Vec<T>> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = has_short_tags(xml).then(|| Document::parse_with_options(xml, options))?.ok()?;
    let report = Some(document.root_element()).filter(|root| root.has_tag_name(("svn:", "log-report")))?;
    let is_item = |node: &Node<'_, '_>| node.has_tag_name(("svn:", "log-item"));
    let elements = report.children().filter(Node::is_element);
    elements.map(|node| Some(node).filter(is_item).and_then(&item)).collect()
}

fn has_short_tags(xml: &str) -> bool {
    // Only sections of other kinds, of which a log has none, may hold a `<` that begins no tag.
    !xml.contains("<!") && xml.split('<').skip(1).all(|from_tag| tag_len(from_tag) <= MAX_TAG)
}

/// Length of the tag that stands in front.
fn tag_len(text: &str) -> usize {
    let mut quote = None;
    let ends = |byte| {
        match quote {
            Some(open) if byte == open => quote = None,
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None => return byte == b'>',
            Some(_) => {}
        }
        false
    };
    text.bytes().position(ends).unwrap_or(text.len())
}

/// One revision; none if it has no number.
fn entry(node: Node<'_, '_>) -> Option<LogEntry> {
    let text = |namespace, name| node.children().find(|child| child.has_tag_name((namespace, name)))?.text();
    let own = |namespace, name| text(namespace, name).map(str::to_owned);
    Some(LogEntry {
        revision: text("DAV:", "version-name")?.parse().ok()?,
        author: own("DAV:", "creator-displayname"),
        date: own("svn:", "date"),
        message: own("DAV:", "comment"),
        paths: node.children().filter_map(path).collect(),
    })
}

/// A path that the revision changed; none if this part of an item tells something else.
fn path(node: Node<'_, '_>) -> Option<LogPath> {
    let bare = |path: &str| path.trim_start_matches('/').to_owned();
    let action = match node.tag_name().name() {
        "added-path" => 'A',
        "deleted-path" => 'D',
        "modified-path" => 'M',
        "replaced-path" => 'R',
        _ => return None,
    };
    let kind = node.attribute("node-kind").filter(|kind| matches!(*kind, "dir" | "file"));
    Some(LogPath {
        action,
        path: bare(node.text().unwrap_or_default()),
        is_dir: kind.map(|kind| kind == "dir"),
        copy_from: node.attribute("copyfrom-path").map(bare),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::log;
    use super::*;

    /// What mod_dav_svn 1.14 answers.
    const ANSWER: &str = include_str!("log_report.xml");

    #[test]
    fn a_report_tells_what_svn_log_tells() {
        let entries = parse(ANSWER, entry).expect("a report");
        assert_eq!(Some(&entries), log::parse(include_str!("svn_log.xml")).as_ref());
        let fields = |entry: &LogEntry| [entry.author.is_some(), entry.date.is_some(), entry.message.is_some()];
        assert_eq!(
            entries.iter().map(fields).collect::<Vec<_>>(),
            [[false, true, true], [true, false, true], [true, true, true], [true, true, false], [false, false, false],]
        );
        assert_eq!(entries[1].message.as_deref(), Some("a <b> & \"c\" ü\nsecond line\ttab"));
    }

    #[test]
    fn an_answer_that_breaks_off_is_none_at_all() {
        for end in (0..ANSWER.trim_end().len()).filter(|end| ANSWER.is_char_boundary(*end)) {
            assert_eq!(parse(&ANSWER[..end], entry), None, "{end}");
        }
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let tag = |attributes: String| format!(r#"<S:log-report xmlns:S="svn:" {attributes}/>"#);
        assert_eq!(parse(&tag(String::new()), entry), Some(Vec::new()));
        let odd = [
            "no XML".to_owned(),
            "<html/>".to_owned(),
            "<log-report/>".to_owned(),
            r#"<S:log-report xmlns:S="svn:"><S:log-item/></S:log-report>"#.to_owned(),
            r#"<S:log-report xmlns:S="svn:"><html/></S:log-report>"#.to_owned(),
            r#"<!DOCTYPE a [<!ENTITY b "c">]><S:log-report xmlns:S="svn:"/>"#.to_owned(),
            tag((0..MAX_TAG).map(|number| format!("a{number}='>' ")).collect()),
            "<a>".repeat(1 << 20),
        ];
        for xml in odd {
            assert_eq!(parse(&xml, entry), None, "{}", &xml[..xml.len().min(100)]);
        }
    }
}
