//! Brings a schema up to date when a service starts, while the previous binary goes on serving.
//!
//! An advisory lock makes replicas that start together take turns; whoever comes second finds nothing to do. Each
//! migration runs in a transaction of its own, and waits for locks as [`gentle`] says.

mod gentle;

use crate::{Db, DbError};
use gentle::Gentle;
use refinery::Runner;
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

/// First half of the advisory lock's key: "cimp". The second is the schema's hash, so that services don't wait for
/// each other.
const LOCK_SPACE: i32 = 0x6369_6d70;

/// How often a replica looks whether another one has done its migrations.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Db {
    /// Creates the schema if it is missing, and applies what migrations it lacks. The history is kept in the schema
    /// itself.
    ///
    /// # Errors
    ///
    /// [`DbError::Migrate`] if a migration fails, or if one was applied that this program does not know or knows
    /// otherwise: then a newer program has been here, and this one must not run.
    pub async fn migrate(&self, schema: &str, runner: Runner) -> Result<(), DbError> {
        let (mut client, connection) = self.migration_config(schema).connect(NoTls).await?;
        #[expect(clippy::disallowed_methods, reason = "ends with the client below, which this function owns")]
        let connection = tokio::spawn(connection);
        let result = migrate(&mut client, schema, runner).await;
        // The session's end gives the lock back, whatever happened.
        drop(client);
        match connection.await {
            Ok(ended) => result.and(ended.map_err(DbError::from)),
            Err(_panicked) => result,
        }
    }

    /// A connection of its own: what migrations set must not leak into the pool, and they may take as long as they
    /// need.
    fn migration_config(&self, schema: &str) -> tokio_postgres::Config {
        let mut config = self.server.clone();
        config.application_name(format!("codeimport-migrate-{schema}"));
        config.options(format!("-c search_path={schema} -c statement_timeout=0 -c TimeZone=UTC {}", gentle::OPTIONS));
        config
    }
}

async fn migrate(client: &mut Client, schema: &str, mut runner: Runner) -> Result<(), DbError> {
    wait_for_turn(client, schema).await?;
    create_schema(client, schema).await?;
    runner.set_migration_table_name("migration_history");
    // It logs each migration that it applies.
    let runner = runner.set_abort_divergent(true).set_abort_missing(true);
    runner.run_async(&mut Gentle(client)).await.map_err(Box::new)?;
    Ok(())
}

/// Asks for the lock again and again. A statement that stood waiting for it would be a transaction that lasts, and an
/// index that the other replica builds concurrently waits for the end of every such one: both would wait for ever.
async fn wait_for_turn(client: &Client, schema: &str) -> Result<(), DbError> {
    let ask = "-- pg.lock_migrations\nSELECT pg_try_advisory_lock($1, hashtext($2))";
    while !client.query_one(ask, &[&LOCK_SPACE, &schema]).await?.get::<_, bool>(0) {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Asks first: `IF NOT EXISTS` needs the right to create even where there is nothing to create, and in production
/// the schema is made by `migrations/roles.sql`.
async fn create_schema(client: &Client, schema: &str) -> Result<(), DbError> {
    let exists: bool =
        client.query_one("-- pg.schema_exists\nSELECT to_regnamespace($1) IS NOT NULL", &[&schema]).await?.get(0);
    if !exists {
        client.batch_execute(&format!("-- pg.create_schema\nCREATE SCHEMA {schema}")).await?;
    }
    Ok(())
}
