//! Leases jobs that are due: one round for all who ask.

use super::{LeaseName, Store, StoreError};
use codeimport_core::RcsType;
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use uuid::Uuid;

/// For what has become ripe since the round chose.
const AT_ONCE: Duration = Duration::from_micros(1);

/// How often a round begins again without those who turn out to repeat a request.
const MOST_TRIES: usize = 3;

/// What a worker asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acquire {
    /// The worker.
    pub worker_id: String,
    /// Its software.
    pub worker_version: String,
    /// Its free slots.
    pub max_leases: u32,
    /// What it can do.
    pub rcs_types: Vec<RcsType>,
    /// The same for a repeat of the same request.
    pub request_id: Uuid,
    /// Whether it has been looked up already, and is no repeat.
    pub looked_up: bool,
}

/// A lease as it was granted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantedLease {
    /// Its name.
    pub lease: LeaseName,
    /// By the database's clock.
    pub expires_at: Timestamp,
    /// Type of the source.
    pub rcs_type: RcsType,
    /// Whether an earlier holder may still be alive.
    pub after_reclaim: bool,
    /// Whether a person asked for it.
    pub requested: bool,
    /// How long it had been due.
    pub waited: Duration,
}

/// What came of a lease round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leased {
    /// For each request what it got.
    pub granted: Vec<Vec<GrantedLease>>,
    /// If somebody got nothing: how long until the next host with jobs of the types asked for has its turn; none if
    /// nothing is known to be due soon.
    pub next_turn_in: Option<Duration>,
}

impl Store {
    /// Leases jobs that are due, for each request what it gets. Does not wait for any.
    ///
    /// A repeat of a request returns what the first one was granted and still holds, also while the first one is still
    /// under way.
    ///
    /// # Errors
    ///
    /// Only the database's. What was granted before it went away is found by a repeat of the request.
    pub async fn acquire_leases(&self, acquires: &[Acquire]) -> Result<Leased, StoreError> {
        self.sweep().await?;
        let firsts = firsts(acquires);
        let distinct: Vec<&Acquire> = firsts.values().copied().collect();
        let mut granted = self.grant(distinct.clone()).await?;
        let unknown = |acquire: &&Acquire| !acquire.looked_up && !granted.contains_key(&acquire.request_id);
        let unknown: Vec<&Acquire> = distinct.iter().copied().filter(unknown).collect();
        let held = self.held_by_requests(&unknown).await?;
        granted.extend(repeats(&unknown, held));
        // Nobody takes over another's leases by its request id.
        let of = |acquire: &Acquire| {
            firsts.get(&acquire.request_id).filter(|first| first.worker_id == acquire.worker_id)?;
            granted.get(&acquire.request_id).cloned()
        };
        let granted = acquires.iter().map(|acquire| of(acquire).unwrap_or_default()).collect();
        Ok(Leased { granted, next_turn_in: self.next_turn_in(&asked_types(acquires)) })
    }

    /// What each request gets, or holds if it has been granted something before.
    async fn grant(&self, mut takers: Vec<&Acquire>) -> Result<BTreeMap<Uuid, Vec<GrantedLease>>, StoreError> {
        let mut granted = BTreeMap::new();
        for _ in 0..MOST_TRIES {
            match self.lease_round(&takers).await {
                Ok(leases) => {
                    for (taker, lease) in leases {
                        granted.entry(takers[taker].request_id).or_insert_with(Vec::new).push(lease);
                    }
                    break;
                }
                Err(error) if error.is_repeat() => {
                    granted.extend(repeats(&takers, self.held_by_requests(&takers).await?));
                    takers.retain(|taker| !granted.contains_key(&taker.request_id));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(granted)
    }

    /// How long until the next host with jobs of these types has its turn, as far as is known: zero if one had it already
    /// when the round chose, and could not be served.
    fn next_turn_in(&self, rcs_types: &BTreeSet<RcsType>) -> Option<Duration> {
        let seen = self.lookout.seen();
        let next = seen.board.next_turn(rcs_types)?;
        if next <= seen.looked_at {
            return Some(Duration::ZERO);
        }
        Some(Duration::try_from(next.duration_since(seen.now())).unwrap_or(AT_ONCE).max(AT_ONCE))
    }
}

/// The first of each request that is there more than once.
fn firsts(acquires: &[Acquire]) -> BTreeMap<Uuid, &Acquire> {
    let mut firsts = BTreeMap::new();
    for acquire in acquires {
        firsts.entry(acquire.request_id).or_insert(acquire);
    }
    firsts
}

fn asked_types(acquires: &[Acquire]) -> BTreeSet<RcsType> {
    acquires.iter().flat_map(|acquire| acquire.rcs_types.iter().copied()).collect()
}

fn repeats(
    acquires: &[&Acquire],
    held: Vec<Option<Vec<GrantedLease>>>,
) -> impl Iterator<Item = (Uuid, Vec<GrantedLease>)> {
    let ids: Vec<Uuid> = acquires.iter().map(|acquire| acquire.request_id).collect();
    ids.into_iter().zip(held).filter_map(|(request_id, held)| Some((request_id, held?)))
}
