//! The two things that run SQL: a pooled connection, and a transaction on one.
//!
//! Both prepare each statement once per connection. Both give up on a server that does not answer.

use crate::DbError;
use futures_util::future::try_join_all;
use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio_postgres::{Row, types::ToSql};

/// A connection from the pool, for single statements. Goes back when dropped.
pub struct Client {
    pub(crate) inner: deadpool_postgres::Client,
    pub(crate) answer_within: Duration,
}

/// A transaction that [`Db::run_tx`](crate::Db::run_tx) has begun and will end.
pub struct Tx<'t> {
    pub(crate) inner: deadpool_postgres::Transaction<'t>,
    pub(crate) answer_within: Duration,
    /// Set once a statement collided, whatever the caller makes of its error.
    pub(crate) collided: AtomicBool,
}

/// A statement with its values, for [`Tx::pipeline`].
pub struct Statement {
    sql: &'static str,
    params: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Statement {
    /// A statement that has no values yet.
    #[must_use]
    pub fn new(sql: &'static str) -> Self {
        Self { sql, params: Vec::new() }
    }

    /// With the value of its next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl ToSql + Sync + Send + 'static) -> Self {
        self.params.push(Box::new(value));
        self
    }
}

impl Client {
    fn note<T>(&self, result: Result<T, DbError>) -> Result<T, DbError> {
        result
    }
}

impl Tx<'_> {
    /// Says that what was read has changed before it was locked: if the body now returns an error, all of it is done
    /// again, as after a collision that the server noticed.
    pub fn collide(&self) {
        self.collided.store(true, Ordering::Relaxed);
    }

    /// Sends several statements at once; the server runs them one after the other, each with a snapshot of its own.
    /// Returns the rows of each. One round trip instead of many.
    ///
    /// # Errors
    ///
    /// That of the first statement that fails; those after it did nothing.
    pub async fn pipeline(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, DbError> {
        let call = async {
            // All prepared first: preparing takes a round trip of its own and would mix up the order.
            let mut prepared = Vec::with_capacity(statements.len());
            for statement in statements {
                prepared.push(self.inner.prepare_cached(statement.sql).await?);
            }
            let params: Vec<Vec<&(dyn ToSql + Sync)>> =
                statements.iter().map(|one| one.params.iter().map(|param| &**param as _).collect()).collect();
            // A query is sent when it is polled first, and `try_join_all` polls in order.
            let queries = prepared.iter().zip(&params).map(|(statement, params)| self.inner.query(statement, params));
            try_join_all(queries).await
        };
        self.note(within(self.answer_within, call).await)
    }

    pub(crate) fn note<T>(&self, result: Result<T, DbError>) -> Result<T, DbError> {
        if result.as_ref().is_err_and(DbError::is_contention) {
            self.collide();
        }
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
                    let statement = self.inner.prepare_cached(sql).await?;
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
                    let statement = self.inner.prepare_cached(sql).await?;
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
                    let statement = self.inner.prepare_cached(sql).await?;
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
                    let statement = self.inner.prepare_cached(sql).await?;
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
