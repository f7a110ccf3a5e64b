//! A transaction on a pooled connection, with as few round trips as it can do with.
//!
//! `BEGIN` is sent with the first statement or before it, `COMMIT` with the last or after it. What is dropped before its
//! end is rolled back.

use crate::{Client, DbError, client::within};
use deadpool_postgres::ClientWrapper;
use futures_util::{
    FutureExt as _,
    future::{try_join, try_join_all, try_join3},
};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio_postgres::{Error, Row, types::ToSql};

/// A transaction that [`Db::run_tx`](crate::Db::run_tx) has begun and will end.
pub struct Tx<'t> {
    pub(crate) inner: &'t ClientWrapper,
    pub(crate) answer_within: Duration,
    /// Whether `BEGIN` was sent, and whether `COMMIT` or `ROLLBACK`.
    begun: AtomicBool,
    ended: AtomicBool,
    /// Set once a statement collided, whatever the caller makes of its error.
    collided: AtomicBool,
}

/// A statement with its values, for [`Tx::pipeline`] and [`Db::run_one`](crate::Db::run_one).
pub struct Statement {
    pub(crate) sql: &'static str,
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

    pub(crate) fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.params.iter().map(|param| &**param as _).collect()
    }
}

/// A statement as the server knows it.
struct Prepared<'s> {
    statement: tokio_postgres::Statement,
    params: Vec<&'s (dyn ToSql + Sync)>,
}

impl<'t> Tx<'t> {
    /// Sends nothing yet.
    pub(crate) fn new(client: &'t Client) -> Self {
        let (begun, ended, collided) = Default::default();
        Self { inner: &client.inner, answer_within: client.answer_within, begun, ended, collided }
    }

    /// Sends several statements at once; the server runs them one after the other, each with a snapshot of its own.
    /// Returns the rows of each. One round trip instead of many.
    ///
    /// # Errors
    ///
    /// That of the first statement that fails; those after it did nothing.
    pub async fn pipeline(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, DbError> {
        let call = async {
            let prepared = self.prepare_all(statements).await?;
            self.begin().await?;
            self.send(&prepared).await
        };
        self.note(within(self.answer_within, call).await)
    }

    /// [`pipeline`](Self::pipeline) for the first statements of a transaction: they travel with its `BEGIN`.
    ///
    /// Should the server refuse that one (it was told to cancel in this very moment), each of them is a transaction of
    /// its own: the call fails, but what they did stays. So only statements that read and lock, or that make sure
    /// themselves that they run in a transaction.
    ///
    /// # Errors
    ///
    /// As [`pipeline`](Self::pipeline).
    pub async fn begin_with(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, DbError> {
        let call = async {
            let prepared = self.prepare_all(statements).await?;
            try_join(self.begin(), self.send(&prepared)).await.map(|((), rows)| rows)
        };
        self.note(within(self.answer_within, call).await)
    }

    /// [`pipeline`](Self::pipeline) for the last statements of a transaction: its `COMMIT` travels with them. If any
    /// of them fails, the server rolls back. After this the body must return, and must not fail.
    ///
    /// # Errors
    ///
    /// As [`pipeline`](Self::pipeline), or that of the commit.
    pub async fn commit_with(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, DbError> {
        let call = async {
            let prepared = self.prepare_all(statements).await?;
            self.begin().await?;
            try_join(self.send(&prepared), self.end("COMMIT")).await.map(|(rows, ())| rows)
        };
        self.note(within(self.answer_within, call).await)
    }

    /// A whole transaction in one round trip: [`begin_with`](Self::begin_with) and
    /// [`commit_with`](Self::commit_with) at once, with the conditions of both.
    ///
    /// # Errors
    ///
    /// As those.
    pub async fn run_whole(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, DbError> {
        let call = async {
            let prepared = self.prepare_all(statements).await?;
            try_join3(self.begin(), self.send(&prepared), self.end("COMMIT")).await.map(|((), rows, ())| rows)
        };
        self.note(within(self.answer_within, call).await)
    }

    /// Says that what was read has changed before it was locked: if the body now returns an error, all of it is done
    /// again, as after a collision that the server noticed.
    pub fn collide(&self) {
        self.collided.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_collided(&self) -> bool {
        self.collided.load(Ordering::Relaxed)
    }

    pub(crate) async fn commit(&self) -> Result<(), DbError> {
        self.note(within(self.answer_within, self.end("COMMIT")).await)
    }

    /// That this fails is no news: then the connection is broken, and the server rolls back by itself.
    pub(crate) async fn roll_back(&self) {
        let _ = within(self.answer_within, self.end("ROLLBACK")).await;
    }

    /// Once; nothing more after that.
    async fn begin(&self) -> Result<(), Error> {
        match self.begun.swap(true, Ordering::Relaxed) {
            false => self.inner.batch_execute("BEGIN").await,
            true => Ok(()),
        }
    }

    /// Once, and if it was begun at all.
    async fn end(&self, sql: &'static str) -> Result<(), Error> {
        match self.begun.load(Ordering::Relaxed) && !self.ended.swap(true, Ordering::Relaxed) {
            true => self.inner.batch_execute(sql).await,
            false => Ok(()),
        }
    }

    /// Preparing takes a round trip of its own and would mix up the order: so all of it comes first.
    async fn prepare_all<'s>(&self, statements: &'s [Statement]) -> Result<Vec<Prepared<'s>>, Error> {
        let mut prepared = Vec::with_capacity(statements.len());
        for one in statements {
            let statement = self.inner.prepare_cached(one.sql).await?;
            prepared.push(Prepared { statement, params: one.params() });
        }
        Ok(prepared)
    }

    /// A request is sent when it is polled first, and those joined are polled in their order.
    async fn send(&self, prepared: &[Prepared<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        try_join_all(prepared.iter().map(|one| self.inner.query(&one.statement, &one.params))).await
    }

    /// As all calls need it that send one statement.
    pub(crate) async fn prepare(&self, sql: &str) -> Result<tokio_postgres::Statement, Error> {
        self.begin().await?;
        self.inner.prepare_cached(sql).await
    }

    pub(crate) fn note<T>(&self, result: Result<T, DbError>) -> Result<T, DbError> {
        if result.as_ref().is_err_and(DbError::is_contention) {
            self.collide();
        }
        result
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        // Polled once it is sent; nobody waits for the answer. Whoever gets the connection next comes behind it.
        let _ = self.end("ROLLBACK").now_or_never();
    }
}
