//! What can be wrong with a stream of history.

use crate::ConvertError;

/// Why a stream of history cannot be read on. `at` is the offset in bytes of the record concerned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// The stream cannot be read: the program that writes it is gone, or the connection.
    #[error("the stream broke off at byte {at}")]
    Io {
        /// Where.
        at: u64,
        /// Why.
        source: std::io::Error,
    },
    /// The stream ends inside a record.
    #[error("the stream ends inside the record at byte {at}")]
    Truncated {
        /// Where the record begins.
        at: u64,
    },
    /// A record that breaks the format.
    #[error("the stream is damaged at byte {at}: {problem}")]
    Malformed {
        /// Where the record begins.
        at: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The server says why not, in the form of Subversion's programs: `E160013: words`.
    #[error("the server says {words}")]
    Refused {
        /// What it says.
        words: String,
    },
    /// The server's failure, or the connection's, with its outcome.
    #[error("{0}")]
    Failed(Box<ConvertError>),
}
