//! What is leased now, and to whom: has shared out what the lines of those offer whose turn it is, and takes it off the
//! board.
//!
//! Nothing that could not be leased is looked at: a host that is full or has a pause has no turn.

use super::{Board, HostId, LineId, Place, TurnKey, Waiter};
use crate::share_out::{Asking, Offer, Pick, Room, Streak, share_out};
use codeimport_core::RcsType;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Most leases of one round: a longer transaction would delay others by more than it saves.
const MAX_LEASES: u32 = 1_000;

/// Most lines of each turn that are looked at in one round.
const MAX_LINES: usize = 100;

/// Most turns of each type and class that are looked at in one round.
const MAX_TURNS: u32 = 250;

/// More than are wanted, because some may be held by another leaser.
const SPARE: u32 = 8;

/// A waiting job that will be leased.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chosen {
    /// The job, where it waited.
    pub waiter: Waiter,
    /// Index of the request that gets it.
    pub asking: usize,
}

pub(super) fn most_turns(wanted: u32) -> usize {
    wanted.saturating_add(SPARE).min(MAX_TURNS) as usize
}

/// The turns that have come, each with its first lines.
struct Open {
    keys: Vec<TurnKey>,
    lines: Vec<Vec<LineId>>,
    /// In their order.
    hosts: Vec<HostId>,
}

impl Board {
    /// Chooses jobs for the requests, and takes them off the board: whoever does not lease them has to bring them back.
    /// Hosts that are guarded are left alone but for those that the caller has `locked`.
    pub fn choose(
        &mut self,
        asking: &[Asking],
        of_types: BTreeMap<RcsType, u32>,
        locked: &BTreeSet<HostId>,
        streak: Streak,
        now: Timestamp,
    ) -> (Vec<Chosen>, Streak) {
        self.pass(now);
        let rcs_types = asking.iter().flat_map(|one| one.rcs_types.iter().copied()).collect();
        let wanted = asking.iter().map(|one| one.slots).fold(0, u32::saturating_add).min(MAX_LEASES);
        let open = self.open(&rcs_types, wanted, locked, now);
        let room = |host_id: &HostId| self.hosts.get(host_id).map_or(0, |host| host.room(&self.policy, now));
        let room = Room { of_hosts: open.hosts.iter().map(room).collect(), of_types, in_all: MAX_LEASES };
        let (picks, streak) = share_out(asking, &self.offers(&open), room, streak);
        (self.take(&open, &picks, now), streak)
    }

    /// Brings back what was chosen and not leased.
    pub fn bring_back(&mut self, chosen: &[Chosen], now: Timestamp) {
        for one in chosen {
            self.admit(one.waiter, now);
            self.has_room_again(one.waiter.key.host_id, now);
        }
    }

    fn open(&self, rcs_types: &BTreeSet<RcsType>, wanted: u32, locked: &BTreeSet<HostId>, now: Timestamp) -> Open {
        let mut keys = self.order.ripe(rcs_types, now, most_turns(wanted));
        keys.retain(|key| locked.contains(&key.host_id) || !self.is_guarded(key.host_id));
        let lines = |key: &TurnKey| {
            let lines = self.turns.get(key).into_iter().flat_map(|turn| &turn.lines);
            lines.take(MAX_LINES).map(|(_, line_id)| *line_id).collect()
        };
        let hosts: BTreeSet<HostId> = keys.iter().map(|key| key.host_id).collect();
        Open { lines: keys.iter().map(lines).collect(), hosts: hosts.into_iter().collect(), keys }
    }

    fn offers(&self, open: &Open) -> Vec<Offer> {
        let due = |line_id: &LineId| {
            let count = self.lines.get(line_id).map_or(0, |line| line.due_count());
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        let offer = |(key, lines): (&TurnKey, &Vec<LineId>)| Offer {
            // They were collected from these very keys.
            host: open.hosts.binary_search(&key.host_id).unwrap_or_default(),
            rcs_type: key.rcs_type,
            requested: key.requested,
            lines: lines.iter().map(due).collect(),
        };
        open.keys.iter().zip(&open.lines).map(offer).collect()
    }

    /// Takes the jobs picked, in the order of the picks. Lines and hosts that were served go behind the others.
    fn take(&mut self, open: &Open, picks: &[Pick], now: Timestamp) -> Vec<Chosen> {
        let mut chosen = Vec::with_capacity(picks.len());
        let (mut served, mut started) = (BTreeSet::new(), BTreeMap::<HostId, u32>::new());
        for pick in picks {
            let (line_id, key) = (open.lines[pick.offer][pick.line], open.keys[pick.offer]);
            let Some((due_at, job_no)) = self.lines.get_mut(&line_id).and_then(|line| line.pop()) else { continue };
            self.places.remove(&job_no);
            chosen
                .push(Chosen { waiter: Waiter { job_no, place: Place { line_id, due_at }, key }, asking: pick.asking });
            served.insert((key, line_id));
            *started.entry(key.host_id).or_default() += 1;
        }
        served.iter().for_each(|(key, line_id)| self.line_served(*key, *line_id, now));
        for (host_id, count) in started {
            if let Some(host) = self.hosts.get_mut(&host_id) {
                host.started(count, &self.policy, now);
            }
            self.settle_all(host_id, now);
        }
        let keys: BTreeSet<TurnKey> = served.iter().map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| self.settle(key, true, now));
        chosen
    }

    fn line_served(&mut self, key: TurnKey, line_id: LineId, now: Timestamp) {
        let Some(line) = self.lines.get_mut(&line_id) else { return };
        if line.is_empty() {
            return self.tidy(line_id, now);
        }
        if let Some(turn) = self.turns.get_mut(&key) {
            turn.lines.remove(&(line.turn_at, line_id));
            line.turn_at = now;
            turn.lines.insert((now, line_id));
        }
    }
}
