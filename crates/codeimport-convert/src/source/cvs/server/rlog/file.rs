//! One file of a log: what was read of it so far, and what the server's words mean. Pure.

use crate::source::cvs::history::{FileHistory, Revision};
use crate::source::cvs::interner::Interner;
use crate::source::cvs::rcs::Number;
use std::collections::{BTreeMap, HashSet};

/// A file whose log is being read.
#[derive(Default)]
pub(super) struct Open {
    /// What is known of it, but its revisions.
    pub(super) history: FileHistory,
    pub(super) is_attic: bool,
    /// How many revisions will come.
    pub(super) expected: usize,
    /// Symbols so far.
    pub(super) symbols: Vec<(Vec<u8>, Number)>,
    /// Those that were read. What their messages are is known when all revisions are: which of them have branches.
    revisions: BTreeMap<Number, Told>,
    /// The one that is being read.
    revision: Option<(Number, Told)>,
}

/// A revision, and what the server prints behind it.
struct Told {
    revision: Revision,
    text: Vec<u8>,
}

impl Open {
    /// A file of which nothing but its path is known.
    pub(super) fn new(path: Vec<u8>, is_attic: bool) -> Self {
        Self { history: FileHistory { path, ..FileHistory::default() }, is_attic, ..Self::default() }
    }

    /// How many revisions have begun.
    pub(super) fn told(&self) -> usize {
        self.revisions.len() + usize::from(self.revision.is_some())
    }

    pub(super) fn begin_revision(&mut self, number: Number, revision: Revision) {
        self.end_revision();
        self.revision = Some((number, Told { revision, text: Vec::new() }));
    }

    /// A line of the revision's message.
    pub(super) fn push_text(&mut self, text: &[u8]) {
        if let Some((_, told)) = &mut self.revision {
            told.text.extend_from_slice(text);
            told.text.push(b'\n');
        }
    }

    fn end_revision(&mut self) {
        self.revisions.extend(self.revision.take());
    }

    /// All that were read, in order. Behind the date of a revision that has branches, these are told; a message may begin in the
    /// same way.
    pub(super) fn take_revisions(&mut self, interner: &mut Interner) -> (Vec<Number>, Vec<Revision>) {
        self.end_revision();
        let revisions = std::mem::take(&mut self.revisions);
        let points: HashSet<_> = revisions.keys().filter_map(|number| number.branch()?.branchpoint()).collect();
        let with_log = |(number, Told { mut revision, text }): (Number, Told)| {
            let told = text.starts_with(b"branches:") && points.contains(&number);
            let first = text.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1);
            revision.log = interner.keep_log(if told { &text[first..] } else { &text });
            (number, revision)
        };
        revisions.into_iter().map(with_log).unzip()
    }
}

/// `12; selected revisions: 12`: how many are selected.
pub(super) fn count(value: &[u8]) -> usize {
    let digits = value.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(&value[value.len() - digits..]).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// `revision 1.2` and perhaps who has it locked.
pub(super) fn revision_number(line: &[u8]) -> Option<Number> {
    let rest = line.strip_prefix(b"revision ")?;
    Number::parse(rest.split(u8::is_ascii_whitespace).next()?).filter(Number::is_revision)
}

/// `date: 2003-05-23 00:17:53 +0000;  author: ada;  state: Exp;  commitid: abc;`, still without its message.
pub(super) fn parse_revision(line: &[u8], interner: &mut Interner) -> Option<Revision> {
    let fields = line.split(|b| *b == b';').filter_map(|field| {
        let field = field.trim_ascii_start();
        let at = field.iter().position(|b| *b == b':')?;
        Some((&field[..at], field[at + 1..].trim_ascii()))
    });
    let (mut seconds, mut author, mut is_dead, mut commitid) = (None, None, false, None);
    for (name, value) in fields {
        match name {
            b"date" => seconds = parse_date(value),
            b"author" => author = Some(interner.keep(value)),
            b"state" => is_dead = value == b"dead",
            b"commitid" => commitid = Some(interner.commitid(value)),
            _ => {}
        }
    }
    let (seconds, author) = (seconds?, author?);
    Some(Revision { seconds, author, log: author, commitid, is_dead })
}

/// `2003-05-23 00:17:53 +0000`, or `2003/05/23 00:17:53`, in seconds since 1970.
fn parse_date(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?.replace('/', "-");
    let mut words = text.split(' ');
    let (day, time) = (words.next()?, words.next()?);
    let date: jiff::civil::DateTime = format!("{day}T{time}").parse().ok()?;
    let utc = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    let zone = words.next().filter(|zone| zone.len() == 5 && zone.is_ascii()).unwrap_or("+0000");
    let (hours, minutes): (i64, i64) = (zone[1..3].parse().ok()?, zone[3..].parse().ok()?);
    let offset = (hours * 60 + minutes) * 60;
    Some(if zone.starts_with('-') { utc + offset } else { utc - offset })
}
