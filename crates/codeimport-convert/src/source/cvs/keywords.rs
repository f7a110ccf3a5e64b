//! Keywords as `cvs export -kk` shows them: `$Id: f,v 1.2 …$` is `$Id$`. Pure.
//!
//! What is stored holds the values of the revision *before*, so the raw text would change with every commit in places that
//! nobody edited. `$Log$` is no value but a place where CVS puts the log message in, when a text is shown; later texts have
//! it stored. So it is put in here, too: what CVS shows is what Git gets.

use std::borrow::Cow;

/// What CVS expands, in any mode. `Mdocdate` is known to later servers only.
const KEYWORDS: [&[u8]; 13] = [
    b"Author",
    b"CVSHeader",
    b"Date",
    b"Header",
    b"Id",
    b"Locker",
    LOG,
    b"Mdocdate",
    b"Name",
    b"RCSfile",
    b"Revision",
    b"Source",
    b"State",
];

const LOG: &[u8] = b"Log";

/// Longest text in front of `$Log$` with which CVS puts the message in.
const MAX_LEADER: usize = 20;

/// What `$Log$` tells of a revision.
pub(super) struct LogEntry<'a> {
    pub(super) number: String,
    pub(super) seconds: i64,
    pub(super) author: &'a [u8],
    pub(super) message: &'a [u8],
}

/// A text without the values of keywords.
pub(super) fn collapse<'t>(text: &'t [u8], entry: &LogEntry<'_>) -> Cow<'t, [u8]> {
    let mut collapsed = Vec::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = text[at..].iter().position(|b| *b == b'$') {
        at += found + 1;
        let Some((name, end)) = keyword_at(text, at) else { continue };
        let name_end = at + name.len();
        if name == LOG
            && let Some(leader) = leader(text, at - 1)
        {
            collapsed.extend_from_slice(&text[copied..name_end]);
            push_entry(&mut collapsed, leader, entry);
            at = end + 1;
            copied = at;
        } else {
            collapsed.extend_from_slice(&text[copied..name_end]);
            // The dollar at the end may begin the next one, as it does for CVS.
            at = end;
            copied = end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    collapsed.extend_from_slice(&text[copied..]);
    Cow::Owned(collapsed)
}

/// The keyword whose name begins here, and where the dollar at its end is.
fn keyword_at(text: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = &text[at..];
    let length = rest.iter().take(MAX_NAME + 1).position(|b| !b.is_ascii_alphabetic())?;
    let name = KEYWORDS.into_iter().find(|name| *name == &rest[..length])?;
    match rest[length] {
        b'$' => Some((name, at + length)),
        b':' => {
            let end = rest.iter().position(|b| matches!(b, b'$' | b'\n'))?;
            (rest[end] == b'$').then_some((name, at + end))
        }
        _ => None,
    }
}

/// Length of the longest name.
const MAX_NAME: usize = 9;

/// The text between the begin of the line and the dollar, if CVS repeats it.
fn leader(text: &[u8], dollar: usize) -> Option<&[u8]> {
    let nearby = &text[dollar.saturating_sub(MAX_LEADER + 1)..dollar];
    let leader = match nearby.iter().rposition(|b| *b == b'\n') {
        Some(end) => &nearby[end + 1..],
        None => nearby,
    };
    (leader.len() <= MAX_LEADER).then_some(leader)
}

fn push_entry(text: &mut Vec<u8>, leader: &[u8], entry: &LogEntry<'_>) {
    let trimmed = leader.trim_ascii_end();
    text.extend_from_slice(b"$\n");
    text.extend_from_slice(leader);
    text.extend_from_slice(format!("Revision {}  {}  ", entry.number, date(entry.seconds)).as_bytes());
    text.extend_from_slice(entry.author);
    text.push(b'\n');
    for line in entry.message.split_inclusive(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        text.extend_from_slice(if line.is_empty() { trimmed } else { leader });
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.extend_from_slice(trimmed);
}

fn date(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%Y/%m/%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collapsed(text: &str, message: &str) -> String {
        let entry =
            LogEntry { number: "1.1".to_owned(), seconds: 1_041_379_203, author: b"ada", message: message.as_bytes() };
        String::from_utf8(collapse(text.as_bytes(), &entry).into_owned()).expect("text")
    }

    /// Each as Debian's CVS shows it.
    #[test]
    fn values_go_where_cvs_lets_them_go() {
        let cases = [
            ("$Id: x 1.1$Id: y$\n$Id$Author: b$", "$Id$Id$\n$Id$Author$"),
            (
                "$Foo: x$ $Mdocdate: x$ $CVSHeader: a$ $Locker:$ $Date:\n",
                "$Foo: x$ $Mdocdate$ $CVSHeader$ $Locker$ $Date:\n",
            ),
            ("$RCSfile x$ $$Id: x$ $Id::x$ $id: x$ $IdX: x$", "$RCSfile x$ $$Id$ $Id$ $id: x$ $IdX: x$"),
            ("nothing $", "nothing $"),
            ("$Id", "$Id"),
        ];
        for (text, expected) in cases {
            assert_eq!(collapsed(text, ""), expected);
        }
    }

    #[test]
    fn a_log_message_stands_where_cvs_puts_it() {
        let revision = "Revision 1.1  2003/01/01 00:00:03  ada\n";
        let cases = [
            (" * $Log: f,v $\n * x\n", "one\n\ntwo  \n", " * $Log$\n * @ * one\n *\n * two  \n *\n * x\n"),
            ("/* $Log$ */ tail\nnext\n", "one\n\n\n", "/* $Log$\n/* @/* one\n/*\n/*\n/* */ tail\nnext\n"),
            (
                "12345678901234567890$Log$ x\n",
                "one",
                "12345678901234567890$Log$\n12345678901234567890@12345678901234567890one\n12345678901234567890 x\n",
            ),
            ("123456789012345678901$Log: a$ x\n", "one\n", "123456789012345678901$Log$ x\n"),
            ("$Id: x$ $Log$\n", "one\n", "$Id$ $Log$\n$Id: x$ @$Id: x$ one\n$Id: x$\n"),
            ("\t$Log: u$", "", "\t$Log$\n\t@"),
            ("# $Log$\n", "with $Id: x$ in\n", "# $Log$\n# @# with $Id: x$ in\n#\n"),
            ("# $Log$Log$ y\n", "one\n", "# $Log$\n# @# one\n#Log$ y\n"),
            ("# $Log$\r\n", "one\r\n", "# $Log$\n# @# one\r\n#\r\n"),
        ];
        for (text, message, expected) in cases {
            assert_eq!(collapsed(text, message), expected.replace('@', revision), "{text}");
        }
    }
}
