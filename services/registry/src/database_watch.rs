//! Tells health whether the database answers: without it, this replica should get no calls.

use codeimport_kit::{Shutdown, server::Health};
use codeimport_pg::Db;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(2);

/// Watches until told to stop.
///
/// # Errors
///
/// Never.
pub(crate) async fn run(db: Db, health: Health, shutdown: Shutdown) -> anyhow::Result<()> {
    let mut able = true;
    loop {
        tokio::select! {
            () = shutdown.drained() => return Ok(()),
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let answers = db.ping().await.is_ok();
        if answers != able {
            able = answers;
            health.set_able(able);
            tracing::warn!(database.answers = able, "readiness follows the database");
        }
    }
}
