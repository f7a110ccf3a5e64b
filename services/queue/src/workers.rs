//! The workers that this process has heard of, and those that are drained: in memory, so that leasing and heartbeats
//! cost no statement more.
//!
//! The watchdog's loop brings both together with the database every few seconds: what operators say to one replica is
//! heard by the others then.

use codeimport_core::RcsType;
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// One type of source that a worker can import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capability {
    /// The type.
    pub rcs_type: RcsType,
    /// The tools that it has for that, with their versions; may be empty.
    pub tools: String,
}

/// What a worker says it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registration {
    /// Its name.
    pub worker_id: String,
    /// Its software.
    pub version: String,
    /// How many jobs it runs at once; 0 if it never said.
    pub slot_count: u32,
    /// What it can import.
    pub capabilities: Vec<Capability>,
}

/// Who drained or resumed a worker, when and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateSet {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A worker as operators see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerReport {
    /// What it said it is.
    pub worker: Registration,
    /// When it said so; none if it never has.
    pub registered_at: Option<Timestamp>,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// Whether it has not been heard of for a while.
    pub gone: bool,
    /// Whether it is to take no jobs.
    pub drained: bool,
    /// Who said that last; none if nobody ever did.
    pub state_set: Option<StateSet>,
    /// Leases that it holds.
    pub running_count: u32,
}

/// Who was heard of, and who is drained. Clones share it.
#[derive(Clone, Default, Debug)]
pub struct Workers {
    known: Arc<Mutex<Known>>,
    more_drained: Arc<Notify>,
}

#[derive(Default, Debug)]
struct Known {
    /// Since the last look; with what is known of those that asked for jobs.
    heard: BTreeMap<String, Option<Registration>>,
    drained: HashSet<String>,
}

impl Workers {
    /// A worker has asked for jobs.
    pub fn heard_asking(&self, worker_id: &str, version: &str, rcs_types: &[RcsType]) {
        let capability = |rcs_type: &RcsType| Capability { rcs_type: *rcs_type, tools: String::new() };
        let registration = || Registration {
            worker_id: worker_id.to_owned(),
            version: version.to_owned(),
            slot_count: 0,
            capabilities: rcs_types.iter().map(capability).collect(),
        };
        let mut known = self.known();
        if known.heard.get(worker_id).is_none_or(Option::is_none) {
            known.heard.insert(worker_id.to_owned(), Some(registration()));
        }
    }

    /// A worker has sent a heartbeat.
    pub fn heard_alive(&self, worker_id: &str) {
        let mut known = self.known();
        if !known.heard.contains_key(worker_id) {
            known.heard.insert(worker_id.to_owned(), None);
        }
    }

    /// Whether a worker is to take no jobs.
    #[must_use]
    pub fn is_drained(&self, worker_id: &str) -> bool {
        self.known().drained.contains(worker_id)
    }

    /// Completes once a worker is to take no jobs.
    pub async fn drained(&self, worker_id: &str) {
        loop {
            // Before the look: what is said between look and wait must not be missed.
            let more = self.more_drained.notified();
            if self.is_drained(worker_id) {
                return;
            }
            more.await;
        }
    }

    /// An operator has said so just now.
    pub fn set_drained(&self, worker_id: &str, drained: bool) {
        if drained {
            self.known().drained.insert(worker_id.to_owned());
            self.more_drained.notify_waiters();
        } else {
            self.known().drained.remove(worker_id);
        }
    }

    /// Takes over what the database says.
    pub fn replace_drained(&self, drained: HashSet<String>) {
        self.known().drained = drained;
        self.more_drained.notify_waiters();
    }

    /// Who was heard of since the last call.
    #[must_use]
    pub fn take_heard(&self) -> BTreeMap<String, Option<Registration>> {
        std::mem::take(&mut self.known().heard)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_worker_can_do_is_not_lost_by_its_heartbeats() {
        let workers = Workers::default();
        workers.heard_alive("a");
        workers.heard_asking("a", "1", &[RcsType::Git]);
        workers.heard_alive("a");
        let heard = workers.take_heard();
        assert_eq!(heard["a"].as_ref().map(|one| one.capabilities.len()), Some(1));
        assert!(workers.take_heard().is_empty());
    }

    #[tokio::test]
    async fn whoever_waits_for_a_drain_hears_of_it_by_either_way() {
        let workers = Workers::default();
        tokio::join!(workers.drained("a"), async { workers.set_drained("a", true) });
        workers.set_drained("a", false);
        assert!(!workers.is_drained("a"));
        tokio::join!(workers.drained("b"), async { workers.replace_drained(HashSet::from(["b".to_owned()])) });
    }
}
