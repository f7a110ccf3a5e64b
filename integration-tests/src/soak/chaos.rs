//! The damage: from a deck of all kinds, shuffled again and again, so that each comes up in every minute.

use super::{Options, crew::Crew, replicas::Replicas};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// One kind of damage.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Damage {
    KillWorker,
    StopWorker,
    CutWire,
    CutDatabase,
    RestartDatabase,
    KillReplica,
}

use Damage::{CutDatabase, CutWire, KillReplica, KillWorker, RestartDatabase, StopWorker};

const DECK: [Damage; 8] =
    [KillWorker, KillWorker, StopWorker, StopWorker, CutWire, CutDatabase, RestartDatabase, KillReplica];

/// Does the damage and counts it.
pub(crate) struct Chaos {
    rng: StdRng,
    lease_ttl: Duration,
    done: BTreeMap<Damage, u64>,
}

impl Chaos {
    pub(crate) fn new(options: &Options) -> Self {
        Self { rng: StdRng::seed_from_u64(options.seed), lease_ttl: options.lease_ttl, done: BTreeMap::new() }
    }

    /// How often each kind was done.
    pub(crate) fn done(&self) -> &BTreeMap<Damage, u64> {
        &self.done
    }

    /// Goes on for so long; at the end everybody is up again.
    pub(crate) async fn rage(&mut self, how_long: Duration, on: &mut Replicas, crew: &mut Crew) -> anyhow::Result<()> {
        let end = Instant::now() + how_long;
        let mut deck = Vec::new();
        while Instant::now() < end {
            if deck.is_empty() {
                deck.extend(DECK);
                deck.shuffle(&mut self.rng);
            }
            tokio::time::sleep(self.some(Duration::from_millis(200), Duration::from_millis(1_200))).await;
            crew.resume_due(Instant::now());
            if let Some(damage) = deck.pop() {
                self.damage(damage, on, crew).await?;
            }
        }
        crew.resume_due(end + 10 * self.lease_ttl);
        Ok(())
    }

    async fn damage(&mut self, damage: Damage, on: &mut Replicas, crew: &mut Crew) -> anyhow::Result<()> {
        *self.done.entry(damage).or_default() += 1;
        let which: usize = self.rng.random_range(0..1_000);
        match damage {
            KillWorker => crew.kill(which)?,
            // Past its lease, so that somebody else has the job when it comes to.
            StopWorker => crew.stop(which, self.some(self.lease_ttl * 5 / 4, self.lease_ttl * 2)),
            CutWire => on.cut_wire(which),
            CutDatabase => on.cut_database().await?,
            RestartDatabase => on.restart_database().await?,
            KillReplica => {
                on.kill(which);
                tokio::time::sleep(self.some(Duration::ZERO, Duration::from_secs(1))).await;
                on.restart(which).await;
            }
        }
        Ok(())
    }

    fn some(&mut self, least: Duration, most: Duration) -> Duration {
        least + (most - least).mul_f64(self.rng.random())
    }
}
