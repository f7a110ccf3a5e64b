//! A revision as mod_dav_svn replays it, out of XML. Pure.
//!
//! ```text
//!   <S:editor-report> <S:target-revision/> <S:open-root/>
//!     <S:delete-entry name/>   <S:open-directory name/>   <S:add-directory name copyfrom-path? copyfrom-rev?/>
//!     <S:change-dir-prop name del?>base64</S:change-dir-prop>   <S:close-directory/>
//!     <S:open-file name/>   <S:add-file name copyfrom-path? copyfrom-rev?/>   <S:apply-textdelta checksum?>base64</S:apply-textdelta>
//!     <S:change-file-prop name del?>base64</S:change-file-prop>   <S:close-file checksum?/>
//!   </S:editor-report>
//! ```
//!
//! Names are paths from the root of the repository. What is closed is what was opened last. Deltas are decoded as they come;
//! of anything else no more than [`MAX_PIECE`] is held at a time. Documents that declare types or entities are refused.

use super::super::editor::{Editor, copy_of};
use super::base64::Decoder;
use super::bounded::Bounded;
use crate::source::svn::records::{CopyFrom, Record};
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader};
use std::io::{self, BufRead};
use std::sync::Arc;

/// Most bytes of a tag, or of the value of a property.
const MAX_PIECE: usize = 64 << 20;

/// Why a report cannot be read on.
#[derive(Debug)]
pub(super) enum Problem {
    /// The connection.
    Io(io::Error),
    /// What came is not what it should be.
    Malformed(String),
}

/// Commands in, records out.
pub(super) struct Report<R: BufRead> {
    reader: Reader<Bounded<R>>,
    buffer: Vec<u8>,
    editor: Editor<usize>,
    /// How many directories and files are open.
    depth: usize,
    stage: Stage,
}

/// Where in the report we are.
enum Stage {
    Before,
    Between,
    /// In a command that has nothing in it.
    Command,
    /// In a property of what was opened last: its name, and its value, or that it is removed.
    Prop(Vec<u8>, Option<Vec<u8>>, Decoder),
    Delta(Decoder),
    Ended,
}

