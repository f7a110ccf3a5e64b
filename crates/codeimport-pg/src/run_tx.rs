//! Named transactions that are tried again when they collide.

use crate::{Db, DbError, Statement, Tx};
use scoped_futures::ScopedBoxFuture;
use std::{
    future::Future,
    time::{Duration, Instant},
};
use tokio_postgres::Row;

/// How often a transaction is tried in all. Collisions are rare here; five in a row mean a design fault, which
/// should be seen and not be waited out.
const MAX_ATTEMPTS: u32 = 5;

/// Longest pause before the second attempt; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// How one attempt ended.
enum Attempt<T, E> {
    Committed(T),
    Collided(E),
    Failed(E),
}

impl Db {
    /// Runs a body in one transaction (READ COMMITTED), commits if it returns a value, rolls back if an error.
    ///
    /// If a statement or the commit collides with another transaction (SQLSTATE 40001, 40P01, 55P03), all of it is
    /// done again, at most five times: so the body must change nothing but the database. If the connection breaks
    /// during the commit, an unavailable error comes back and whether the commit took place is unknown: so the body
    /// must be such that the caller may repeat it.
    ///
    /// `name` is `service.verb`; it names the transaction in metrics and logs.
    ///
    /// # Errors
    ///
    /// What the body returned, or a [`DbError`] of begin or commit.
    pub async fn run_tx<'a, T, E, F>(&self, name: &'static str, body: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t Tx<'t>) -> ScopedBoxFuture<'a, 't, Result<T, E>> + Send + Sync + 'a,
        T: Send + 'a,
        E: From<DbError> + Send + 'a,
    {
        repeat(name, || self.attempt(&body)).await
    }

    /// Runs one statement that is a transaction of its own: no `BEGIN` and no `COMMIT` travels, and the server flushes
    /// its log once it is done. Counted, named and tried again as [`run_tx`](Self::run_tx).
    ///
    /// # Errors
    ///
    /// [`DbError`]; if the connection breaks, whether the statement took effect is unknown.
    pub async fn run_one(&self, name: &'static str, statement: &Statement) -> Result<Vec<Row>, DbError> {
        repeat(name, || self.attempt_one(statement)).await
    }

    async fn attempt_one(&self, statement: &Statement) -> Attempt<Vec<Row>, DbError> {
        let run = async { self.client().await?.run(statement).await };
        match run.await {
            Ok(rows) => Attempt::Committed(rows),
            Err(error) if error.is_contention() => Attempt::Collided(error),
            Err(error) => Attempt::Failed(error),
        }
    }

    async fn attempt<'a, T, E, F>(&self, body: &F) -> Attempt<T, E>
    where
        F: for<'t> Fn(&'t Tx<'t>) -> ScopedBoxFuture<'a, 't, Result<T, E>> + Send + Sync + 'a,
        T: 'a,
        E: From<DbError> + 'a,
    {
        let client = match self.client().await {
            Ok(client) => client,
            Err(error) => return Attempt::Failed(error.into()),
        };
        let tx = Tx::new(&client);
        match body(&tx).await {
            Ok(value) => match tx.commit().await {
                Ok(()) => Attempt::Committed(value),
                Err(error) if error.is_contention() => Attempt::Collided(error.into()),
                Err(error) => Attempt::Failed(error.into()),
            },
            Err(error) => {
                tx.roll_back().await;
                if tx.has_collided() { Attempt::Collided(error) } else { Attempt::Failed(error) }
            }
        }
    }
}

/// Attempts again what has collided, and counts.
async fn repeat<T, E, F>(name: &'static str, attempt: impl Fn() -> F) -> Result<T, E>
where
    F: Future<Output = Attempt<T, E>>,
{
    let started = Instant::now();
    let mut attempts = 0;
    let (result, label) = loop {
        attempts += 1;
        match attempt().await {
            Attempt::Committed(value) => break (Ok(value), "committed"),
            Attempt::Collided(_) if attempts < MAX_ATTEMPTS => {
                tracing::debug!(transaction.name = name, transaction.attempts = attempts, "transaction collided");
                tokio::time::sleep(pause_after(attempts, rand::random())).await;
            }
            Attempt::Collided(error) => break (Err(error), "collided"),
            Attempt::Failed(error) => break (Err(error), "failed"),
        }
    };
    metrics::counter!("codeimport_pg_transactions_total", "name" => name, "result" => label).increment(1);
    metrics::counter!("codeimport_pg_transaction_attempts_total", "name" => name).increment(attempts.into());
    metrics::histogram!("codeimport_pg_transaction_seconds", "name" => name).record(started.elapsed());
    result
}

/// A pause with full jitter, so that two that collided do not meet again.
fn pause_after(attempts: u32, random: u32) -> Duration {
    let longest = FIRST_PAUSE * 2_u32.saturating_pow(attempts - 1);
    longest.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_within_bounds() {
        assert_eq!(pause_after(1, 0), Duration::ZERO);
        assert_eq!(pause_after(1, u32::MAX), FIRST_PAUSE);
        assert_eq!(pause_after(3, u32::MAX), FIRST_PAUSE * 4);
    }
}
