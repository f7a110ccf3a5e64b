//! What can be wrong with a dump stream.

/// Why a dump stream cannot be read on. `at` is the offset in bytes of the record concerned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DumpError {
    /// The stream cannot be read: the program that writes it, or the connection, is gone.
    #[error("dump stream broke off at byte {at}")]
    Io {
        /// Where.
        at: u64,
        /// Why.
        source: std::io::Error,
    },
    /// The stream ends inside a record.
    #[error("dump stream ends inside the record at byte {at}")]
    Truncated {
        /// Where the record begins.
        at: u64,
    },
    /// A record that breaks the format.
    #[error("dump stream is damaged at byte {at}: {problem}")]
    Malformed {
        /// Where the record begins.
        at: u64,
        /// What is wrong with it.
        problem: String,
    },
}
