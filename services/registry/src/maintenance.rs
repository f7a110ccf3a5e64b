//! The loop that nobody waits for: takes old entries out of audit trail and delivery logs, and seals secrets anew after a key
//! was added.
//!
//! May stop anywhere and begin again; what it has not done, the next round does.

use crate::{key_ring::KeyRing, store::Store, work::Work};
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

    /// Deletes what is too old by this clock, and tells how much it was.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn prune(&self, now: Timestamp) -> Result<u64, DbError> {
        let before = self.kept_since(now);
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

    /// Deletes deliveries that are over and too old by this clock, and tells how many they were.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn prune_deliveries(&self, now: Timestamp) -> Result<u64, DbError> {
        let before = self.kept_since(now);
        let mut deleted = 0;
        loop {
            match self.store.prune_deliveries(before).await? {
                0 => return Ok(deleted),
                some => deleted += some,
            }
        }
    }

    /// Deletes what runs changed so long ago, but for the last change of each import, and tells how many they were.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn prune_swaps(&self, now: Timestamp) -> Result<u64, DbError> {
        let before = self.kept_since(now);
        let mut deleted = 0;
        loop {
            match self.store.prune_swaps(before).await? {
                0 => return Ok(deleted),
                some => deleted += some,
            }
        }
    }

    /// Deletes what was told so long ago of credentials and webhooks, and tells how much it was.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn prune_owned_events(&self, now: Timestamp) -> Result<u64, DbError> {
        let before = self.kept_since(now);
        let mut deleted = 0;
        loop {
            match self.store.prune_owned_events(before).await? {
                0 => return Ok(deleted),
                some => deleted += some,
            }
        }
    }

    fn kept_since(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.retention.keep_for).unwrap_or(Timestamp::MIN)
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
            for (place, old) in self.store.sealed_by_other_keys(key_id, BATCH).await? {
                let bound_to = place.bound_to();
                let secret = self.keys.open(&bound_to, &old);
                let Some(new) = secret.and_then(|secret| self.keys.seal(&bound_to, &secret)) else { continue };
                self.store.reseal(&place, &old, &new).await?;
                resealed += 1;
            }
            if resealed == 0 {
                return Ok(());
            }
            tracing::info!(secrets.resealed = resealed, "secrets are sealed with the first key now");
        }
    }
}

impl Work for Maintenance {
    type Interruption = DbError;

    async fn pass(&mut self) -> Result<(), DbError> {
        self.reseal().await?;
        let now = Timestamp::now();
        let of_imports = self.prune(now).await? + self.prune_swaps(now).await?;
        let deleted = of_imports + self.prune_deliveries(now).await? + self.prune_owned_events(now).await?;
        if deleted > 0 {
            tracing::info!(rows.deleted = deleted, "what was kept for long enough is gone: events, deliveries, swaps");
        }
        Ok(())
    }

    async fn wait(&mut self) {
        tokio::time::sleep(INTERVAL).await;
    }
}
