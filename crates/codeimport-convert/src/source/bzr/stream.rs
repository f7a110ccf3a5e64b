//! What the exporter tells, as records (their form: `exporter.py`). Whatever the bytes are: a record or an error, and never
//! more memory than was received.

use std::io::{self, Read};

/// Version of the records.
pub(super) const FORMAT: u64 = 1;

/// Longest field: Git has no use for longer texts either.
const LONGEST_FIELD: u64 = 4 << 30;

/// Digits of a number.
const LONGEST_NUMBER: usize = 20;

/// One record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Record {
    /// The exporter has started.
    Head { format: u64 },
    /// It is alive: bytes received from the source so far.
    Progress { received: u64 },
    /// Where the branch stands.
    Branch(BranchHead),
    /// A tag.
    Tag { name: String, revision: Vec<u8>, is_there: bool },
    /// How many revisions are new, and how many of them follow.
    Count { new: u64, now: u64 },
    /// A text, under the next number.
    Text(Vec<u8>),
    /// A revision.
    Revision(Box<RevisionRecord>),
    /// Who made a revision, and when, for people.
    Log { committer: String, seconds: i64 },
    /// All is told.
    End,
    /// Why it cannot be told.
    Failed(Failure),
}

/// Where a branch stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct BranchHead {
    /// Its newest revision; `null:` if there is none.
    pub(super) tip: Vec<u8>,
    /// Its tags, as they are stored.
    pub(super) tags: Vec<u8>,
    /// What kind of repository it is in.
    pub(super) format: String,
}

/// Why something cannot be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    /// The exporter's word for what it means.
    pub(super) meaning: String,
    /// Bazaar's name for it.
    pub(super) kind: String,
    /// Bazaar's words.
    pub(super) text: String,
}

/// A revision.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct RevisionRecord {
    pub(super) id: Vec<u8>,
    /// The revision that the changes are told against; none: an empty tree.
    pub(super) base: Option<Vec<u8>>,
    /// Whether it is one of the branch's own line, not merged into it.
    pub(super) is_mainline: bool,
    /// The parents, and whether they are in the repository.
    pub(super) parents: Vec<(Vec<u8>, bool)>,
    pub(super) committer: String,
    /// Seconds since 1970, rounded down.
    pub(super) seconds: i64,
    /// Seconds east of Greenwich.
    pub(super) offset: i64,
    pub(super) message: String,
    pub(super) properties: Vec<(String, String)>,
    pub(super) changes: Vec<Change>,
}

/// What changes at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Change {
    /// Where it was; the root's path is empty.
    pub(super) old: Option<Vec<u8>>,
    /// Where it is now, and what it is.
    pub(super) new: Option<(Vec<u8>, Content)>,
}

/// What is at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Content {
    /// A file: its text by number, and the SHA-1 that Bazaar has for it, as digits.
    File { text: u64, sha1: Vec<u8>, is_executable: bool },
    /// A symbolic link.
    Link(Vec<u8>),
    /// A directory.
    Dir,
    /// Something that Git has not: a nested tree.
    Other(String),
}

