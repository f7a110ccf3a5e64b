//! Who may be served: locks the hosts whose turn it is, and finds out when the next one has its.
//!
//! Turns are read from where the last round saw the first one: what lies below is dead, and if somebody holds a snapshot
//! it cannot be cleaned up. That bound is a hint, and given up once a second (`rounds`).

use super::{Store, StoreError, locked_hosts::LockedHosts, rows::host_columns};
use crate::host::HostPolicy;
use codeimport_core::RcsType;
use codeimport_pg::{
    DbError, Row, Statement,
    row::{get, parsed},
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, time::Duration};

/// Most hosts looked at in one round.
const MAX_HOSTS: u32 = 250;

/// More than are wanted, because some may be held by another leaser, or have less than they seem to.
pub(super) const SPARE: u32 = 8;

/// A transaction that is under way while we look may write a turn from so long ago.
const UNDER_WAY: SignedDuration = SignedDuration::from_millis(100);

/// From where on the turns of each type are looked at.
pub(super) type TurnsFrom = BTreeMap<RcsType, Timestamp>;

/// Locks the hosts whose turn it is; rows that another leaser holds are skipped.
pub(super) fn lock_ripe_hosts(from: &TurnsFrom, wanted: u32) -> Statement {
    let limit = i64::from(wanted.saturating_add(SPARE).min(MAX_HOSTS));
    with_types(Statement::new(LOCK_RIPE_HOSTS), from).bind(limit)
}

fn with_types(statement: Statement, from: &TurnsFrom) -> Statement {
    let names: Vec<&'static str> = from.keys().map(|rcs_type| rcs_type.name()).collect();
    statement.bind(names).bind(from.values().copied().collect::<Vec<Timestamp>>())
}

/// The hosts locked; none if it is nobody's turn.
pub(super) fn ripe_hosts<'p>(policy: &'p HostPolicy, rows: &[Row]) -> Result<Option<LockedHosts<'p>>, DbError> {
    let Some(first) = rows.first() else { return Ok(None) };
    Ok(Some(LockedHosts::new(policy, get(first, "now")?).with_hosts(rows)?))
}

/// The statement that finds who may be served; public so that a test can ask for its plan.
pub const LOCK_RIPE_HOSTS: &str = concat!(
    "-- queue.lock_ripe_hosts
WITH ripe AS MATERIALIZED (
    SELECT DISTINCT turn.host_id
      FROM unnest($1::text[], $2::timestamptz[]) AS kind (rcs_type, turn_from)
     CROSS JOIN (VALUES (true), (false)) AS class (requested)
     CROSS JOIN LATERAL (
         SELECT host_turn.host_id
           FROM host_turn
          WHERE host_turn.rcs_type = kind.rcs_type AND host_turn.requested = class.requested
            AND host_turn.turn_at >= kind.turn_from AND host_turn.turn_at <= statement_timestamp()
          ORDER BY host_turn.turn_at, host_turn.host_id
          LIMIT $3) AS turn
), source_host AS MATERIALIZED (
    SELECT ",
    host_columns!(),
    "
      FROM source_host
     WHERE source_host.host_id IN (SELECT ripe.host_id FROM ripe)
     ORDER BY source_host.host_id
       FOR NO KEY UPDATE SKIP LOCKED                    -- never wait for another leaser
), noted AS MATERIALIZED (
    SELECT set_config('queue.locked_hosts', array_agg(source_host.host_id)::text, true) FROM source_host
)
SELECT ",
    host_columns!(),
    ", statement_timestamp() AS now
  FROM source_host
 CROSS JOIN noted"
);

/// What [`LOCK_RIPE_HOSTS`] has locked, for the statements that come after it in the same transaction: so they can be sent
/// with it, before this process knows its answer.
macro_rules! locked_hosts {
    () => {
        "nullif(current_setting('queue.locked_hosts', true), '')::bigint[]"
    };
}
pub(super) use locked_hosts;

/// When the first host of each type has its turn, ripe or not.
pub(super) fn next_turns(from: &TurnsFrom) -> Statement {
    with_types(Statement::new(NEXT_TURNS), from)
}

const NEXT_TURNS: &str = "\
-- queue.next_turns
SELECT kind.rcs_type, min(next.turn_at) AS turn_at, statement_timestamp() AS now
  FROM unnest($1::text[], $2::timestamptz[]) AS kind (rcs_type, turn_from)
 CROSS JOIN (VALUES (true), (false)) AS class (requested)
  LEFT JOIN LATERAL (
      SELECT host_turn.turn_at
        FROM host_turn
       WHERE host_turn.rcs_type = kind.rcs_type AND host_turn.requested = class.requested
         AND host_turn.turn_at >= kind.turn_from
       ORDER BY host_turn.turn_at
       LIMIT 1) AS next ON true
 GROUP BY kind.rcs_type";

/// The first turn of each type at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct NextTurns {
    now: Timestamp,
    first: BTreeMap<RcsType, Option<Timestamp>>,
}

impl NextTurns {
    pub(super) fn read(rows: &[Row]) -> Result<Self, DbError> {
        let mut turns = Self { now: Timestamp::UNIX_EPOCH, first: BTreeMap::new() };
        for row in rows {
            turns.now = get(row, "now")?;
            turns.first.insert(parsed(row, "rcs_type")?, get(row, "turn_at")?);
        }
        Ok(turns)
    }

    /// How long until then: zero if somebody has a turn already; none if nobody ever will as things are.
    pub(super) fn earliest(&self) -> Option<Duration> {
        let first = self.first.values().flatten().min()?;
        Some(Duration::try_from(first.duration_since(self.now)).unwrap_or_default())
    }

    /// From where on the next round may look: who writes a turn that is ripe writes the time of its own transaction.
    pub(super) fn bounds(&self) -> TurnsFrom {
        let latest = self.now - UNDER_WAY;
        let bound = |first: Option<Timestamp>| first.map_or(latest, |first| first.min(latest));
        self.first.iter().map(|(rcs_type, first)| (*rcs_type, bound(*first))).collect()
    }
}

impl Store {
    /// How long until the next host with jobs of these types has its turn: zero if one has it already; none if none
    /// ever will as things are.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn next_turn_in(&self, rcs_types: &[RcsType]) -> Result<Option<Duration>, StoreError> {
        let names: Vec<&str> = rcs_types.iter().map(|rcs_type| rcs_type.name()).collect();
        let from = vec![Timestamp::UNIX_EPOCH; names.len()];
        let rows = self.db.client().await?.query(NEXT_TURNS, &[&names, &from]).await?;
        Ok(NextTurns::read(&rows)?.earliest())
    }

    /// The next lease round looks at all turns. For whoever has changed them past the store: tests.
    pub fn look_at_all_turns(&self) {
        self.rounds.forget_bounds();
    }
}
