//! What may run next, as one process knows it: the jobs that are due, or will be in a moment, each in its line; the lines
//! of each host; and the hosts in the order of their turns. Pure: time is an argument.
//!
//! A hint, never a truth. Whoever leases a job restates the place that is known here in the statement that takes it, and a
//! job that is somewhere else meanwhile is not found. So a board that is lost, or another one in another process, costs
//! nothing but a look at the database (`store::sweep`).
//!
//! Jobs that are not due before the horizon are not here: there may be millions.

mod choose;
mod line;
mod turns;

pub use choose::Chosen;
pub use turns::{LineId, TurnKey};

use crate::host::{Host, HostId, HostPolicy};
use codeimport_core::RcsType;
use foldhash::HashMap;
use jiff::Timestamp;
use line::Line;
use std::collections::BTreeSet;
use turns::{HostTurn, TurnOrder};

/// Where a job waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its line.
    pub line_id: LineId,
    /// From when on it may run.
    pub due_at: Timestamp,
}

/// A job that waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiter {
    /// The job.
    pub job_no: i64,
    /// Where it waits.
    pub place: Place,
    /// The turn that its line shares.
    pub key: TurnKey,
}

/// See the head of this file.
#[derive(Debug)]
pub struct Board {
    policy: HostPolicy,
    horizon: Timestamp,
    places: HashMap<i64, Place>,
    /// Those that are not due yet, in the order in which they will be.
    later: BTreeSet<(Timestamp, i64)>,
    /// Those with jobs on this board.
    lines: HashMap<LineId, Line>,
    hosts: HashMap<HostId, Host>,
    turns: HashMap<TurnKey, HostTurn>,
    order: TurnOrder,
}

impl Board {
    /// An empty one.
    #[must_use]
    pub fn new(policy: HostPolicy) -> Self {
        let (places, later, lines, hosts, turns, order) = Default::default();
        Self { policy, horizon: Timestamp::UNIX_EPOCH, places, later, lines, hosts, turns, order }
    }

    /// Jobs that are due until then are here, as far as this process has heard of them.
    pub fn set_horizon(&mut self, horizon: Timestamp) {
        self.horizon = horizon;
    }

    /// A job waits here now, and nowhere else. It is kept if it is due before the horizon. Its host has been learnt.
    pub fn admit(&mut self, waiter: Waiter, now: Timestamp) {
        let Waiter { job_no, place, key } = waiter;
        if self.places.get(&job_no) == Some(&place) {
            return;
        }
        self.remove(job_no, now);
        if place.due_at > self.horizon.max(now) {
            return;
        }
        self.places.insert(job_no, place);
        self.lines.entry(place.line_id).or_insert_with(|| Line::new(key)).count += 1;
        if place.due_at > now {
            self.later.insert((place.due_at, job_no));
        } else {
            self.ripen(job_no, place, now, now);
        }
    }

    /// A job waits nowhere any more.
    pub fn remove(&mut self, job_no: i64, now: Timestamp) {
        let Some(place) = self.places.remove(&job_no) else { return };
        let Some(line) = self.lines.get_mut(&place.line_id) else { return };
        line.count -= 1;
        if !self.later.remove(&(place.due_at, job_no)) {
            line.remove((place.due_at, job_no));
        }
        self.tidy(place.line_id, now);
    }

    /// Jobs become due as time passes.
    pub fn pass(&mut self, now: Timestamp) {
        while let Some((due_at, job_no)) = self.later.first().copied().filter(|(due_at, _)| *due_at <= now) {
            self.later.pop_first();
            if let Some(place) = self.places.get(&job_no).copied() {
                self.ripen(job_no, place, due_at, now);
            }
        }
    }

    /// A host as the database has it.
    pub fn learn(&mut self, host: Host, now: Timestamp) {
        let host_id = host.host_id;
        if self.hosts.get(&host_id) != Some(&host) {
            self.hosts.insert(host_id, host);
            self.settle_all(host_id, now);
        }
    }

    /// One of a host's jobs was leased past this board.
    pub fn takes_room(&mut self, host_id: HostId, now: Timestamp) {
        if let Some(host) = self.hosts.get_mut(&host_id) {
            host.started(1, &self.policy, now);
            self.settle_all(host_id, now);
        }
    }

