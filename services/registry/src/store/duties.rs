//! Who has which duty.

use super::{Store, rows::to_milliseconds};
use codeimport_pg::DbError;
use std::time::Duration;
use uuid::Uuid;

impl Store {
    /// Takes a duty, or keeps it, for so long from now; false if another process has it.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn take_duty(&self, name: &str, holder: Uuid, ttl: Duration) -> Result<bool, DbError> {
        const SQL: &str = "-- registry.take_duty
            INSERT INTO duty (name, holder, expires_at)
            VALUES ($1, $2, now() + $3::bigint * interval '1 millisecond')
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
             WHERE duty.holder = excluded.holder OR duty.expires_at <= now()";
        let taken = self.db.client().await?.execute(SQL, &[&name, &holder, &to_milliseconds(ttl)]).await?;
        Ok(taken == 1)
    }

    /// Gives a duty up, so that others need not wait for it.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn leave_duty(&self, name: &str, holder: Uuid) -> Result<(), DbError> {
        const SQL: &str = "-- registry.leave_duty\nDELETE FROM duty WHERE name = $1 AND holder = $2";
        self.db.client().await?.execute(SQL, &[&name, &holder]).await.map(drop)
    }
}
