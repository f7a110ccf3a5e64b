//! A `,v` file as a value. Nothing is copied: texts stay where they are in the file.

use super::lexer::{Lexer, Token, undouble};
use super::{Number, RcsError};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a `,v` file says.
#[derive(Default)]
pub(in crate::source::cvs) struct RcsFile<'a> {
    /// Newest revision of the trunk; none if the file has no revision.
    pub(in crate::source::cvs) head: Option<Number>,
    /// The branch that stands for the trunk, after an import.
    pub(in crate::source::cvs) branch: Option<Number>,
    /// Names with numbers as stored, in the file's order.
    pub(in crate::source::cvs) symbols: Vec<(&'a [u8], Number)>,
    /// How keywords are expanded: `kv`, `b` … Empty: not said.
    pub(in crate::source::cvs) expand: Cow<'a, [u8]>,
    /// All revisions.
    pub(in crate::source::cvs) deltas: BTreeMap<Number, Delta<'a>>,
}

/// One revision.
#[derive(Default)]
pub(in crate::source::cvs) struct Delta<'a> {
    /// In seconds since 1970.
    pub(in crate::source::cvs) seconds: i64,
    pub(in crate::source::cvs) author: &'a [u8],
    /// `Exp`, or `dead` for a removal.
    pub(in crate::source::cvs) state: &'a [u8],
    /// First revisions of the branches that begin here.
    pub(super) branches: Vec<Number>,
    /// The revision whose text is made from this one's: on the trunk the one before.
    pub(super) next: Option<Number>,
    pub(in crate::source::cvs) commitid: Option<Cow<'a, [u8]>>,
    /// Log message; none if the file ends before it.
    pub(in crate::source::cvs) log: Option<Cow<'a, [u8]>>,
    /// Text or delta, as stored.
    pub(super) text: Option<&'a [u8]>,
}

impl<'a> RcsFile<'a> {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it. A revision without log or text is found only when they are asked for.
    pub(in crate::source::cvs) fn parse(bytes: &'a [u8]) -> Result<Self, RcsError> {
        let mut lexer = Lexer::new(bytes);
        let mut file = Self::default();
        if lexer.expect_word("head")? != b"head" {
            return Err(RcsError::Unexpected { expected: "head", at: 0 });
        }
        file.head = optional_number(&mut lexer)?;
        file.read_admin(&mut lexer)?;
        file.read_deltas(&mut lexer)?;
        lexer.expect_text("description")?;
        file.read_texts(&mut lexer)?;
        Ok(file)
    }

    /// All up to the first revision, or to the description if there is none.
    fn read_admin(&mut self, lexer: &mut Lexer<'a>) -> Result<(), RcsError> {
        loop {
            match lexer.peek()? {
                Some(Token::Word(b"desc")) => return Ok(()),
                Some(Token::Word(word)) if word.first().is_some_and(u8::is_ascii_digit) => return Ok(()),
                _ => {}
            }
            match lexer.expect_word("admin phrase")? {
                b"branch" => self.branch = optional_number(lexer)?,
                b"symbols" => self.read_symbols(lexer)?,
                b"expand" => self.expand = one_value(lexer)?.unwrap_or_default(),
                _ => skip_phrase(lexer)?,
            }
        }
    }

    fn read_symbols(&mut self, lexer: &mut Lexer<'a>) -> Result<(), RcsError> {
        loop {
            match lexer.next()? {
                Some(Token::Semicolon) => return Ok(()),
                Some(Token::Word(name)) => {
                    if lexer.next()? != Some(Token::Colon) {
                        return Err(lexer.unexpected("colon after a symbol", true));
                    }
                    // A symbol with a number that is none names nothing; CVS passes over it, too.
                    if let Some(number) = Number::parse(lexer.expect_word("number of a symbol")?) {
                        self.symbols.push((name, number));
                    }
                }
                found => return Err(lexer.unexpected("symbol", found.is_some())),
            }
        }
    }

    /// Dates, authors and states, up to and with the word `desc`.
    fn read_deltas(&mut self, lexer: &mut Lexer<'a>) -> Result<(), RcsError> {
        loop {
            let word = lexer.expect_word("revision or description")?;
            if word == b"desc" {
                return Ok(());
            }
            let Some(number) = Number::parse(word).filter(Number::is_revision) else {
                return Err(lexer.unexpected("revision", true));
            };
            let delta = read_delta(lexer)?;
            // Said twice: the first counts, as for CVS.
            self.deltas.entry(number).or_insert(delta);
        }
    }

    /// Logs and texts, to the end of the file.
    fn read_texts(&mut self, lexer: &mut Lexer<'a>) -> Result<(), RcsError> {
        while let Some(token) = lexer.next()? {
            let Token::Word(word) = token else { return Err(lexer.unexpected("revision", true)) };
            let number = Number::parse(word).ok_or_else(|| lexer.unexpected("revision", true))?;
            let Some(delta) = self.deltas.get_mut(&number) else { return Err(RcsError::MissingRevision(number)) };
            loop {
                match lexer.expect_word("log or text")? {
                    b"log" => delta.log = Some(undouble(lexer.expect_text("log")?)),
                    b"text" => break,
                    _ => skip_phrase(lexer)?,
                }
            }
            let text = lexer.expect_text("text")?;
            delta.text.get_or_insert(text);
        }
        Ok(())
    }
}