    /// One of a host's runs is over, or did not start after all.
    pub fn has_room_again(&mut self, host_id: HostId, now: Timestamp) {
        if let Some(host) = self.hosts.get_mut(&host_id) {
            let was_full = host.is_full(&self.policy);
            host.running_count = host.running_count.saturating_sub(1);
            if was_full {
                self.settle_all(host_id, now);
            }
        }
    }

    /// How many jobs are here.
    #[must_use]
    pub fn job_count(&self) -> usize {
        self.places.len()
    }

    /// Whether a job is here.
    #[must_use]
    pub fn has(&self, job_no: i64) -> bool {
        self.places.contains_key(&job_no)
    }

    /// What is known of a host.
    #[must_use]
    pub fn host(&self, host_id: HostId) -> Option<&Host> {
        self.hosts.get(&host_id)
    }

    /// The turn that a line shares, if it has jobs here.
    #[must_use]
    pub fn turn_of(&self, line_id: LineId) -> Option<TurnKey> {
        self.lines.get(&line_id).map(|line| line.key)
    }

    /// Jobs before this one in its line; none if it is not due, or not known to be.
    #[must_use]
    pub fn position(&self, job_no: i64) -> Option<usize> {
        let place = self.places.get(&job_no)?;
        self.lines.get(&place.line_id)?.position((place.due_at, job_no))
    }

    /// Hosts that others may have changed in a way that matters: not as a host is at first, or full.
    #[must_use]
    pub fn watched_hosts(&self) -> Vec<HostId> {
        let watched = self.hosts.values().filter(|host| host.is_watched() || host.is_full(&self.policy));
        watched.map(|host| host.host_id).collect()
    }

    /// When the first host with jobs of these types has its turn, as far as the horizon.
    #[must_use]
    pub fn next_turn(&self, rcs_types: &BTreeSet<RcsType>) -> Option<Timestamp> {
        let later = self.later.first().map(|(due_at, _)| *due_at);
        self.order.first(rcs_types).into_iter().chain(later).min()
    }

    /// Hosts with a turn that may only be used by who has locked their rows, as others may be using them, too.
    #[must_use]
    pub fn guarded(&self, rcs_types: &BTreeSet<RcsType>, wanted: u32, now: Timestamp) -> BTreeSet<HostId> {
        let ripe = self.order.ripe(rcs_types, now, choose::most_turns(wanted)).into_iter();
        ripe.map(|key| key.host_id).filter(|host_id| self.is_guarded(*host_id)).collect()
    }

    fn is_guarded(&self, host_id: HostId) -> bool {
        self.hosts.get(&host_id).is_none_or(|host| host.is_guarded(&self.policy))
    }

    /// A job is due; if it is the first one of its line, that waits to be served since then.
    fn ripen(&mut self, job_no: i64, place: Place, since: Timestamp, now: Timestamp) {
        let Some(line) = self.lines.get_mut(&place.line_id) else { return };
        let first = line.is_empty();
        line.insert((place.due_at, job_no));
        if first {
            line.turn_at = since;
            let key = line.key;
            self.turns.entry(key).or_default().lines.insert((since, place.line_id));
            self.settle(key, false, now);
        }
    }

    /// Takes a line out of its turn if nothing in it is due, and off the board if nothing waits in it.
    fn tidy(&mut self, line_id: LineId, now: Timestamp) {
        let Some(line) = self.lines.get(&line_id).filter(|line| line.is_empty()) else { return };
        let (key, turn_at, count) = (line.key, line.turn_at, line.count);
        if self.turns.get_mut(&key).is_some_and(|turn| turn.lines.remove(&(turn_at, line_id))) {
            self.settle(key, false, now);
        }
        if count == 0 {
            self.lines.remove(&line_id);
        }
    }

    fn settle_all(&mut self, host_id: HostId, now: Timestamp) {
        TurnKey::all_of(host_id).for_each(|key| self.settle(key, false, now));
    }

    fn settle(&mut self, key: TurnKey, served: bool, now: Timestamp) {
        let Some(turn) = self.turns.get_mut(&key) else { return };
        let host = self.hosts.get(&key.host_id);
        let before = turn.turn_at;
        turn.turn_at = host.and_then(|host| turn.settled(host, &self.policy, served, now));
        if turn.turn_at != before {
            self.order.change(key, before, turn.turn_at);
        }
        if turn.lines.is_empty() {
            self.turns.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests;
