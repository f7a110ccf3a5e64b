//! What may be leased now, and to whom: locks the hosts whose turn it is, reads what their lines have, and has it shared
//! out.
//!
//! Nothing that could not be leased is looked at: a host that is full or has a pause has no turn, a line reads from its
//! head on, and no more of it than its share.

use super::{
    StoreError,
    locked_hosts::{LockedHosts, column},
    rows::{host_columns, line_columns, turn_columns},
};
use crate::{
    host::{HostId, HostPolicy},
    share_out::{Asking, Offer, Pick, Room, Streak, share_out},
    turns::{LineId, TurnKey},
};
use codeimport_core::RcsType;
use codeimport_pg::{Statement, Tx, row::get};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Most leases of one round: a longer transaction would keep hosts locked for longer than it saves.
const MAX_LEASES: u32 = 1_000;

/// Most hosts looked at in one round, and most lines of each.
const MAX_HOSTS: u32 = 250;
const MAX_LINES: u32 = 100;

/// More than are wanted, because some may be held by another leaser, or have less than they seem to.
const SPARE: u32 = 8;

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

/// A line that has its turn, with as much of it as has been read.
struct OpenLine {
    line_id: LineId,
    head_due_at: Timestamp,
    waiting: Vec<(i64, Timestamp)>,
    asked_for: u32,
}

impl OpenLine {
    fn new(line_id: LineId, head_due_at: Timestamp) -> Self {
        Self { line_id, head_due_at, waiting: Vec::new(), asked_for: 0 }
    }

    /// How many due jobs have been read.
    fn ripe(&self, now: Timestamp) -> u32 {
        let ripe = self.waiting.iter().take_while(|(_, due_at)| *due_at <= now).count();
        u32::try_from(ripe).unwrap_or(u32::MAX)
    }

    /// How many due jobs it has at most, as far as is known.
    fn at_most(&self, now: Timestamp) -> u32 {
        let ripe = self.ripe(now);
        // All that were asked for, and one more, which tells that there may be others.
        if self.asked_for == 0 || ripe > self.asked_for { u32::MAX } else { ripe }
    }
}

/// The ripe lines of one turn.
struct OpenTurn {
    key: TurnKey,
    lines: Vec<OpenLine>,
    /// When the first line comes that is not among them; none if there is none.
    beyond: Option<Timestamp>,
}

impl OpenTurn {
    /// From what was read: at most `limit` lines, of which the last one only tells how it goes on.
    fn read(locked: &LockedHosts<'_>, key: TurnKey, limit: u32) -> Self {
        let mut all: Vec<(Timestamp, LineId, Timestamp)> = locked
            .lines()
            .filter(|(_, line)| line.key == key)
            .filter_map(|(line_id, line)| Some((line.turn_at?, line_id, line.head_due_at?)))
            .collect();
        all.sort_unstable();
        let all_read = all.len() < limit as usize;
        let ripe = all.iter().filter(|(turn_at, ..)| *turn_at <= locked.now()).count();
        let open = if all_read { ripe } else { ripe.min(all.len() - 1) };
        let lines = all.iter().take(open).map(|(_, line_id, head_due_at)| OpenLine::new(*line_id, *head_due_at));
        Self { key, lines: lines.collect(), beyond: all.get(open).map(|(turn_at, ..)| *turn_at) }
    }
}

/// Locks the hosts whose turn it is, if there is any; rows that another leaser holds are skipped.
pub(super) async fn lock_ripe_hosts<'p>(
    tx: &Tx<'_>,
    policy: &'p HostPolicy,
    types: &BTreeSet<RcsType>,
    wanted: u32,
) -> Result<Option<LockedHosts<'p>>, StoreError> {
    let names: Vec<&str> = types.iter().map(|rcs_type| rcs_type.name()).collect();
    let limit = i64::from(wanted.saturating_add(SPARE).min(MAX_HOSTS));
    let hosts = tx.query(LOCK_RIPE_HOSTS, &[&names, &limit]).await?;
    let Some(first) = hosts.first() else { return Ok(None) };
    Ok(Some(LockedHosts::new(policy, get(first, "now")?).with_hosts(&hosts)?))
}

/// The statement that finds who may be served; public so that a test can ask for its plan.
pub const LOCK_RIPE_HOSTS: &str = concat!(
    "-- queue.lock_ripe_hosts
WITH ripe AS MATERIALIZED (
    SELECT DISTINCT turn.host_id
      FROM unnest($1::text[]) AS kind (rcs_type)
     CROSS JOIN (VALUES (true), (false)) AS class (requested)
     CROSS JOIN LATERAL (
         SELECT host_turn.host_id
           FROM host_turn
          WHERE host_turn.rcs_type = kind.rcs_type AND host_turn.requested = class.requested
            AND host_turn.turn_at <= statement_timestamp()
          ORDER BY host_turn.turn_at, host_turn.host_id
          LIMIT $2) AS turn
)
SELECT ",
    host_columns!(),
    ", statement_timestamp() AS now
  FROM source_host
 WHERE source_host.host_id IN (SELECT ripe.host_id FROM ripe)
 ORDER BY source_host.host_id
   FOR NO KEY UPDATE SKIP LOCKED                        -- never wait for another leaser"
);

