//! What `rlog` prints, as histories. Pure.
//!
//! Log messages are printed as they are, so one may look like the server's own words. Servers that mark their words are
//! believed in that only; of the others, what cannot be told apart is taken for what it looks like.

mod file;

use super::session::Line;
use crate::source::cvs::gathering::Gathering;
use crate::source::cvs::history::Revision;
use crate::source::cvs::rcs::Number;
use crate::source::cvs::transport::{can_be_shown, without_attic};
use file::{Open, count, parse_revision, revision_number};
use std::collections::HashMap;
use std::path::Path;

const REVISION_RULE: &[u8] = b"----------------------------";
const FILE_RULE: &[u8] = b"=============================================================================";

/// Why the output of `rlog` cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(in crate::source::cvs) enum LogError {
    /// A file of another place than was asked for: the module's name stands for something else.
    #[error("{0} is not below the module that was asked for: give the directory itself")]
    Elsewhere(String),
    /// A file that ends before all its revisions were told.
    #[error("the log of {0} is not whole")]
    Incomplete(String),
}

/// Reads lines; gives histories at the end.
pub(in crate::source::cvs) struct LogReader {
    /// Path of the module on the server, with a slash at its end.
    directory: Vec<u8>,
    /// Whether it is the root of the repository, with its configuration.
    is_root: bool,
    gathering: Gathering,
    /// Paths of the files that were read, and whether they lie in `Attic`.
    attic: HashMap<Vec<u8>, bool>,
    open: Option<Open>,
    part: Part,
    /// Lines that are the server's words if the next ones are, too.
    held: Vec<Line>,
    /// Whether the server marks its own words.
    marks: bool,
}

/// What is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Between,
    Head,
    Symbols,
    /// Description of a file, or the message of its last revision.
    Text,
}

impl LogReader {
    pub(in crate::source::cvs) fn new(directory: Vec<u8>, is_root: bool, scratch: &Path) -> Self {
        Self {
            directory,
            is_root,
            gathering: Gathering::new(scratch),
            attic: HashMap::new(),
            open: None,
            part: Part::Between,
            held: Vec::new(),
            marks: false,
        }
    }

    /// The next line.
    pub(in crate::source::cvs) fn take(&mut self, line: Line) -> Result<(), LogError> {
        self.marks |= line.is_tagged;
        match self.part {
            Part::Between => self.between(line),
            Part::Head => self.head(&line.text),
            Part::Symbols => match line.text.strip_prefix(b"\t") {
                Some(symbol) => {
                    self.symbol(symbol);
                    Ok(())
                }
                None => {
                    self.part = Part::Head;
                    self.head(&line.text)
                }
            },
            Part::Text => {
                self.text(line);
                Ok(())
            }
        }
    }

    /// The next line, as it might be: with a mark in front if the server is to have marked it.
    #[cfg(fuzzing)]
    pub(in crate::source::cvs) fn take_raw(&mut self, line: &[u8]) -> Result<(), LogError> {
        let (is_tagged, text) = line.strip_prefix(b"!").map_or((false, line), |rest| (true, rest));
        self.take(Line { text: text.to_vec(), is_tagged })
    }

    /// All files; of two with the same path the one outside of `Attic`, as for CVS.
    pub(in crate::source::cvs) fn finish(mut self) -> Result<Gathering, LogError> {
        self.close()?;
        Ok(self.gathering)
    }

    fn between(&mut self, line: Line) -> Result<(), LogError> {
        if let Some(path) = line.text.strip_prefix(b"RCS file: ") {
            self.close()?;
            return self.begin(path);
        }
        // A message with a rule in it, and after that what was taken for the end: not yet.
        if line.text == FILE_RULE && self.open.is_some() {
            let held = std::mem::take(&mut self.held);
            held.into_iter().for_each(|line| self.push_text(&line.text));
            self.held.push(line);
        } else if self.open.is_some() {
            self.held.push(line);
        }
        Ok(())
    }

