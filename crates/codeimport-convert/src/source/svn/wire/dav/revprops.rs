//! Author, date and message of some revisions, byte for byte, by one request: a replay over HTTP does not tell them.

use super::Dav;
use super::base64::decode;
use super::log::parse;
use crate::Watch;
use crate::source::svn::records::{PropChanges, PropValue, RevisionRecord};
use crate::source::svn::wire::normal::normal;
use codeimport_core::SourceUrl;
use roxmltree::Node;
use std::io;
use std::ops::RangeInclusive;

/// Properties that commits are made of, as the log names them.
const PROPERTIES: [(&str, (&str, &str)); 3] =
    [("svn:author", ("DAV:", "creator-displayname")), ("svn:date", ("svn:", "date")), ("svn:log", ("DAV:", "comment"))];

impl Dav {
    /// Asks at the root of the repository: below it, revisions that change nothing there would be left out.
    pub(super) fn revprops(
        &self,
        root: &SourceUrl,
        revisions: &RangeInclusive<u64>,
        watch: &Watch,
    ) -> io::Result<Vec<RevisionRecord>> {
        let xml = self.read_log(root, written(revisions), watch)?;
        parse(&xml, record)
            .filter(|records| are_all(records, revisions))
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// The question, as XML.
fn written(revisions: &RangeInclusive<u64>) -> String {
    let (first, last) = (revisions.start(), revisions.end());
    let properties: String = PROPERTIES.map(|(name, _)| format!("<S:revprop>{name}</S:revprop>")).concat();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><S:log-report xmlns:S=\"svn:\"><S:start-revision>{first}</S:start-revision>\
         <S:end-revision>{last}</S:end-revision>{properties}<S:encode-binary-props/><S:path></S:path></S:log-report>"
    )
}

/// One revision; none if it cannot be read.
fn record(node: Node<'_, '_>) -> Option<RevisionRecord> {
    let child = |(namespace, name): (&'static str, &'static str)| {
        node.children().find(|child| child.has_tag_name((namespace, name)))
    };
    let mut changes = Vec::new();
    for (name, tag) in PROPERTIES {
        if let Some(told) = child(tag) {
            changes.push((name.into(), PropValue::Set(normal(name.as_bytes(), &value(told)?))));
        }
    }
    let number = child(("DAV:", "version-name"))?.text()?.parse().ok()?;
    Some(RevisionRecord { number, props: PropChanges { changes, is_delta: false } })
}

/// The bytes of a property; none if they are said to be base64, and are not.
fn value(node: Node<'_, '_>) -> Option<Vec<u8>> {
    let text = node.text().unwrap_or_default();
    match node.attribute("encoding") {
        None => Some(text.as_bytes().to_vec()),
        Some("base64") => decode(text),
        Some(_) => None,
    }
}

fn are_all(records: &[RevisionRecord], revisions: &RangeInclusive<u64>) -> bool {
    records.iter().map(|record| record.number).eq(revisions.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(items: &str) -> Option<Vec<RevisionRecord>> {
        parse(&format!(r#"<S:log-report xmlns:S="svn:" xmlns:D="DAV:">{items}</S:log-report>"#), record)
    }

    #[test]
    fn bytes_come_as_they_are_and_an_empty_message_is_one() {
        let items = "<S:log-item><D:version-name>1</D:version-name><D:comment encoding=\"base64\">/wo=\n</D:comment></S:log-item>\
                     <S:log-item><D:version-name>2</D:version-name><D:comment></D:comment>\
                     <D:creator-displayname> ada &lt;</D:creator-displayname></S:log-item>";
        let records = told(items).expect("well-formed");
        assert_eq!((records[0].props.set("svn:log"), records[0].props.set("svn:author")), (Some(&b"\xff\n"[..]), None));
        assert_eq!(
            (records[1].props.set("svn:log"), records[1].props.set("svn:author")),
            (Some(&b""[..]), Some(&b" ada <"[..]))
        );
        assert!(are_all(&records, &(1..=2)) && !are_all(&records, &(1..=3)) && !are_all(&records, &(0..=1)));
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        let odd = [("encoding=\"base64\"", "!"), ("encoding=\"base32\"", "AA"), ("encoding=\"base64\"", "AAA")];
        for (attribute, text) in odd {
            let item = format!("<D:version-name>1</D:version-name><D:comment {attribute}>{text}</D:comment>");
            assert!(told(&format!("<S:log-item>{item}</S:log-item>")).is_none(), "{item}");
        }
        assert!(told("<S:log-item/>").is_none());
    }
}