/// Chooses jobs for the requests. What was looked into is noted with the hosts, and still has to be written.
pub(super) async fn choose(
    tx: &Tx<'_>,
    locked: &mut LockedHosts<'_>,
    asking: &[Asking],
    type_room: BTreeMap<RcsType, u32>,
    streak: Streak,
) -> Result<(Vec<Chosen>, Streak), StoreError> {
    let now = locked.now();
    let mut turns = read_ripe_turns(tx, locked, asking).await?;
    let hosts: Vec<HostId> = locked.hosts().map(|host| host.host_id).collect();
    let of_hosts: Vec<u32> = locked.hosts().map(|host| host.room(locked.policy(), now)).collect();
    let room = Room { of_hosts, of_types: type_room, in_all: MAX_LEASES };
    for _ in 0..MAX_PASSES {
        let offers = offers(&turns, &hosts, |line| line.at_most(now));
        let (picks, streak) = share_out(asking, &offers, room.clone(), streak);
        if !read_shares(tx, &mut turns, &picks).await? {
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

/// Reads all turns of the locked hosts, and returns those that somebody here can do, with their lines, both in order.
async fn read_ripe_turns(
    tx: &Tx<'_>,
    locked: &mut LockedHosts<'_>,
    asking: &[Asking],
) -> Result<Vec<OpenTurn>, StoreError> {
    let wanted = asking.iter().map(|one| one.slots).fold(0, u32::saturating_add);
    let limit = wanted.saturating_add(SPARE).min(MAX_LINES);
    let types: BTreeSet<RcsType> = asking.iter().flat_map(|one| one.rcs_types.iter().copied()).collect();
    let names: Vec<&'static str> = types.iter().map(|rcs_type| rcs_type.name()).collect();
    let host_ids: Vec<i64> = locked.hosts().map(|host| host.host_id.0).collect();
    let turns = Statement::new(TURNS_OF_HOSTS).bind(host_ids.clone());
    let lines = Statement::new(FIRST_LINES).bind(host_ids).bind(names).bind(locked.now()).bind(i64::from(limit));
    let read = tx.pipeline(&[turns, lines]).await?;
    locked.add_turns(&read[0])?;
    locked.add_lines(&read[1])?;
    let ripe = locked.turns().filter(|(key, turn)| types.contains(&key.rcs_type) && turn.turn_at <= Some(locked.now()));
    let mut open: Vec<(Option<Timestamp>, TurnKey)> =
        ripe.filter_map(|(key, turn)| turn.turn_at.map(|_| (turn.turn_at, key))).collect();
    open.sort_unstable();
    Ok(open.into_iter().map(|(_, key)| OpenTurn::read(locked, key, limit)).collect())
}

const TURNS_OF_HOSTS: &str =
    concat!("-- queue.turns_of_hosts\nSELECT ", turn_columns!(), " FROM host_turn WHERE host_turn.host_id = ANY ($1)");

/// The lines that may be served, of hosts that may; public so that a test can ask for its plan.
pub const FIRST_LINES: &str = concat!(
    "-- queue.first_lines
SELECT ",
    line_columns!(),
    "
  FROM host_turn
 CROSS JOIN LATERAL (
     SELECT line.line_id, line.host_id, line.rcs_type, line.requested, line.head_due_at, line.turn_at
       FROM line
      WHERE line.host_id = host_turn.host_id AND line.rcs_type = host_turn.rcs_type
        AND line.requested = host_turn.requested
        AND line.turn_at >= host_turn.first_line_at     -- what lies below is dead: an index full of it costs nothing
      ORDER BY line.turn_at, line.line_id
      LIMIT $4) AS line
 WHERE host_turn.host_id = ANY ($1) AND host_turn.rcs_type = ANY ($2) AND host_turn.turn_at <= $3"
);

/// Reads what lines have as far as their shares go, and one more: the next head. Tells whether there was anything to
/// read, in which case the shares may have been too large.
async fn read_shares(tx: &Tx<'_>, turns: &mut [OpenTurn], picks: &[Pick]) -> Result<bool, StoreError> {
    let shares = shares(picks);
    let mut short: Vec<(&mut OpenLine, i64)> = Vec::new();
    for (offer, turn) in turns.iter_mut().enumerate() {
        for (at, line) in turn.lines.iter_mut().enumerate() {
            let share = shares.get(&(offer, at)).copied().unwrap_or_default();
            if share > line.asked_for {
                line.asked_for = share;
                line.waiting.clear();
                short.push((line, i64::from(share) + 1));
            }
        }
    }
    if short.is_empty() {
        return Ok(false);
    }
    let rows = tx
        .query(
            FIRST_WAITING,
            &[
                &column(&short, |(line, _)| line.line_id.0),
                &column(&short, |(line, _)| line.head_due_at),
                &column(&short, |(_, count)| *count),
            ],
        )
        .await?;
    for row in &rows {
        let at = usize::try_from(get::<i64>(row, "position")? - 1).ok();
        if let Some((line, _)) = at.and_then(|at| short.get_mut(at)) {
            line.waiting.push((get(row, "job_no")?, get(row, "due_at")?));
        }
    }
    Ok(true)
}

/// The heads of lines; public so that a test can ask for its plan.
pub const FIRST_WAITING: &str = "\
-- queue.first_waiting
SELECT item.position, waiting.job_no, waiting.due_at
  FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) WITH ORDINALITY
       AS item (line_id, head_due_at, count, position)
 CROSS JOIN LATERAL (
     SELECT waiting.job_no, waiting.due_at
       FROM waiting
      WHERE waiting.line_id = item.line_id
        AND waiting.due_at >= item.head_due_at          -- what lies below is dead
      ORDER BY waiting.due_at, waiting.job_no
      LIMIT item.count) AS waiting
 ORDER BY item.position, waiting.due_at, waiting.job_no";

/// How many jobs each line of each turn gives.
fn shares(picks: &[Pick]) -> BTreeMap<(usize, usize), u32> {
    let mut shares = BTreeMap::new();
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
            locked.looked_into(line.line_id, head_due_at, taken > 0);
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