/// Why there is no record.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    /// The bytes end, or cannot be read.
    #[error("the stream broke off")]
    Io(#[from] io::Error),
    /// The bytes make no sense.
    #[error("the stream makes no sense: {0}")]
    Form(&'static str),
}

/// Reads records.
pub(super) struct RecordReader<R> {
    input: R,
}

impl<R: Read> RecordReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input }
    }

    /// The next record; none at the end of the stream.
    pub(super) fn next(&mut self) -> Result<Option<Record>, StreamError> {
        let mut kind = [0];
        loop {
            match self.input.read(&mut kind) {
                Ok(0) => return Ok(None),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.record(kind[0]).map(Some)
    }

    fn record(&mut self, kind: u8) -> Result<Record, StreamError> {
        Ok(match kind {
            b'H' => Record::Head { format: self.number()? },
            b'P' => Record::Progress { received: self.number()? },
            b'B' => Record::Branch(BranchHead { tip: self.revision_id()?, tags: self.field()?, format: self.text()? }),
            b'G' => Record::Tag { name: self.text()?, revision: self.revision_id()?, is_there: self.flag()? },
            b'N' => Record::Count { new: self.number()?, now: self.number()? },
            b'T' => Record::Text(self.field()?),
            b'R' => Record::Revision(Box::new(self.revision()?)),
            b'L' => Record::Log { committer: self.text()?, seconds: self.number()? },
            b'E' => Record::End,
            b'X' => Record::Failed(Failure { meaning: self.text()?, kind: self.text()?, text: self.text()? }),
            _ => return Err(StreamError::Form("a record of an unknown kind")),
        })
    }

    fn revision(&mut self) -> Result<RevisionRecord, StreamError> {
        let id = self.revision_id()?;
        let base = self.field()?;
        Ok(RevisionRecord {
            id,
            base: (!base.is_empty()).then_some(base),
            is_mainline: self.flag()?,
            parents: self.list(|reader| {
                let is_there = reader.flag()?;
                Ok((reader.revision_id()?, is_there))
            })?,
            committer: self.text()?,
            seconds: self.number()?,
            offset: self.number()?,
            message: self.text()?,
            properties: self.list(|reader| Ok((reader.text()?, reader.text()?)))?,
            changes: self.list(Self::change)?,
        })
    }

    fn change(&mut self) -> Result<Change, StreamError> {
        let old = self.path()?;
        let new = match self.path()? {
            Some(path) => Some((path, self.content()?)),
            None => None,
        };
        Ok(Change { old, new })
    }

    fn content(&mut self) -> Result<Content, StreamError> {
        let kind = self.field()?;
        Ok(match kind.as_slice() {
            b"f" | b"x" => Content::File { text: self.number()?, sha1: self.field()?, is_executable: kind == b"x" },
            b"l" => Content::Link(self.field()?),
            b"d" => Content::Dir,
            b"?" => Content::Other(self.text()?),
            _ => return Err(StreamError::Form("a path with content of an unknown kind")),
        })
    }

    /// A path, or that there is none. Its parts are names as file systems have them.
    fn path(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        let mut field = self.field()?;
        if field == b"-" {
            return Ok(None);
        }
        if field.first() != Some(&b'+') {
            return Err(StreamError::Form("a path without its mark"));
        }
        field.remove(0);
        let is_name = |part: &[u8]| !part.is_empty() && part != b"." && part != b".." && !part.contains(&0);
        if field.is_empty() || field.split(|b| *b == b'/').all(is_name) {
            return Ok(Some(field));
        }
        Err(StreamError::Form("a path that no file system has"))
    }

    /// How many, then that many.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, StreamError>) -> Result<Vec<T>, StreamError> {
        let count: u64 = self.number()?;
        // Room is made as they come: the number is only a promise.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A revision's name: one line, and not empty.
    fn revision_id(&mut self) -> Result<Vec<u8>, StreamError> {
        let id = self.field()?;
        if id.is_empty() || id.contains(&b'\n') || std::str::from_utf8(&id).is_err() {
            return Err(StreamError::Form("a revision without a proper name"));
        }
        Ok(id)
    }

    fn flag(&mut self) -> Result<bool, StreamError> {
        Ok(self.number::<u64>()? != 0)
    }

    fn text(&mut self) -> Result<String, StreamError> {
        String::from_utf8(self.field()?).map_err(|_| StreamError::Form("text that is not UTF-8"))
    }

    fn number<T: std::str::FromStr>(&mut self) -> Result<T, StreamError> {
        let field = self.field()?;
        let text = std::str::from_utf8(&field).ok().filter(|text| text.len() <= LONGEST_NUMBER);
        text.and_then(|text| text.parse().ok()).ok_or(StreamError::Form("a number that is none"))
    }

    fn field(&mut self) -> Result<Vec<u8>, StreamError> {
        let mut len = [0; 8];
        self.input.read_exact(&mut len)?;
        let len = u64::from_be_bytes(len);
        if len > LONGEST_FIELD {
            return Err(StreamError::Form("a field that is too long"));
        }
        let mut field = Vec::new();
        let read = self.input.by_ref().take(len).read_to_end(&mut field)?;
        if read as u64 == len { Ok(field) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
        let fields = fields.iter().flat_map(|field| [&(field.len() as u64).to_be_bytes()[..], field].concat());
        std::iter::once(kind).chain(fields).collect()
    }

    fn read(bytes: &[u8]) -> Result<Vec<Record>, StreamError> {
        let mut reader = RecordReader::new(bytes);
        std::iter::from_fn(|| reader.next().transpose()).collect()
    }

    const REVISION: [&[u8]; 18] = [
        b"r2", b"r1", b"1", b"1", b"1", b"r1", b"Ada", b"-7", b"3600", b"said", b"0", b"1", b"+old", b"+new/f", b"x",
        b"3", b"da39", b"",
    ];

    #[test]
    fn records_are_read_as_they_were_told() {
        let revision = RevisionRecord {
            id: b"r2".to_vec(),
            base: Some(b"r1".to_vec()),
            is_mainline: true,
            parents: vec![(b"r1".to_vec(), true)],
            committer: "Ada".to_owned(),
            seconds: -7,
            offset: 3600,
            message: "said".to_owned(),
            properties: Vec::new(),
            changes: vec![Change {
                old: Some(b"old".to_vec()),
                new: Some((b"new/f".to_vec(), Content::File { text: 3, sha1: b"da39".to_vec(), is_executable: true })),
            }],
        };
        let stream =
            [record(b'H', &[b"1"]), record(b'T', &[b"text"]), record(b'R', &REVISION[..17]), record(b'E', &[])];
        let expected = vec![
            Record::Head { format: 1 },
            Record::Text(b"text".to_vec()),
            Record::Revision(Box::new(revision)),
            Record::End,
        ];
        assert_eq!(read(&stream.concat()).expect("well-formed"), expected);
    }

    #[test]
    fn a_stream_that_breaks_off_or_makes_no_sense_is_an_error() {
        let whole = record(b'R', &REVISION[..17]);
        for end in 1..whole.len() {
            assert!(matches!(read(&whole[..end]), Err(StreamError::Io(_))), "{end}");
        }
        let long = [b"T".as_slice(), &u64::MAX.to_be_bytes()].concat();
        let no_name = record(b'R', &[b""]);
        let above = {
            let mut fields = REVISION;
            fields[13] = b"+a/../b";
            record(b'R', &fields[..17])
        };
        for odd in [b"?".to_vec(), record(b'P', &[b"many"]), long, no_name, above] {
            assert!(matches!(read(&odd), Err(StreamError::Form(_))), "{odd:?}");
        }
    }
}