impl<R: BufRead> Report<R> {
    pub(super) fn new(input: R) -> Self {
        let mut reader = Reader::from_reader(Bounded::new(input));
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), editor: Editor::default(), depth: 0, stage: Stage::Before }
    }

    /// The next record; none at the end of the report, when all of it was read.
    pub(super) fn next_record(&mut self) -> Result<Option<Record>, Problem> {
        loop {
            if let Some(record) = self.editor.take() {
                return Ok(Some(record));
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }

    /// Bytes received so far.
    pub(super) fn received(&self) -> u64 {
        self.reader.get_ref().received()
    }

    /// Reads on; false at the end.
    fn advance(&mut self) -> Result<bool, Problem> {
        self.reader.get_mut().allow(MAX_PIECE);
        if let Stage::Delta(decoder) = &mut self.stage {
            let mut chunk = read_delta(&mut self.reader, decoder)?;
            if !chunk.is_empty() {
                return self.editor.add_text(&self.depth, &mut chunk).map(|()| true).ok_or_else(|| nonsense("text"));
            }
        }
        self.buffer.clear();
        let event = self.reader.read_event_into(&mut self.buffer).map_err(problem)?;
        let (name, made_sense) = match event {
            Event::Eof if matches!(self.stage, Stage::Ended) => return Ok(false),
            Event::Eof => return Err(Problem::Malformed("the report has no end".to_owned())),
            Event::Start(tag) => {
                let name = tag.local_name().into_inner().to_owned();
                let began = begin(&mut self.editor, &mut self.depth, &mut self.stage, &tag);
                (name, began)
            }
            Event::End(tag) => {
                let ended = end(&mut self.editor, self.depth, &mut self.stage);
                (tag.local_name().into_inner().to_owned(), ended)
            }
            Event::Text(text) => (String::new(), add_text(&mut self.stage, text.as_bytes())),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => return Ok(true),
            Event::Empty(_) | Event::CData(_) | Event::DocType(_) | Event::GeneralRef(_) => ("XML".to_owned(), None),
        };
        made_sense.map(|()| true).ok_or_else(|| nonsense(&name))
    }
}

/// What a tag begins.
fn begin(editor: &mut Editor<usize>, depth: &mut usize, stage: &mut Stage, tag: &BytesStart<'_>) -> Option<()> {
    let name = tag.local_name().into_inner();
    *stage = match (&*stage, name) {
        (Stage::Before, "editor-report") => Stage::Between,
        (Stage::Between, "apply-textdelta") => {
            editor.begin_text(depth, attribute(tag, "checksum")?)?;
            Stage::Delta(Decoder::default())
        }
        (Stage::Between, "change-dir-prop" | "change-file-prop") => {
            let value = attribute(tag, "del")?.is_none().then(Vec::new);
            Stage::Prop(path(tag)?.into_bytes(), value, Decoder::default())
        }
        (Stage::Between, _) => {
            follow(editor, depth, name, tag)?;
            Stage::Command
        }
        _ => return None,
    };
    Some(())
}

/// A command that has nothing in it.
fn follow(editor: &mut Editor<usize>, depth: &mut usize, name: &str, tag: &BytesStart<'_>) -> Option<()> {
    match name {
        "open-root" => editor.open_dir(open(depth), b""),
        "open-directory" => editor.open_dir(open(depth), path(tag)?.as_bytes()),
        "add-directory" => editor.add_dir(open(depth), path(tag)?.as_bytes(), copy_from(tag)?),
        "open-file" => editor.open_file(open(depth), path(tag)?.as_bytes()),
        "add-file" => editor.add_file(open(depth), path(tag)?.as_bytes(), copy_from(tag)?),
        "delete-entry" => {
            editor.delete(path(tag)?.as_bytes());
            Some(())
        }
        "close-directory" => editor.close_dir(&close(depth)?),
        "close-file" => editor.close_file(&close(depth)?, attribute(tag, "checksum")?),
        // What the account may not see, and what is said only for form's sake.
        "target-revision" | "absent-directory" | "absent-file" => Some(()),
        _ => None,
    }
}

/// What a tag ends.
fn end(editor: &mut Editor<usize>, depth: usize, stage: &mut Stage) -> Option<()> {
    match std::mem::replace(stage, Stage::Between) {
        Stage::Between => {
            *stage = Stage::Ended;
            editor.is_done().then_some(())
        }
        Stage::Command => Some(()),
        Stage::Delta(decoder) => decoder.is_whole().then_some(()),
        Stage::Prop(prop, value, decoder) => {
            decoder.is_whole().then(|| editor.change_prop(&depth, &prop, value.as_deref()))?
        }
        Stage::Before | Stage::Ended => None,
    }
}

/// Between tags there is only white space.
fn add_text(stage: &mut Stage, text: &[u8]) -> Option<()> {
    match stage {
        Stage::Prop(_, Some(value), decoder) => {
            value.append(&mut decoder.decode(text)?);
            Some(())
        }
        _ => text.trim_ascii().is_empty().then_some(()),
    }
}

/// Reads of a delta what has arrived, at most up to the tag behind it; nothing if that is next.
fn read_delta<R: BufRead>(reader: &mut Reader<Bounded<R>>, decoder: &mut Decoder) -> Result<Vec<u8>, Problem> {
    let mut stream = reader.stream();
    loop {
        let arrived = stream.fill_buf().map_err(Problem::Io)?;
        let len = arrived.iter().position(|byte| *byte == b'<').unwrap_or(arrived.len());
        if len == 0 {
            return Ok(Vec::new());
        }
        let decoded = decoder.decode(&arrived[..len]).ok_or_else(|| nonsense("base64"))?;
        stream.consume(len);
        if !decoded.is_empty() {
            return Ok(decoded);
        }
    }
}

/// The name of what is opened: how deep it lies.
fn open(depth: &mut usize) -> usize {
    *depth += 1;
    *depth
}

/// The name of what is closed.
fn close(depth: &mut usize) -> Option<usize> {
    let closed = *depth;
    *depth = closed.checked_sub(1)?;
    Some(closed)
}

fn path(tag: &BytesStart<'_>) -> Option<String> {
    attribute(tag, "name")?
}

fn copy_from(tag: &BytesStart<'_>) -> Option<Option<CopyFrom>> {
    let Some(path) = attribute(tag, "copyfrom-path")? else { return Some(None) };
    let revision = attribute(tag, "copyfrom-rev")??.parse().ok()?;
    Some(Some(copy_of(path.as_bytes(), revision)))
}

/// The value of an attribute, if the tag has it; the outer `None` says that the tag is none.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<Option<String>> {
    // Comparing each name with all others takes its time, and which of two counts does not matter.
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.ok()?;
        if attribute.key.as_ref() == name {
            // Without XML's normal form, which makes spaces of tabs: a name of Subversion may have them.
            return Some(Some(unescape(&attribute.value).ok()?.into_owned()));
        }
    }
    Some(None)
}

fn problem(error: Error) -> Problem {
    match error {
        Error::Io(error) if error.kind() != io::ErrorKind::InvalidData => {
            Problem::Io(Arc::try_unwrap(error).unwrap_or_else(|error| error.kind().into()))
        }
        error => Problem::Malformed(format!("no XML: {error}")),
    }
}

fn nonsense(what: &str) -> Problem {
    Problem::Malformed(format!("{what:?} makes no sense there"))
}

