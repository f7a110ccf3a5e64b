//! Applies one migration without holding up those who use its tables.
//!
//! A statement that waits for an exclusive lock stops everybody who comes after it, readers too, for as long as the
//! oldest transaction on that table lasts. So a migration waits for a moment only; then it gives way to those who queued
//! up behind it, and is tried again from its start. It is a transaction, so a try that failed has changed nothing.
//!
//! What cannot run in a transaction (`CREATE INDEX CONCURRENTLY`) says so in its file with a line of its own:
//!
//! ```sql
//! -- migrate: outside a transaction
//! DROP INDEX CONCURRENTLY IF EXISTS job_by_owner;
//! CREATE INDEX CONCURRENTLY job_by_owner ON job (owner);
//! ```
//!
//! Its statements end at a line's end and run one by one. It counts as applied when all of them have run: one that was
//! cut off in the middle begins anew, so it must first clear away what an earlier try may have left.

use crate::error::is_contention;
use refinery::Migration;
use refinery_core::{
    AsyncMigrate,
    traits::r#async::{AsyncQuery, AsyncTransaction},
};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Error};

/// How a migration's session is opened. Half a second is a tenth of what services wait for a lock before they fail
/// ([`PoolConfig::lock_timeout`](crate::PoolConfig)).
pub(super) const OPTIONS: &str = "-c lock_timeout=500ms";

/// How long others have the tables for themselves between two tries; with jitter of the same size on top.
const GIVE_WAY: Duration = Duration::from_millis(500);

/// How long a migration is tried before the service's start fails: somebody holds a table who should not.
const PATIENCE: Duration = Duration::from_secs(600);

/// The line that marks a migration that cannot run in a transaction.
const OUTSIDE: &str = "-- migrate: outside a transaction";

/// A session that applies migrations.
pub(super) struct Gentle<'c>(pub(super) &'c mut Client);

impl Gentle<'_> {
    /// All of it or nothing: a text of several statements is one transaction (PostgreSQL manual, 55.2.2.1).
    async fn apply_whole(&self, queries: &[&str]) -> Result<(), Error> {
        let text = queries.join("\n;\n");
        let began = Instant::now();
        loop {
            match self.0.batch_execute(&text).await {
                Err(error) if is_contention(&error) && began.elapsed() < PATIENCE => give_way(&error).await,
                ended => return ended,
            }
        }
    }

    /// Without a limit to waiting: what may run outside a transaction takes no lock that stops readers or writers.
    async fn apply_in_steps(&self, migration: &str) -> Result<(), Error> {
        self.0.batch_execute("-- pg.wait_for_locks\nSET lock_timeout = 0").await?;
        for statement in migration.split_inclusive(";\n") {
            self.0.batch_execute(statement).await?;
        }
        self.0.batch_execute("-- pg.wait_no_longer\nRESET lock_timeout").await
    }
}

async fn give_way(error: &Error) {
    let pause = GIVE_WAY + GIVE_WAY.mul_f64(rand::random());
    tracing::info!(error = error as &dyn std::error::Error, "migration gives way to those who use its tables");
    tokio::time::sleep(pause).await;
}

impl AsyncTransaction for Gentle<'_> {
    type Error = Error;

    /// `queries` are a migration and the line of the history that records it.
    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(&'a mut self, queries: T) -> Result<usize, Error> {
        let queries: Vec<&str> = queries.collect();
        match queries.split_first() {
            Some((migration, record)) if migration.lines().any(|line| line == OUTSIDE) => {
                self.apply_in_steps(migration).await?;
                self.apply_whole(record).await?;
            }
            _ => self.apply_whole(&queries).await?,
        }
        Ok(queries.len())
    }
}

impl AsyncQuery<Vec<Migration>> for Gentle<'_> {
    async fn query<'a>(&'a mut self, query: &'a str) -> Result<Vec<Migration>, Error> {
        AsyncQuery::query(self.0, query).await
    }
}

impl AsyncMigrate for Gentle<'_> {}
