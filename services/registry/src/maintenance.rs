//! The loop that nobody waits for: takes old entries out of the audit trail, and seals secrets anew after a key was added.
//!
//! May stop anywhere and begin again; what it has not done, the next round does.

use crate::{credential::KeyRing, store::Store};
use codeimport_kit::Shutdown;
use codeimport_pg::DbError;
use jiff::Timestamp;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(3600);
/// So many secrets are sealed anew between two looks at the clock.
const BATCH: i64 = 100;

/// What is kept of the audit trail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// Entries younger than this are kept.
    pub keep_for: Duration,
    /// And so are this many of the newest results of each import, however old: who counts failures in a row must find
    /// all of them.
    pub kept_results: i64,
}

/// The loop of one process.
pub struct Maintenance {
    store: Store,
    keys: KeyRing,
    retention: Retention,
}

impl Maintenance {
    /// Over a store, with the keys that seal.
    #[must_use]
    pub fn new(store: Store, keys: KeyRing, retention: Retention) -> Self {
        Self { store, keys, retention }
    }

    /// Goes round until told to stop.
    ///
    /// # Errors
    ///
    /// Never; what fails is tried in the next round.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        while !shutdown.is_draining() {
            tokio::select! {
                () = shutdown.drained() => break,
                () = self.round() => {}
            }
        }
        Ok(())
    }

    async fn round(&self) {
        if let Err(error) = self.reseal().await {
            tracing::warn!(error.cause = %error, "secrets are not sealed anew yet: trying again later");
        }
        match self.prune(Timestamp::now()).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(events.deleted = deleted, "old entries of the audit trail are gone"),
            Err(error) => tracing::warn!(error.cause = %error, "the audit trail is not pruned: trying again later"),
        }
        tokio::time::sleep(INTERVAL).await;
    }

    /// Deletes what is too old by this clock, and tells how much it was.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn prune(&self, now: Timestamp) -> Result<u64, DbError> {
        let before = now.checked_sub(self.retention.keep_for).unwrap_or(Timestamp::MIN);
        let (mut after, mut deleted) = (0, 0);
        loop {
            let pruned = self.store.prune_events(after, before, self.retention.kept_results).await?;
            deleted += pruned.deleted;
            match pruned.last_event_id {
                Some(last) => after = last,
                None => return Ok(deleted),
            }
        }
    }

    /// Seals everything with the first key.
    ///
    /// # Errors
    ///
    /// Only of the database. A secret whose key is not here stays as it is.
    pub async fn reseal(&self) -> Result<(), DbError> {
        let Some(key_id) = self.keys.sealing_key_id() else { return Ok(()) };
        loop {
            let mut resealed = 0;
            for (id, version, old) in self.store.sealed_by_other_keys(key_id, BATCH).await? {
                let login = self.keys.open(&id, version, &old);
                let Some(sealed) = login.and_then(|login| self.keys.seal(&id, version, &login)) else { continue };
                self.store.reseal_credential(&id, version, &sealed).await?;
                resealed += 1;
            }
            if resealed == 0 {
                return Ok(());
            }
            tracing::info!(credentials.resealed = resealed, "secrets are sealed with the first key now");
        }
    }
}
