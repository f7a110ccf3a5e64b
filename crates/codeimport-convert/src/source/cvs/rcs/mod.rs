//! RCS files (`,v`): what CVS keeps of one file. Form only; what it means is said elsewhere.
//!
//! ```text
//!   number   1.2.4.1, and what follows from it      pure
//!   lexer    words and @strings@                    pure
//!   parse    a file's admin part, revisions, deltas pure
//!   delta    one text from the one before           pure
//!   texts    all texts of a file in one pass        pure
//! ```
//!
//! Everything here reads bytes that come from outside: it is total, and linear in the file (texts: in what is asked for).

mod delta;
mod lexer;
mod number;
mod parse;
mod texts;

pub(super) use number::Number;
pub(super) use parse::RcsFile;

/// Why a `,v` file cannot be read. Whoever knows the file's name adds it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum RcsError {
    /// Ends in the middle.
    #[error("it ends in the middle (of {0})")]
    Truncated(&'static str),
    /// Something else is where a part must be.
    #[error("at byte {at} there is no {expected}")]
    Unexpected {
        /// What must be there.
        expected: &'static str,
        /// Where.
        at: usize,
    },
    /// A revision that is spoken of and not there.
    #[error("revision {0} is missing")]
    MissingRevision(Number),
    /// A revision without text.
    #[error("the text of revision {0} is missing")]
    MissingText(Number),
    /// A revision whose text cannot be worked out.
    #[error("the text of revision {0} cannot be worked out: its delta does not fit")]
    BadDelta(Number),
    /// A revision that leads back to itself.
    #[error("revision {0} comes after itself")]
    Circle(Number),
}
