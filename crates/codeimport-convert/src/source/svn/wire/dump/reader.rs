//! Cuts a dump stream into records.

use super::headers::{Headers, MAX_LINE, MAX_LINES};
use crate::source::svn::records::{
    Action, CopyFrom, NodeKind, NodeRecord, PropChanges, Record, RecordSource, RevisionRecord, StreamError, Text,
};
use std::io::{self, BufRead, Read as _};

/// Largest property block and largest text of one record. What is larger is taken for damage.
const MAX_PROPS: u64 = 256 << 20;
const MAX_TEXT: u64 = 2 << 30;

/// Reads records from a dump stream.
pub(crate) struct DumpReader<R> {
    input: R,
    /// Bytes read so far.
    at: u64,
    /// Where the present record begins.
    record_at: u64,
}

impl<R: BufRead> RecordSource for DumpReader<R> {
    fn next_record(&mut self) -> Result<Option<Record>, StreamError> {
        loop {
            let Some(headers) = self.headers()? else { return Ok(None) };
            if let Some(version) = headers.get("SVN-fs-dump-format-version") {
                if !matches!(version, b"2" | b"3") {
                    return Err(self.malformed("dump format is neither 2 nor 3"));
                }
            } else if let Some(uuid) = headers.get("UUID") {
                return Ok(Some(Record::Uuid(String::from_utf8_lossy(uuid).into_owned())));
            } else if headers.get("Revision-number").is_some() {
                return self.revision(&headers).map(|revision| Some(Record::Revision(revision)));
            } else if headers.get("Node-path").is_some() {
                return self.node(&headers).map(|node| Some(Record::Node(node)));
            } else {
                return Err(self.malformed("record of an unknown kind"));
            }
        }
    }

    fn received(&self) -> u64 {
        self.at
    }
}

impl<R: BufRead> DumpReader<R> {
    /// A reader at the start of a stream.
    pub(crate) fn new(input: R) -> Self {
        Self { input, at: 0, record_at: 0 }
    }

    fn revision(&mut self, headers: &Headers) -> Result<RevisionRecord, StreamError> {
        let number = self.number(headers, "Revision-number")?.unwrap_or_default();
        let props = self.props(headers)?.unwrap_or_default();
        self.skip_rest(headers)?;
        Ok(RevisionRecord { number, props })
    }

    fn node(&mut self, headers: &Headers) -> Result<NodeRecord, StreamError> {
        let path = headers.get("Node-path").unwrap_or_default().to_vec();
        let kind = match headers.get("Node-kind") {
            None => None,
            Some(b"file") => Some(NodeKind::File),
            Some(b"dir") => Some(NodeKind::Dir),
            Some(_) => return Err(self.malformed("Node-kind is neither file nor dir")),
        };
        let action = match headers.get("Node-action") {
            Some(b"add") => Action::Add,
            Some(b"change") => Action::Change,
            Some(b"delete") => Action::Delete,
            Some(b"replace") => Action::Replace,
            _ => return Err(self.malformed("Node-action is missing or unknown")),
        };
        let copy_from = self.copy_from(headers)?;
        let props = self.props(headers)?;
        let text = self.text(headers)?;
        self.skip_rest(headers)?;
        Ok(NodeRecord { path, kind, action, copy_from, props, text })
    }

    fn copy_from(&self, headers: &Headers) -> Result<Option<CopyFrom>, StreamError> {
        let revision = self.number(headers, "Node-copyfrom-rev")?;
        match (revision, headers.get("Node-copyfrom-path")) {
            (Some(revision), Some(path)) => Ok(Some(CopyFrom { revision, path: path.to_vec() })),
            (None, None) => Ok(None),
            _ => Err(self.malformed("a copy names only its path or only its revision")),
        }
    }

    fn props(&mut self, headers: &Headers) -> Result<Option<PropChanges>, StreamError> {
        let Some(len) = self.number(headers, "Prop-content-length")? else { return Ok(None) };
        let block = self.bytes(len, MAX_PROPS)?;
        let props = PropChanges::parse(&block, headers.is_true("Prop-delta"));
        props.map(Some).map_err(|problem| self.malformed(&problem))
    }

    fn text(&mut self, headers: &Headers) -> Result<Option<Text>, StreamError> {
        let Some(len) = self.number(headers, "Text-content-length")? else { return Ok(None) };
        let bytes = self.bytes(len, MAX_TEXT)?;
        let md5 = |name| headers.get(name).map(|digits| String::from_utf8_lossy(digits).into_owned());
        Ok(Some(Text {
            bytes,
            is_delta: headers.is_true("Text-delta"),
            md5: md5("Text-content-md5"),
            base_md5: md5("Text-delta-base-md5"),
        }))
    }

    /// Passes over content that neither properties nor text account for.
    fn skip_rest(&mut self, headers: &Headers) -> Result<(), StreamError> {
        let part = |name| self.number::<u64>(headers, name).map(Option::unwrap_or_default);
        let (all, props, text) = (part("Content-length")?, part("Prop-content-length")?, part("Text-content-length")?);
        let known = props.saturating_add(text);
        self.bytes(all.saturating_sub(known), MAX_PROPS).map(drop)
    }

