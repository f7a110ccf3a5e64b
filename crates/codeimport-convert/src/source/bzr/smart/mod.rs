//! Where a branch stands, asked without any program: starting `brz` costs a hundred times what the question does.
//!
//! What is not understood is no error: whoever asks then asks `brz`, which knows all that servers ever said, and has words for it.
//!
//! ```text
//!   message   questions and answers                  form only
//!   tcp       bzr://
//!   http      the same by POST; and the files of a branch by GET, which need no server of Bazaar's
//!   folder    the files of a branch on this machine
//! ```

mod folder;
mod http;
pub(super) mod message;
mod tcp;

use super::position::Position;
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::SourceUrl;

/// Where a branch stands; none if it has to be asked in another way.
///
/// # Errors
///
/// That there is nobody to ask: nor would there be for `brz`.
pub(super) fn position(
    url: &SourceUrl,
    options: &SourceOptions,
    watch: &Watch,
) -> Result<Option<Position>, ConvertError> {
    match url.as_str().split(':').next() {
        Some("bzr") => tcp::position(url, options, watch),
        Some("http" | "https") => http::position(url, options, watch),
        _ => Ok(folder::position(url)),
    }
}

/// Asks both questions; none as soon as an answer is not what it should be.
fn ask<E>(
    path: &str,
    mut answer: impl FnMut(&[u8]) -> Result<Option<message::Answer>, E>,
) -> Result<Option<Position>, E> {
    let mut ask = |verb: &str| answer(&message::question(&[verb.as_bytes(), path.as_bytes()]));
    let Some(tip) = ask("Branch.last_revision_info")?.and_then(tip_of) else { return Ok(None) };
    let tags = ask("Branch.get_tags_bytes")?.and_then(tags_of);
    Ok(tags.map(|tags| Position { tip, tags }))
}

/// `ok`, how many revisions there are on the branch's line, and the newest.
fn tip_of(answer: message::Answer) -> Option<Vec<u8>> {
    match <[Vec<u8>; 3]>::try_from(answer.words) {
        Ok([ok, _, tip]) if answer.is_success && ok == b"ok" && is_revision(&tip) => Some(tip),
        _ => None,
    }
}

fn tags_of(answer: message::Answer) -> Option<Vec<u8>> {
    match <[Vec<u8>; 1]>::try_from(answer.words) {
        Ok([tags]) if answer.is_success => Some(tags),
        _ => None,
    }
}

/// The newest revision, from the file that a branch has for it: a number, a space and the name.
fn tip_in_file(text: &[u8]) -> Option<Vec<u8>> {
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    let space = line.iter().position(|b| *b == b' ')?;
    let (number, tip) = (&line[..space], &line[space + 1..]);
    (number.iter().all(u8::is_ascii_digit) && is_revision(tip)).then(|| tip.to_vec())
}

/// Whether it could be the name of a revision.
fn is_revision(name: &[u8]) -> bool {
    !name.is_empty() && !name.iter().any(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_branch_tells_its_newest_revision() {
        assert_eq!(tip_in_file(b"101 ada@x-1").as_deref(), Some(&b"ada@x-1"[..]));
        assert_eq!(tip_in_file(b"0 null:\n").as_deref(), Some(&b"null:"[..]));
        for odd in [&b""[..], b"101", b"<html> page</html>", b"1 a b", b"1 "] {
            assert_eq!(tip_in_file(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn an_answer_that_is_no_position_is_none() {
        let answer = |words: &[&str]| message::Answer {
            is_success: true,
            words: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
        };
        let asked = |tip: &[&str], tags: &[&str]| {
            let mut answers = vec![answer(tags), answer(tip)];
            ask("b/", |_| Ok::<_, ()>(answers.pop())).expect("answered")
        };
        let expected = Position { tip: b"rev".to_vec(), tags: b"de".to_vec() };
        assert_eq!(asked(&["ok", "1", "rev"], &["de"]), Some(expected));
        assert_eq!(asked(&["ok", "1"], &["de"]), None);
        assert_eq!(asked(&["no", "1", "rev"], &["de"]), None);
        assert_eq!(asked(&["ok", "1", "rev"], &[]), None);
    }
}