    fn begin(&mut self, path: &[u8]) -> Result<(), LogError> {
        let below = path.strip_suffix(b",v").unwrap_or(path).strip_prefix(&self.directory[..]);
        let below = below.ok_or_else(|| LogError::Elsewhere(String::from_utf8_lossy(path).into_owned()))?;
        let (path, is_attic) = without_attic(below);
        self.open = Some(Open::new(path, is_attic));
        self.part = Part::Head;
        Ok(())
    }

    fn head(&mut self, line: &[u8]) -> Result<(), LogError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let (word, value) = match line.iter().position(|b| *b == b':') {
            Some(at) => (&line[..at], line[at + 1..].trim_ascii()),
            None => (line, &b""[..]),
        };
        match word {
            b"branch" => open.history.default_branch = Number::parse(value),
            b"symbolic names" => self.part = Part::Symbols,
            b"keyword substitution" => open.history.is_binary = value == b"b",
            b"total revisions" => open.expected = count(value),
            b"description" => self.part = Part::Text,
            _ => {}
        }
        Ok(())
    }

    fn symbol(&mut self, symbol: &[u8]) {
        let Some(at) = symbol.iter().rposition(|b| *b == b':') else { return };
        let (Some(open), Some(number)) = (&mut self.open, Number::parse(symbol[at + 1..].trim_ascii())) else { return };
        open.symbols.push((symbol[..at].to_vec(), number));
    }

    /// A line of a message or description, or the begin of the next revision, or the end of the file.
    fn text(&mut self, line: Line) {
        let is_done = self.open.as_ref().is_none_or(|open| open.told() >= open.expected);
        // A description need not end its last line: the rule stands right behind it.
        let in_description = self.open.as_ref().is_some_and(|open| open.told() == 0);
        let is = |text: &[u8], rule: &[u8]| text == rule || (in_description && text.ends_with(rule));
        match (self.held.len(), &line.text[..]) {
            (0, text) if is(text, FILE_RULE) && is_done => {
                self.held.push(line);
                self.part = Part::Between;
            }
            (0, text) if is(text, REVISION_RULE) && !is_done => self.held.push(line),
            (0, text) => {
                let text = text.to_vec();
                self.push_text(&text);
            }
            (1, text) if revision_number(text).is_some() => self.held.push(line),
            (2, text) if line.is_tagged || !self.marks => {
                let number = revision_number(&self.held[1].text);
                let interner = &mut self.gathering.interner;
                match number.zip(parse_revision(text, interner)) {
                    Some((number, revision)) => self.begin_revision(number, revision),
                    None => self.release(line),
                }
            }
            _ => self.release(line),
        }
    }

    /// What was held was the words of a user; the line is looked at anew.
    fn release(&mut self, line: Line) {
        for held in std::mem::take(&mut self.held) {
            self.push_text(&held.text);
        }
        if line.text == REVISION_RULE { self.held.push(line) } else { self.push_text(&line.text) }
    }

    fn begin_revision(&mut self, number: Number, revision: Revision) {
        self.held.clear();
        if let Some(open) = &mut self.open {
            open.begin_revision(number, revision);
        }
    }

    fn push_text(&mut self, text: &[u8]) {
        if let Some(open) = &mut self.open {
            open.push_text(text);
        }
    }

    fn close(&mut self) -> Result<(), LogError> {
        let ended = self.part == Part::Between;
        (self.part, self.held) = (Part::Between, Vec::new());
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let (numbers, revisions) = open.take_revisions(&mut self.gathering.interner);
        open.history.numbers = numbers.into();
        if !ended || revisions.len() != open.expected {
            return Err(LogError::Incomplete(String::from_utf8_lossy(&open.history.path).into_owned()));
        }
        if self.is_shown(&open) {
            self.attic.insert(open.history.path.clone(), open.is_attic);
            let symbols = open.symbols.iter().map(|(name, number)| (&name[..], number.clone()));
            self.gathering.add(open.history, revisions, symbols);
        }
        Ok(())
    }

    /// Whether a file is one for users, as far as is known by now.
    fn is_shown(&self, open: &Open) -> bool {
        let path = &open.history.path;
        let is_config = self.is_root && path.starts_with(b"CVSROOT/");
        let is_hidden = self.attic.get(path).is_some_and(|is_attic| !is_attic || open.is_attic);
        can_be_shown(path) && !is_config && !is_hidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::cvs::history::Histories;

    const LOG: &str = "
RCS file: /r/m/Attic/f,v
head: 1.2
branch:
locks: strict
access list:
symbolic names:
\tv1: 1.1
\tb: 1.1.0.2
keyword substitution: b
total revisions: 3;\tselected revisions: 3
description:
of the file, without a line end----------------------------
revision 1.2\tlocked by: ada;
date: 2003-05-23 00:17:53 +0000;  author: ada;  state: dead;  lines: +0 -0;  commitid: x1;
second
----------------------------
revision 1.9
of another thing
----------------------------
revision 1.1
date: 2003/05/22 02:00:00;  author: bob;  state: Exp;
branches:  1.1.2;
first
----------------------------
revision 1.1.2.1
date: 2003-05-22 02:00:00 -0130;  author: bob;  state: Exp;
branches: not these
=============================================================================
of a user
=============================================================================
";

    fn read(log: &str, tag: bool) -> Result<Histories, LogError> {
        let mut reader = LogReader::new(b"/r/m/".to_vec(), false, Path::new("/nowhere"));
        for line in log.lines() {
            let is_tagged = tag && line.starts_with("date: 20");
            reader.take(Line { text: line.as_bytes().to_vec(), is_tagged })?;
        }
        reader.finish().map(|gathering| gathering.finish().expect("few symbols"))
    }

    #[test]
    fn histories_are_read_whether_the_server_marks_its_words_or_not() {
        for tag in [false, true] {
            let Histories { files, words, symbols, revisions, .. } = read(LOG, tag).expect("well-formed");
            assert_eq!((files.len(), &files[0].path[..], files[0].is_binary), (1, &b"f"[..], true));
            let revisions = revisions.of(&files[0]).expect("few revisions");
            let told: Vec<_> = std::iter::zip(&files[0].numbers, revisions)
                .map(|(number, revision)| {
                    let log = String::from_utf8_lossy(words.get(revision.log)).replace('\n', "|");
                    format!("{number} {} {} {log}", revision.seconds, revision.is_dead)
                })
                .collect();
            let rule = "=".repeat(77);
            let expected = [
                "1.1 1053568800 false first|".to_owned(),
                format!("1.1.2.1 1053574200 false branches: not these|{rule}|of a user|"),
                format!("1.2 1053649073 true second|{}|revision 1.9|of another thing|", "-".repeat(28)),
            ];
            assert_eq!(told, expected);
            assert_eq!((files[0].symbols.clone(), symbols.len()), (0..2, 2));
        }
    }

    #[test]
    fn words_of_a_user_that_look_like_those_of_the_server_are_told_apart_if_it_marks_its_own() {
        let fake =
            format!("first\n{}\nrevision 1.7\ndate: 1999/01/01 00:00:00;  author: eve;  state: Exp;", "-".repeat(28));
        let histories = read(&LOG.replace("first", &fake), true).expect("well-formed");
        assert_eq!(histories.files[0].numbers.len(), 3);
    }

    #[test]
    fn a_log_that_ends_early_is_told() {
        for length in [100, 300, 500, LOG.len() - 90] {
            assert!(matches!(read(&LOG[..length], false), Err(LogError::Incomplete(_))), "{length}");
        }
        assert!(matches!(read("RCS file: /r/other/f,v\n", false), Err(LogError::Elsewhere(_))));
    }
}
