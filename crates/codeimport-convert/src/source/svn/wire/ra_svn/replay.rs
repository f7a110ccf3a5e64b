//! A range of revisions, as the server replays it: the records that `svnrdump` would make of it, without the program.
//!
//! ```text
//!   client  ( replay-range ( first last 0 true ) )
//!   server  ( success ( ( ) 0: ) )                          demands nothing
//!           ( revprops ( ( name value ) … ) )  editor commands  ( finish-replay ( ) )        for each revision
//!           ( success ( ) )      or, anywhere,  ( failure ( ( code words file line ) … ) )
//! ```

use super::super::editor::Editor;
use super::super::normal::normal;
use super::commands::follow;
use super::connection::Connection;
use super::item::Item;
use super::session::{Session, nothing_demanded};
use crate::Watch;
use crate::source::svn::records::{PropChanges, PropValue, Record, RecordSource, RevisionRecord, StreamError};
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

/// History under way from a server.
pub(crate) struct Replay {
    connection: Connection,
    transcript: Transcript,
}

impl Replay {
    /// Asks for revisions. None if the address is not of this kind, or if the server does not begin with the first of them:
    /// `svnrdump` knows more ways, and words for what is wrong.
    pub(crate) fn begin(
        url: &str,
        revisions: &RangeInclusive<u64>,
        idle_timeout: Duration,
        watch: &Watch,
    ) -> Option<Self> {
        let connection = Session::open(url, idle_timeout, watch)?.connection;
        let mut replay = Self { connection, transcript: Transcript::new(revisions) };
        replay.ask(revisions, idle_timeout).ok()?;
        let has_begun = replay.transcript.stage == Stage::Within;
        has_begun.then_some(replay)
    }

    fn ask(&mut self, revisions: &RangeInclusive<u64>, idle_timeout: Duration) -> Result<(), StreamError> {
        let (first, last) = (revisions.start(), revisions.end());
        self.connection.expect_history(idle_timeout);
        let asked = self.connection.send(&format!("( replay-range ( {first} {last} 0 true ) ) "));
        let answered = asked.and_then(|()| nothing_demanded(&mut self.connection));
        answered.map_err(|error| self.broken(error))?;
        self.advance()
    }

    fn advance(&mut self) -> Result<(), StreamError> {
        let item = self.connection.receive().map_err(|error| self.broken(error))?;
        let at = self.received();
        self.transcript.take(item).map_err(|problem| match problem {
            Problem::Refused(words) => StreamError::Refused { words },
            Problem::Malformed(problem) => StreamError::Malformed { at, problem },
        })
    }

    fn broken(&self, error: io::Error) -> StreamError {
        let at = self.received();
        match error.kind() {
            io::ErrorKind::InvalidData => {
                StreamError::Malformed { at, problem: "not an item of the protocol".to_owned() }
            }
            io::ErrorKind::UnexpectedEof => StreamError::Truncated { at },
            _ => StreamError::Io { at, source: error },
        }
    }
}

impl RecordSource for Replay {
    fn next_record(&mut self) -> Result<Option<Record>, StreamError> {
        loop {
            match self.transcript.editor.take() {
                Some(record) => return Ok(Some(record)),
                None if self.transcript.stage == Stage::Ended => return Ok(None),
                None => self.advance()?,
            }
        }
    }

    fn received(&self) -> u64 {
        self.connection.received()
    }
}

/// What the fuzz target runs: bytes as a server's answer, until it makes no sense.
#[cfg(fuzzing)]
pub(crate) fn follow_bytes(mut stream: &[u8]) {
    let mut transcript = Transcript::new(&(0..=u64::MAX / 2));
    while let Ok(item) = Item::read(&mut stream, 1 << 20) {
        if transcript.take(item).is_err() {
            return;
        }
        while transcript.editor.take().is_some() {}
    }
}

/// Items in, records out. Pure.
pub(crate) struct Transcript {
    /// The revision that comes next, and the last one asked for.
    next: u64,
    last: u64,
    stage: Stage,
    editor: Editor<Vec<u8>>,
}

/// Where in the answer we are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Between,
    Within,
    Ended,
}

