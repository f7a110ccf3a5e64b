//! What can go wrong between us and the database, and who may try again.

use deadpool_postgres::PoolError;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// A database call failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The URL is none that can be connected to.
    #[error("database URL is not valid: {0}")]
    Url(String),
    /// No connection was to be had in time.
    #[error("database cannot be reached")]
    Connect(#[source] PoolError),
    /// The server said no, or the connection broke.
    #[error("database call failed")]
    Call(#[from] tokio_postgres::Error),
    /// The server did not answer in time. Whether the call took effect is unknown.
    #[error("database did not answer within {0:?}")]
    NoAnswer(Duration),
    /// A value is stored that this program cannot read: another version wrote it.
    #[error("column {column} holds a value that cannot be read: {reason}")]
    Decode {
        /// The column.
        column: &'static str,
        /// What is wrong with the value.
        reason: String,
    },
    /// A migration failed, or the schema is newer than this program.
    #[error("schema could not be migrated")]
    Migrate(#[from] Box<refinery::Error>),
}

/// The classes of SQLSTATE that this crate tells apart (PostgreSQL manual, appendix A).
const CONTENTION: [SqlState; 3] =
    [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE];
const UNAVAILABLE: [SqlState; 9] = [
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::TOO_MANY_CONNECTIONS,
    // The statement time-out: the server is there but does not get through.
    SqlState::QUERY_CANCELED,
    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    SqlState::CONNECTION_EXCEPTION,
    SqlState::CONNECTION_FAILURE,
    SqlState::CONNECTION_DOES_NOT_EXIST,
];

impl DbError {
    /// A stored value that cannot be read.
    #[must_use]
    pub fn decode(column: &'static str, reason: &impl ToString) -> Self {
        Self::Decode { column, reason: reason.to_string() }
    }

    /// Whether the database is away: try again later, with what was said unchanged.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Connect(_) | Self::NoAnswer(_) => true,
            // Without an SQLSTATE and not about a value: the connection broke.
            Self::Call(error) => match error.code() {
                Some(code) => UNAVAILABLE.contains(code),
                None => error.is_closed() || is_io(error),
            },
            Self::Url(_) | Self::Decode { .. } | Self::Migrate(_) => false,
        }
    }

    /// Whether another transaction was in the way: the same call may well succeed at once.
    #[must_use]
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Call(error) if is_contention(error))
    }

    /// The name of the unique constraint that the call would have broken, if that is what went wrong.
    #[must_use]
    pub fn unique_violation(&self) -> Option<&str> {
        let Self::Call(error) = self else { return None };
        error.as_db_error().filter(|db| *db.code() == SqlState::UNIQUE_VIOLATION)?.constraint()
    }
}

/// Whether a statement failed because another transaction was in its way.
pub(crate) fn is_contention(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| CONTENTION.contains(code))
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        if source.is::<std::io::Error>() {
            return true;
        }
        cause = source.source();
    }
    false
}