/// What the fuzz target runs: bytes as a server's answer, until it makes no sense.
#[cfg(fuzzing)]
pub(crate) fn follow_bytes(stream: &[u8]) {
    let mut report = Report::new(stream);
    while let Ok(Some(_)) = report.next_record() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(xml: &str) -> Result<Vec<Record>, Problem> {
        let mut report = Report::new(xml.as_bytes());
        std::iter::from_fn(|| report.next_record().transpose()).collect()
    }

    fn whole(commands: &str) -> String {
        format!("<?xml version=\"1.0\"?>\n<S:editor-report xmlns:S=\"svn:\">\n{commands}</S:editor-report>\n")
    }

    /// What mod_dav_svn 1.14 answers.
    const ANSWER: &str = include_str!("editor_report.xml");

    #[test]
    fn a_revision_is_read() {
        let lines: Vec<_> = told(ANSWER).expect("well-formed").into_iter().map(line).collect();
        let expected = [
            "Change branches props [(\"a:b\", Set([195, 164, 2]))]",
            "Delete branches/b/f",
            "Add branches/c from trunk@1",
            "Change branches/c/f props [(\"svn:executable\", Set([42])), (\"x\", Deleted)]",
            "Add branches/c/g\u{fc} <&\"' text 24",
        ];
        let mut lines = lines;
        lines.sort();
        let mut expected = expected.map(str::to_owned);
        expected.sort();
        assert_eq!(lines, expected);
    }

    fn line(record: Record) -> String {
        let Record::Node(node) = record else { panic!("{record:?}") };
        let mut line = format!("{:?} {}", node.action, String::from_utf8_lossy(&node.path));
        if let Some(from) = node.copy_from {
            line += &format!(" from {}@{}", String::from_utf8_lossy(&from.path), from.revision);
        }
        if let Some(props) = node.props {
            let named = props.changes.iter().map(|(name, value)| (String::from_utf8_lossy(name), value));
            line += &format!(" props {:?}", named.collect::<Vec<_>>());
        }
        if let Some(text) = node.text {
            line += &format!(" text {}", text.bytes.len());
        }
        line
    }

    #[test]
    fn an_answer_that_breaks_off_is_malformed_wherever_it_does() {
        for end in (0..ANSWER.trim_end().len()).filter(|end| ANSWER.is_char_boundary(*end)) {
            assert!(matches!(told(&ANSWER[..end]), Err(Problem::Malformed(_))), "{end}");
        }
    }

    #[test]
    fn what_is_no_report_is_malformed() {
        let file = |inner: &str| {
            whole(&format!(
                "<S:open-root rev=\"1\"/><S:add-file name=\"f\"/>{inner}<S:close-file/><S:close-directory/>"
            ))
        };
        assert!(told(&file("<S:apply-textdelta>U1ZO\nAAAA</S:apply-textdelta>")).is_ok());
        let odd = [
            "no XML".to_owned(),
            "<html/>".to_owned(),
            whole("<S:open-root/>"),
            whole("<S:close-directory/>"),
            whole("<S:dance/>"),
            whole("text"),
            whole("<S:target-revision><S:target-revision/></S:target-revision>"),
            whole("<S:open-root/><S:open-directory/>"),
            whole("<S:open-root/><S:add-directory name=\"d\" copyfrom-path=\"/e\"/>"),
            whole("<S:delete-entry name=\"&bomb;\"/>"),
            format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{}", whole("")),
            file("<S:apply-textdelta>U1Z</S:apply-textdelta>"),
            file("<S:apply-textdelta>U!ZO</S:apply-textdelta>"),
            file("<S:apply-textdelta>U1ZO&amp;</S:apply-textdelta>"),
            file("<S:change-file-prop name=\"p\">U1Z</S:change-file-prop>"),
            file("<S:change-file-prop>U1ZO</S:change-file-prop>"),
            file("<S:change-file-prop name=\"p\"><![CDATA[U1ZO]]></S:change-file-prop>"),
        ];
        for xml in odd {
            assert!(matches!(told(&xml), Err(Problem::Malformed(_))), "{xml}");
        }
    }

    #[test]
    fn a_tag_without_an_end_is_not_held_for_ever() {
        let mut report = Report::new(io::BufReader::new(Endless(b"<S:editor-report x='")));
        assert!(matches!(report.next_record(), Err(Problem::Malformed(_))));
    }

    /// Some bytes, then one letter for ever.
    struct Endless(&'static [u8]);

    impl io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0 {
                [] => buffer.fill(b'x'),
                begin => {
                    buffer[..begin.len()].copy_from_slice(begin);
                    self.0 = &[];
                    return Ok(begin.len());
                }
            }
            Ok(buffer.len())
        }
    }
}