/// Why an item does not go on as it should.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The server says so, in the form of Subversion's programs: `E160013: words`.
    Refused(String),
    Malformed(String),
}

impl Transcript {
    pub(crate) fn new(revisions: &RangeInclusive<u64>) -> Self {
        let (next, last) = (*revisions.start(), *revisions.end());
        Self { next, last, stage: Stage::Between, editor: Editor::default() }
    }

    pub(crate) fn take(&mut self, item: Item) -> Result<(), Problem> {
        let Item::List(mut items) = item else { return Err(nonsense("")) };
        let [Item::Word(word), Item::List(parameters)] = &mut items[..] else { return Err(nonsense("")) };
        match (word.as_str(), self.stage) {
            ("failure", _) => return Err(Problem::Refused(words(parameters))),
            ("revprops", Stage::Between) if self.next <= self.last => self.begin_revision(parameters),
            ("success", Stage::Between) if self.next > self.last => {
                self.stage = Stage::Ended;
                Some(())
            }
            ("finish-replay", Stage::Within) if self.editor.is_done() => {
                self.stage = Stage::Between;
                Some(())
            }
            (command, Stage::Within) => follow(&mut self.editor, command, parameters),
            _ => None,
        }
        .ok_or_else(|| nonsense(word))
    }

    fn begin_revision(&mut self, parameters: &[Item]) -> Option<()> {
        let mut changes = Vec::new();
        for property in parameters {
            let [name, value, ..] = property.list()? else { return None };
            let (name, value) = (name.bytes()?, value.bytes()?);
            changes.push((name.to_vec(), PropValue::Set(normal(name, value))));
        }
        let props = PropChanges { changes, is_delta: false };
        self.editor.tell(Record::Revision(RevisionRecord { number: self.next, props }));
        self.next += 1;
        self.stage = Stage::Within;
        Some(())
    }
}

fn nonsense(word: &str) -> Problem {
    Problem::Malformed(format!("{word:?} makes no sense there"))
}

/// The chain of errors that a server sends, outermost first.
fn words(errors: &[Item]) -> String {
    let line = |error: &Item| {
        let [code, words, ..] = error.list()? else { return None };
        Some(format!("E{:06}: {}", code.number()?, String::from_utf8_lossy(words.bytes()?)))
    };
    errors.iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds items; gives how many records they tell, or what is wrong.
    fn feed(text: &str) -> Result<usize, Problem> {
        let (mut transcript, mut input) = (Transcript::new(&(3..=4)), text.as_bytes());
        while !input.is_empty() {
            transcript.take(Item::read(&mut input, 1 << 20).expect("items"))?;
        }
        assert_eq!(transcript.stage, Stage::Ended, "{text}");
        Ok(std::iter::from_fn(|| transcript.editor.take()).count())
    }

    const EMPTY: &str = "( revprops ( ( 7:svn:log 2:a\r ) ) ) ( finish-replay ( ) ) ";

    #[test]
    fn as_many_revisions_come_as_were_asked_for() {
        let end = "( success ( ) ) ";
        assert_eq!(feed(&[EMPTY, EMPTY, end].concat()).expect("well-formed"), 2);
        assert!(matches!(feed(&[EMPTY, end].concat()), Err(Problem::Malformed(_))));
        assert!(matches!(feed(&[EMPTY, EMPTY, EMPTY].concat()), Err(Problem::Malformed(_))));
    }

    #[test]
    fn a_failure_is_told_with_its_code_wherever_it_comes() {
        let failure = "( failure ( ( 160013 4:gone 0: 0 ) ( 13 0: 0: 0 ) ) ) ";
        for before in ["", EMPTY, "( revprops ( ) ) ( abort-edit ( ) ) "] {
            let problem = feed(&[before, failure].concat()).expect_err("it failed");
            assert!(matches!(&problem, Problem::Refused(words) if words == "E160013: gone\nE000013: "), "{problem:?}");
        }
    }

    #[test]
    fn a_revision_that_leaves_something_open_is_not_whole() {
        let text = "( revprops ( ) ) ( open-root ( ( ) 1:r ) ) ( finish-replay ( ) ) ";
        assert!(matches!(feed(text), Err(Problem::Malformed(_))));
    }
}