fn read_delta<'a>(lexer: &mut Lexer<'a>) -> Result<Delta<'a>, RcsError> {
    let mut delta = Delta::default();
    loop {
        match lexer.peek()? {
            Some(Token::Word(b"desc")) => return Ok(delta),
            Some(Token::Word(word)) if word.first().is_some_and(u8::is_ascii_digit) => return Ok(delta),
            _ => {}
        }
        match lexer.expect_word("phrase of a revision")? {
            b"date" => {
                let date = lexer.expect_word("date")?;
                delta.seconds = seconds(date).ok_or_else(|| lexer.unexpected("date", true))?;
                skip_phrase(lexer)?;
            }
            b"author" => delta.author = words(lexer)?.first().copied().unwrap_or_default(),
            b"state" => delta.state = words(lexer)?.first().copied().unwrap_or_default(),
            b"branches" => {
                let numbers = words(lexer)?.into_iter().map(Number::parse).collect::<Option<_>>();
                delta.branches = numbers.ok_or_else(|| lexer.unexpected("number of a branch", true))?;
            }
            b"next" => delta.next = optional_number(lexer)?,
            b"commitid" => delta.commitid = one_value(lexer)?,
            _ => skip_phrase(lexer)?,
        }
    }
}

/// A number and a semicolon, or only the semicolon.
fn optional_number(lexer: &mut Lexer<'_>) -> Result<Option<Number>, RcsError> {
    let words = words(lexer)?;
    let Some(word) = words.first() else { return Ok(None) };
    Number::parse(word).map(Some).ok_or_else(|| lexer.unexpected("number", true))
}

/// Words up to a semicolon.
fn words<'a>(lexer: &mut Lexer<'a>) -> Result<Vec<&'a [u8]>, RcsError> {
    let mut words = Vec::new();
    loop {
        match lexer.next()? {
            Some(Token::Semicolon) => return Ok(words),
            Some(Token::Word(word)) => words.push(word),
            // Names with odd characters: what matters is that the phrase ends.
            Some(Token::Colon | Token::Text(_)) => {}
            None => return Err(RcsError::Truncated("a phrase")),
        }
    }
}

/// The first word or text of a phrase.
fn one_value<'a>(lexer: &mut Lexer<'a>) -> Result<Option<Cow<'a, [u8]>>, RcsError> {
    let value = match lexer.next()? {
        Some(Token::Word(word)) => Cow::Borrowed(word),
        Some(Token::Text(text)) => undouble(text),
        Some(Token::Semicolon) => return Ok(None),
        Some(Token::Colon) | None => return Err(lexer.unexpected("value", true)),
    };
    skip_phrase(lexer)?;
    Ok(Some(value))
}

/// What later versions of RCS may say: up to the semicolon.
fn skip_phrase(lexer: &mut Lexer<'_>) -> Result<(), RcsError> {
    words(lexer).map(drop)
}

/// `2003.05.23.00.17.53`, or with two digits the years of the last century, in seconds since 1970.
fn seconds(date: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(date).ok()?;
    let fields: Vec<i16> = text.split('.').map(|field| field.parse().ok()).collect::<Option<_>>()?;
    let [year, month, day, hour, minute, second] = fields[..] else { return None };
    let year = if year < 100 { year + 1900 } else { year };
    let small = |n: i16| i8::try_from(n).ok();
    // A leap second is the last one of its minute for everybody else.
    let (hour, minute, second) = (small(hour)?, small(minute)?, small(second.min(59))?);
    let date = jiff::civil::DateTime::new(year, small(month)?, small(day)?, hour, minute, second, 0).ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"head\t1.2;\nbranch;\naccess;\nsymbols\n\tv1:1.1 b:1.1.0.2;\nlocks; strict;\ncomment\t@# @;\nexpand\t@b@;\n\n
1.2\ndate\t2003.05.23.00.17.53;\tauthor ada;\tstate Exp;\nbranches;\nnext\t1.1;\ncommitid\tabc;\n\n
1.1\ndate\t99.12.31.23.59.60;\tauthor bob;\tstate dead;\nbranches 1.1.2.1;\nnext\t;\nhardlinks @a;b@ @c@;\n\n
1.1.2.1\ndate\t2000.01.01.00.00.00;\tauthor bob;\tstate Exp;\nbranches;\nnext\t;\n\n
desc\n@@\n\n\n1.2\nlog\n@second\n@\ntext\n@a\n@\n\n\n1.1\nlog\n@fi@@rst\n@\ntext\n@d1 1\n@\n\n1.1.2.1\nlog\n@@\ntext\n@@\n";

    fn number(text: &str) -> Number {
        Number::parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn a_file_is_read() {
        let file = RcsFile::parse(FILE).expect("well-formed");
        assert_eq!((file.head, file.branch, &*file.expand), (Some(number("1.2")), None, &b"b"[..]));
        assert_eq!(file.symbols, [(&b"v1"[..], number("1.1")), (b"b", number("1.1.0.2"))]);
        let newest = &file.deltas[&number("1.2")];
        assert_eq!(
            (newest.seconds, newest.author, newest.commitid.as_deref()),
            (1_053_649_073, &b"ada"[..], Some(&b"abc"[..]))
        );
        let first = &file.deltas[&number("1.1")];
        assert_eq!(
            (first.seconds, first.state, first.log.as_deref()),
            (946_684_799, &b"dead"[..], Some(&b"fi@rst\n"[..]))
        );
        assert_eq!(first.branches, [number("1.1.2.1")]);
    }

    #[test]
    fn a_file_that_ends_early_is_never_taken_for_a_whole_one() {
        for length in 0..FILE.len() {
            let Ok(file) = RcsFile::parse(&FILE[..length]) else { continue };
            let is_whole = file.deltas.values().all(|delta| delta.text.is_some() && delta.log.is_some());
            assert!(!is_whole || length + 1 == FILE.len(), "{length} bytes");
        }
    }
}
