//! What is leased now, and to whom: of the locked hosts, reads what their lines have, and has it shared out.
//!
//! Nothing that could not be leased is looked at: a host that is full or has a pause has no turn, a line reads from its
//! head on, and no more of it than its share.

use super::{
    StoreError,
    locked_hosts::LockedHosts,
    open_lines::{OpenLine, OpenTurn, Shares, read_shares},
};
use crate::{
    host::HostId,
    share_out::{Asking, Offer, Pick, Room, Streak, share_out},
    turns::TurnKey,
};
use codeimport_core::RcsType;
use codeimport_pg::Tx;
use std::collections::BTreeMap;

/// Most leases of one round: a longer transaction would keep hosts locked for longer than it saves.
pub(super) const MAX_LEASES: u32 = 1_000;

/// How often the shares are corrected after lines turned out to have less than their share.
const MAX_PASSES: usize = 4;

/// A waiting job that will be leased.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Chosen {
    pub(super) job_no: i64,
    pub(super) key: TurnKey,
    /// Index of the request that gets it.
    pub(super) asking: usize,
}

/// Chooses jobs for the requests. What was looked into is noted with the hosts, and still has to be written.
pub(super) async fn choose(
    tx: &Tx<'_>,
    locked: &mut LockedHosts<'_>,
    mut turns: Vec<OpenTurn>,
    asking: &[Asking],
    type_room: &BTreeMap<RcsType, u32>,
    streak: Streak,
) -> Result<(Vec<Chosen>, Streak), StoreError> {
    let now = locked.now();
    let hosts: Vec<HostId> = locked.hosts().map(|host| host.host_id).collect();
    let of_hosts: Vec<u32> = locked.hosts().map(|host| host.room(locked.policy(), now)).collect();
    let room = Room { of_hosts, of_types: type_room.clone(), in_all: MAX_LEASES };
    for _ in 0..MAX_PASSES {
        let offers = offers(&turns, &hosts, |line| line.at_most(now));
        let (picks, streak) = share_out(asking, &offers, room.clone(), streak);
        if !read_shares(tx, &mut turns, &shares(&picks)).await? {
            return Ok((take(locked, &turns, &picks), streak));
        }
    }
    let read = offers(&turns, &hosts, |line| line.ripe(now));
    let (picks, streak) = share_out(asking, &read, room, streak);
    Ok((take(locked, &turns, &picks), streak))
}

fn offers(turns: &[OpenTurn], hosts: &[HostId], at_most: impl Fn(&OpenLine) -> u32) -> Vec<Offer> {
    let offer = |turn: &OpenTurn| Offer {
        // They were read for these very hosts.
        host: hosts.binary_search(&turn.key.host_id).unwrap_or_default(),
        rcs_type: turn.key.rcs_type,
        requested: turn.key.requested,
        lines: turn.lines.iter().map(&at_most).collect(),
    };
    turns.iter().map(offer).collect()
}

/// How many jobs each line of each turn gives.
fn shares(picks: &[Pick]) -> Shares {
    let mut shares = Shares::new();
    for pick in picks {
        *shares.entry((pick.offer, pick.line)).or_default() += 1;
    }
    shares
}

/// The jobs picked, in the order of the picks; hosts and lines are left as they are without them.
fn take(locked: &mut LockedHosts<'_>, turns: &[OpenTurn], picks: &[Pick]) -> Vec<Chosen> {
    let mut taken: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut chosen = Vec::with_capacity(picks.len());
    for pick in picks {
        let taken = taken.entry((pick.offer, pick.line)).or_default();
        let turn = &turns[pick.offer];
        if let Some((job_no, _)) = turn.lines[pick.line].waiting.get(*taken) {
            chosen.push(Chosen { job_no: *job_no, key: turn.key, asking: pick.asking });
            *taken += 1;
        }
    }
    for (offer, turn) in turns.iter().enumerate() {
        for (at, line) in turn.lines.iter().enumerate().filter(|(_, line)| line.asked_for > 0) {
            let taken = taken.get(&(offer, at)).copied().unwrap_or_default();
            let head_due_at = line.waiting.get(taken).map(|(_, due_at)| *due_at);
            let shares_turn = !turn.is_of_one_line(locked.now());
            locked.looked_into(line.line_id, head_due_at, taken > 0, shares_turn);
        }
        locked.set_first_line(turn.key, turn.beyond);
    }
    start(locked, &chosen);
    chosen
}

fn start(locked: &mut LockedHosts<'_>, chosen: &[Chosen]) {
    let (policy, now) = (locked.policy(), locked.now());
    let mut counts: BTreeMap<HostId, u32> = BTreeMap::new();
    for one in chosen {
        *counts.entry(one.key.host_id).or_default() += 1;
    }
    for (host_id, count) in counts {
        if let Some(host) = locked.host_mut(host_id) {
            host.started(count, policy, now);
        }
    }
}
