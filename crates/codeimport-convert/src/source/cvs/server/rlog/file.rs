//! One file of a log: what was read of it so far, and what the server's words mean. Pure.

use crate::source::cvs::history::{FileHistory, Revision};
use crate::source::cvs::interner::Interner;
use crate::source::cvs::rcs::Number;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A file whose log is being read.
#[derive(Default)]
pub(super) struct Open {
    pub(super) history: FileHistory,
    pub(super) is_attic: bool,
    /// How many revisions will come.
    pub(super) expected: usize,
    /// Revision that is being read, with its message so far.
    pub(super) revision: Option<(Number, Revision, Vec<u8>)>,
    /// Symbols so far.
    pub(super) symbols: Vec<(Vec<u8>, Number)>,
    /// Messages, until it is known which revisions have branches.
    pub(super) logs: BTreeMap<Number, Vec<u8>>,
}

impl Open {
    pub(super) fn told(&self) -> usize {
        self.history.revisions.len() + usize::from(self.revision.is_some())
    }

    pub(super) fn end_revision(&mut self) {
        if let Some((number, revision, log)) = self.revision.take() {
            self.logs.insert(number.clone(), log);
            self.history.revisions.insert(number, revision);
        }
    }

    /// Behind the date of a revision that has branches, these are told; a message may begin in the same way.
    pub(super) fn take_logs(&mut self, interner: &mut Interner) {
        let points: std::collections::HashSet<_> =
            self.history.revisions.keys().filter_map(|number| number.branch()?.branchpoint()).collect();
        for (number, log) in &self.logs {
            let told = log.starts_with(b"branches:") && points.contains(number);
            let first = log.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1);
            let message = if told { &log[first..] } else { &log[..] };
            if let Some(revision) = self.history.revisions.get_mut(number) {
                revision.log = interner.keep_log(message);
            }
        }
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

/// `date: 2003-05-23 00:17:53 +0000;  author: ada;  state: Exp;  commitid: abc;`
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
            b"commitid" => commitid = Some(interner.keep(value)),
            _ => {}
        }
    }
    Some(Revision { seconds: seconds?, author: author?, is_dead, commitid, log: Arc::from(*b"") })
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
