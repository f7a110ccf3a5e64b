//! Makes database, roles and schemas in a server of one's own: the same file that an administrator runs in
//! production.

use super::Embedded;
use crate::{Db, DbError, PoolConfig};
use tokio_postgres::{Client, NoTls};

const ROLES: &str = include_str!("../../../../migrations/roles.sql");

pub(super) async fn provision(server: &Embedded) -> Result<(), DbError> {
    let client = connect(&server.url_of("postgres", "postgres")).await?;
    let exists = "-- pg.database_exists\nSELECT FROM pg_database WHERE datname = 'codeimport'";
    if client.query_opt(exists, &[]).await?.is_none() {
        client.batch_execute("-- pg.create_database\nCREATE DATABASE codeimport").await?;
    }
    connect(&server.url()).await?.batch_execute(ROLES).await?;
    Ok(())
}

/// A single connection, for what cannot be done through a pool: its task ends when the client is dropped.
pub(crate) async fn connect(url: &str) -> Result<Client, DbError> {
    let mut config = Db::connect(url, PoolConfig { schema: None, ..PoolConfig::for_service("admin") })?.server;
    // Setting up may wait for a checkpoint or a copy of a database, which no statement time-out should cut.
    config.options("");
    let (client, connection) = config.connect(NoTls).await?;
    #[expect(clippy::disallowed_methods, reason = "ends with the client that is returned")]
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "administrative connection ended with an error");
        }
    });
    Ok(client)
}