    /// The headers of the next record; none at the end of the stream.
    fn headers(&mut self) -> Result<Option<Headers>, StreamError> {
        let mut headers = Headers::default();
        let mut line = Vec::new();
        loop {
            if headers.is_empty() {
                self.record_at = self.at;
            }
            line.clear();
            if !self.line(&mut line)? {
                return if headers.is_empty() { Ok(None) } else { Err(self.truncated()) };
            }
            match line.is_empty() {
                // Empty lines in front of a record are padding, the one behind its headers ends them.
                true if headers.is_empty() => {}
                true => return Ok(Some(headers)),
                false if headers.len() >= MAX_LINES => return Err(self.malformed("record has too many headers")),
                false if !headers.push(&line) => return Err(self.malformed("header line without a colon")),
                false => {}
            }
        }
    }

    /// Reads a line without its end; false at the end of the stream.
    fn line(&mut self, line: &mut Vec<u8>) -> Result<bool, StreamError> {
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        let read = (&mut self.input).take(limit).read_until(b'\n', line);
        let read = read.map_err(|source| StreamError::Io { at: self.at, source })?;
        self.at += u64::try_from(read).unwrap_or_default();
        if read == 0 {
            return Ok(false);
        }
        if line.pop() == Some(b'\n') {
            return Ok(true);
        }
        Err(if read >= MAX_LINE { self.malformed("header line is too long") } else { self.truncated() })
    }

    /// Reads exactly `len` bytes. Memory grows with what arrives, not with what is announced.
    fn bytes(&mut self, len: u64, limit: u64) -> Result<Vec<u8>, StreamError> {
        if len > limit {
            return Err(self.malformed("record announces more content than is believed"));
        }
        const FIRST_GUESS: u64 = 1 << 20;
        let mut bytes = Vec::with_capacity(usize::try_from(len.min(FIRST_GUESS)).unwrap_or_default());
        let read = (&mut self.input).take(len).read_to_end(&mut bytes);
        let read = read.map_err(|source| StreamError::Io { at: self.at, source })?;
        self.at += u64::try_from(read).unwrap_or_default();
        if u64::try_from(read) == Ok(len) { Ok(bytes) } else { Err(self.truncated()) }
    }

    fn number<T: std::str::FromStr>(&self, headers: &Headers, name: &str) -> Result<Option<T>, StreamError> {
        headers.number(name).map_err(|problem| self.malformed(&problem))
    }

    fn malformed(&self, problem: &str) -> StreamError {
        StreamError::Malformed { at: self.record_at, problem: problem.to_owned() }
    }

    fn truncated(&self) -> StreamError {
        StreamError::Truncated { at: self.record_at }
    }
}

/// So that a reader over bytes in memory needs no wrapping.
impl<'a> From<&'a [u8]> for DumpReader<io::Cursor<&'a [u8]>> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::new(io::Cursor::new(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &[u8] =
        b"SVN-fs-dump-format-version: 3\n\nUUID: 1-2\n\nRevision-number: 1\nProp-content-length: 33\n\
        Content-length: 33\n\nK 7\nsvn:log\nV 5\na\nlog\nPROPS-END\n\nNode-path: trunk/a b\nNode-kind: file\n\
        Node-action: add\nNode-copyfrom-rev: 0\nNode-copyfrom-path: x\nText-delta: true\nText-content-length: 4\n\
        Text-content-md5: d41d\nContent-length: 4\n\nSVN\0\n\nNode-path: gone\nNode-action: delete\n\n\n";

    fn records(bytes: &[u8]) -> Result<Vec<Record>, StreamError> {
        let mut reader = DumpReader::from(bytes);
        let mut records = Vec::new();
        while let Some(record) = reader.next_record()? {
            records.push(record);
        }
        Ok(records)
    }

    #[test]
    fn records_come_in_the_order_of_the_stream() {
        let records = records(STREAM).expect("well-formed");
        let [Record::Uuid(uuid), Record::Revision(revision), Record::Node(file), Record::Node(gone)] = &records[..]
        else {
            panic!("{records:?}")
        };
        assert_eq!((uuid.as_str(), revision.number, revision.props.set("svn:log")), ("1-2", 1, Some(&b"a\nlog"[..])));
        assert_eq!(
            (file.path.as_slice(), file.kind, file.action),
            (&b"trunk/a b"[..], Some(NodeKind::File), Action::Add)
        );
        assert_eq!(file.copy_from, Some(CopyFrom { revision: 0, path: b"x".to_vec() }));
        let text = file.text.as_ref().expect("the record brings a text");
        assert_eq!((text.bytes.as_slice(), text.is_delta, text.md5.as_deref()), (&b"SVN\0"[..], true, Some("d41d")));
        assert_eq!((gone.action, gone.kind), (Action::Delete, None));
    }

    #[test]
    fn a_stream_cut_anywhere_inside_a_record_is_not_taken_for_whole() {
        let whole = records(STREAM).expect("well-formed").len();
        for cut in 1..STREAM.len() {
            if let Ok(found) = records(&STREAM[..cut]) {
                assert!(found.len() <= whole, "cut at {cut}");
            }
        }
        let inside_the_text = STREAM.len() - 45;
        assert!(matches!(records(&STREAM[..inside_the_text]), Err(StreamError::Truncated { .. })));
    }

    #[test]
    fn lengths_that_nobody_means_are_refused_before_memory_is_taken() {
        let stream = b"Node-path: x\nNode-action: add\nText-content-length: 9999999999999\n\n";
        assert!(matches!(records(stream), Err(StreamError::Malformed { .. })));
        let stream = b"Node-path: x\nNode-action: add\nText-content-length: 1000000\n\nshort";
        assert!(matches!(records(stream), Err(StreamError::Truncated { .. })));
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(at in 0usize..400, byte in any::<u8>()) {
            let mut stream = STREAM.to_vec();
            let at = at % stream.len();
            stream[at] = byte;
            let _ = records(&stream);
        }
    }
}
