//! What runs SQL: a pooled connection, and the calls that it shares with a transaction on one.
//!
//! Both prepare each statement once per connection. Both give up on a server that does not answer.

use crate::{DbError, Statement, Tx};
use std::{future::Future, time::Duration};
use tokio_postgres::{Error, Row, types::ToSql};

/// A connection from the pool, for single statements. Goes back when dropped.
pub struct Client {
    pub(crate) inner: deadpool_postgres::Client,
    pub(crate) answer_within: Duration,
}

impl Client {
    async fn prepare(&self, sql: &str) -> Result<tokio_postgres::Statement, Error> {
        self.inner.prepare_cached(sql).await
    }

    /// Runs a statement with its values; returns its rows.
    pub(crate) async fn run(&self, statement: &Statement) -> Result<Vec<Row>, DbError> {
        self.query(statement.sql, &statement.params()).await
    }

    fn note<T>(&self, result: Result<T, DbError>) -> Result<T, DbError> {
        result
    }
}

/// The same four calls for both.
macro_rules! sql_calls {
    ($type:ty) => {
        impl $type {
            /// Returns all rows.
            ///
            /// # Errors
            ///
            /// [`DbError`] as the server or the connection has it.
            pub async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, DbError> {
                let call = async {
                    let statement = self.prepare(sql).await?;
                    self.inner.query(&statement, params).await
                };
                self.note(within(self.answer_within, call).await)
            }

            /// Returns the only row.
            ///
            /// # Errors
            ///
            /// As [`query`](Self::query), and if there is not exactly one row.
            pub async fn query_one(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row, DbError> {
                let call = async {
                    let statement = self.prepare(sql).await?;
                    self.inner.query_one(&statement, params).await
                };
                self.note(within(self.answer_within, call).await)
            }

            /// Returns the only row, if there is one.
            ///
            /// # Errors
            ///
            /// As [`query`](Self::query), and if there is more than one row.
            pub async fn query_opt(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, DbError> {
                let call = async {
                    let statement = self.prepare(sql).await?;
                    self.inner.query_opt(&statement, params).await
                };
                self.note(within(self.answer_within, call).await)
            }

            /// Runs a statement and returns how many rows it touched.
            ///
            /// # Errors
            ///
            /// As [`query`](Self::query).
            pub async fn execute(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, DbError> {
                let call = async {
                    let statement = self.prepare(sql).await?;
                    self.inner.execute(&statement, params).await
                };
                self.note(within(self.answer_within, call).await)
            }
        }
    };
}
sql_calls!(Client);
sql_calls!(Tx<'_>);

/// Gives up on a server that is silent. The server's own time-outs come first; this is for one that is frozen or
/// behind a dead network.
pub(crate) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, DbError> {
    match tokio::time::timeout(limit, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(DbError::NoAnswer(limit)),
    }
}
