//! PostgreSQL as codeimport uses it.
//!
//! - [`Db`] is a pool that survives a restart of its server: broken connections are replaced, and callers meanwhile
//!   get an error for which [`DbError::is_unavailable`] holds, after a bounded time.
//! - [`Db::run_tx`] runs a named transaction, again if it collided with another one.
//! - [`Db::migrate`] brings a schema up to date, safely when several replicas start together and while an older one serves.
//! - [`Embedded`] is a real server of one's own, from the machine's PostgreSQL, that needs no set-up.
//! - `test_util` (feature `test-util`) gives each test a database of its own.
//!
//! What it does not do: know any table. All SQL of a service is in that service's `store`.

mod client;
mod copy;
mod db;
mod embedded;
mod error;
mod migrate;
pub mod row;
mod run_tx;
#[cfg(feature = "test-util")]
pub mod test_util;
mod tx;

pub use client::Client;
pub use copy::CopyRows;
pub use db::{Db, PoolConfig};
pub use embedded::{Embedded, EmbeddedError};
pub use error::DbError;
pub use refinery::{Migration, Runner};
pub use tokio_postgres::{Row, types::ToSql};
pub use tx::{Statement, Tx};
