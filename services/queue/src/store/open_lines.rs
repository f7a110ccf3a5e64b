//! The lines that have their turn, read from their heads and no further than their shares.

use super::{
    StoreError,
    locked_hosts::{LockedHosts, column},
    ripe_hosts::{SPARE, locked_hosts},
    rows::{line_columns, turn_columns},
};
use crate::turns::{LineId, TurnKey};
use codeimport_core::RcsType;
use codeimport_pg::{DbError, Row, Statement, Tx, row::get};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Most lines of each turn that are looked at in one round.
const MAX_LINES: u32 = 100;

/// How many jobs each line of each turn gives, both by their index.
pub(super) type Shares = BTreeMap<(usize, usize), u32>;

/// A line that has its turn, with as much of it as has been read.
pub(super) struct OpenLine {
    pub(super) line_id: LineId,
    pub(super) head_due_at: Timestamp,
    pub(super) waiting: Vec<(i64, Timestamp)>,
    pub(super) asked_for: u32,
}

impl OpenLine {
    fn new(line_id: LineId, head_due_at: Timestamp) -> Self {
        Self { line_id, head_due_at, waiting: Vec::new(), asked_for: 0 }
    }

    /// How many due jobs have been read.
    pub(super) fn ripe(&self, now: Timestamp) -> u32 {
        let ripe = self.waiting.iter().take_while(|(_, due_at)| *due_at <= now).count();
        u32::try_from(ripe).unwrap_or(u32::MAX)
    }

    /// How many due jobs it has at most, as far as is known.
    pub(super) fn at_most(&self, now: Timestamp) -> u32 {
        let ripe = self.ripe(now);
        // All that were asked for, and one more, which tells that there may be others.
        if self.asked_for == 0 || ripe > self.asked_for { u32::MAX } else { ripe }
    }
}

/// The ripe lines of one turn.
pub(super) struct OpenTurn {
    pub(super) key: TurnKey,
    pub(super) lines: Vec<OpenLine>,
    /// When the first line comes that is not among them; none if there is none.
    pub(super) beyond: Option<Timestamp>,
}

impl OpenTurn {
    /// Whether one line has this turn for itself now.
    pub(super) fn is_of_one_line(&self, now: Timestamp) -> bool {
        self.lines.len() == 1 && self.beyond.is_none_or(|beyond| beyond > now)
    }

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

/// The statements that read all turns of the hosts just locked, and their ripe lines, each with as much of it as it gives
/// if all hosts give the same.
pub(super) fn read_turns(types: &BTreeSet<RcsType>, wanted: u32) -> [Statement; 2] {
    let names: Vec<&'static str> = types.iter().map(|rcs_type| rcs_type.name()).collect();
    let lines = Statement::new(FIRST_LINES).bind(names).bind(i64::from(most_lines(wanted))).bind(f64::from(wanted));
    [Statement::new(TURNS_OF_LOCKED_HOSTS), lines]
}

/// The turns that have come, with their lines, both in order.
pub(super) fn ripe_turns(
    locked: &mut LockedHosts<'_>,
    wanted: u32,
    turns: &[Row],
    lines: &[Row],
) -> Result<Vec<OpenTurn>, DbError> {
    locked.add_turns(turns)?;
    locked.add_lines(lines)?;
    let heads: BTreeMap<LineId, Vec<(i64, Timestamp)>> = lines.iter().map(head).collect::<Result<_, _>>()?;
    let asked_for = wanted.div_ceil(u32::try_from(locked.hosts().count()).unwrap_or(u32::MAX).max(1));
    let ripe = locked.turns().filter_map(|(key, turn)| Some((turn.turn_at.filter(|at| *at <= locked.now())?, key)));
    let mut ripe: Vec<(Timestamp, TurnKey)> = ripe.collect();
    ripe.sort_unstable();
    let open = ripe.into_iter().map(|(_, key)| OpenTurn::read(locked, key, most_lines(wanted)));
    let mut open: Vec<OpenTurn> = open.collect();
    for line in open.iter_mut().flat_map(|turn| &mut turn.lines) {
        if let Some(waiting) = heads.get(&line.line_id) {
            line.waiting.clone_from(waiting);
            line.asked_for = asked_for;
        }
    }
    Ok(open)
}

fn most_lines(wanted: u32) -> u32 {
    wanted.saturating_add(SPARE).min(MAX_LINES)
}

fn head(row: &Row) -> Result<(LineId, Vec<(i64, Timestamp)>), DbError> {
    let job_nos: Option<Vec<i64>> = get(row, "job_nos")?;
    let due_at: Option<Vec<Timestamp>> = get(row, "due_at")?;
    let waiting = job_nos.unwrap_or_default().into_iter().zip(due_at.unwrap_or_default());
    let mut waiting: Vec<(i64, Timestamp)> = waiting.collect();
    // An aggregate promises no order.
    waiting.sort_unstable_by_key(|(job_no, due_at)| (*due_at, *job_no));
    Ok((LineId(get(row, "line_id")?), waiting))
}

const TURNS_OF_LOCKED_HOSTS: &str = concat!(
    "-- queue.turns_of_locked_hosts\nSELECT ",
    turn_columns!(),
    " FROM host_turn WHERE host_turn.host_id = ANY (",
    locked_hosts!(),
    ")"
);

/// The lines that may be served, of hosts that may, with their heads; public so that a test can ask for its plan.
pub const FIRST_LINES: &str = concat!(
    "-- queue.first_lines
SELECT ",
    line_columns!(),
    ", head.job_nos, head.due_at
  FROM host_turn
 CROSS JOIN LATERAL (
     SELECT line.line_id, line.host_id, line.rcs_type, line.requested, line.head_due_at, line.turn_at
       FROM line
      WHERE line.host_id = host_turn.host_id AND line.rcs_type = host_turn.rcs_type
        AND line.requested = host_turn.requested
        AND line.turn_at >= host_turn.first_line_at     -- what lies below is dead: an index full of it costs nothing
      ORDER BY line.turn_at, line.line_id
      LIMIT $2) AS line
  LEFT JOIN LATERAL (
     SELECT array_agg(first.job_no) AS job_nos, array_agg(first.due_at) AS due_at
       FROM (SELECT waiting.job_no, waiting.due_at
               FROM waiting
              WHERE waiting.line_id = line.line_id
                AND waiting.due_at >= line.head_due_at  -- what lies below is dead
              ORDER BY waiting.due_at, waiting.job_no
              LIMIT (SELECT ceil($3::float8 / cardinality(",
    locked_hosts!(),
    "))::bigint + 1)) AS first) AS head ON line.turn_at <= statement_timestamp()
 WHERE host_turn.host_id = ANY (",
    locked_hosts!(),
    ") AND host_turn.rcs_type = ANY ($1) AND host_turn.turn_at <= statement_timestamp()"
);

/// Reads what lines have as far as their shares go, and one more: the next head. Tells whether there was anything to
/// read, in which case the shares may have been too large.
pub(super) async fn read_shares(tx: &Tx<'_>, turns: &mut [OpenTurn], shares: &Shares) -> Result<bool, StoreError> {
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
