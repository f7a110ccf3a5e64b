//! The hosts that a transaction has locked, with their turns and lines, as they were read and as they shall be.
//!
//! The lock of a host's row guards its turns, its lines and the jobs that wait in them. So those are never locked
//! themselves, whoever has read them after the lock has read the truth, and as all take several hosts in the order of
//! their numbers, and after any lease, nobody waits in a circle.

use super::{
    StoreError,
    rows::{self, host_columns, line_columns, turn_columns},
    write_hosts::{Changed, write_hosts},
};
use crate::{
    host::{Host, HostId, HostPolicy},
    turns::{HostTurn, Line, LineId, TurnKey},
};
use codeimport_pg::{DbError, Row, Statement, Tx, row::get};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A value as it was read, and as it shall be.
#[derive(Clone, Debug)]
struct Kept<T> {
    read: T,
    value: T,
}

impl<T: Clone + PartialEq> Kept<T> {
    fn new(read: T) -> Self {
        Self { value: read.clone(), read }
    }

    fn changed(&self) -> Option<&T> {
        (self.value != self.read).then_some(&self.value)
    }
}

/// What names a line for people and programs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct LineKey {
    pub(super) turn: TurnKey,
    pub(super) owner: String,
}

/// See the head of this file.
pub(super) struct LockedHosts<'p> {
    policy: &'p HostPolicy,
    now: Timestamp,
    hosts: BTreeMap<HostId, Kept<Host>>,
    turns: BTreeMap<TurnKey, Kept<HostTurn>>,
    lines: BTreeMap<LineId, Kept<Line>>,
    /// Of the lines that were read with their names.
    named: BTreeMap<LineKey, LineId>,
    served: BTreeSet<TurnKey>,
}

impl<'p> LockedHosts<'p> {
    /// `now` is the database's, later than the locks.
    pub(super) fn new(policy: &'p HostPolicy, now: Timestamp) -> Self {
        let (hosts, turns, lines, named, served) = Default::default();
        Self { policy, now, hosts, turns, lines, named, served }
    }

    /// Locks hosts, and reads their turns and some of their lines.
    pub(super) async fn lock(
        tx: &Tx<'_>,
        policy: &'p HostPolicy,
        hosts: &BTreeSet<HostId>,
        lines: &BTreeSet<LineId>,
    ) -> Result<Self, StoreError> {
        let host_ids: Vec<i64> = hosts.iter().map(|host_id| host_id.0).collect();
        let line_ids: Vec<i64> = lines.iter().map(|line_id| line_id.0).collect();
        let read = tx
            .pipeline(&[
                Statement::new(LOCK_HOSTS).bind(host_ids.clone()),
                Statement::new(NOW),
                Statement::new(TURNS_OF_HOSTS).bind(host_ids),
                Statement::new(LINES).bind(line_ids),
            ])
            .await?;
        let mut locked = Self::new(policy, read_now(&read[1])?).with_hosts(&read[0])?;
        locked.add_turns(&read[2])?;
        locked.add_lines(&read[3])?;
        Ok(locked)
    }

    /// With rows of `host_columns`.
    pub(super) fn with_hosts(mut self, rows: &[Row]) -> Result<Self, DbError> {
        for row in rows {
            let host = rows::host(row)?;
            self.hosts.insert(host.host_id, Kept::new(host));
        }
        Ok(self)
    }

    /// Takes in rows of `turn_columns`: all turns of a host, or none.
    pub(super) fn add_turns(&mut self, rows: &[Row]) -> Result<(), DbError> {
        for row in rows {
            let (key, turn) = rows::turn(row)?;
            self.turns.insert(key, Kept::new(turn));
        }
        Ok(())
    }

    /// Takes in rows of `line_columns`.
    pub(super) fn add_lines(&mut self, rows: &[Row]) -> Result<(), DbError> {
        for row in rows {
            let (line_id, line) = rows::line(row)?;
            self.lines.insert(line_id, Kept::new(line));
        }
        Ok(())
    }

    /// The database's time, later than the locks.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn holds(&self, host_id: HostId) -> bool {
        self.hosts.contains_key(&host_id)
    }

    pub(super) fn policy(&self) -> &'p HostPolicy {
        self.policy
    }

    pub(super) fn host_mut(&mut self, host_id: HostId) -> Option<&mut Host> {
        self.hosts.get_mut(&host_id).map(|kept| &mut kept.value)
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values().map(|kept| &kept.value)
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = (LineId, Line)> {
        self.lines.iter().map(|(line_id, kept)| (*line_id, kept.value))
    }

    /// A job comes to wait in a line.
    pub(super) fn admit(&mut self, line_id: LineId, due_at: Timestamp) {
        let Some(line) = self.lines.get_mut(&line_id) else { return };
        line.value.admit(due_at, self.now);
        if let (Some(turn), Some(line_turn_at)) = (self.turns.get_mut(&line.value.key), line.value.turn_at) {
            turn.value.admit(line_turn_at);
        }
    }

    /// A line was looked into: what is at its head now, whether jobs were taken, and whether others wait for the same turn.
    /// One that is alone keeps its place, in which nobody is behind it: nothing that has an index changes then.
    pub(super) fn looked_into(
        &mut self,
        line_id: LineId,
        head_due_at: Option<Timestamp>,
        served: bool,
        shares_turn: bool,
    ) {
        let Some(line) = self.lines.get_mut(&line_id) else { return };
        line.value.looked_into(head_due_at, served && shares_turn, self.now);
        if served {
            self.served.insert(line.value.key);
        }
    }

    /// All lines of a turn that can be ripe until `beyond` are known here; what comes after is not ripe earlier.
    pub(super) fn set_first_line(&mut self, key: TurnKey, beyond: Option<Timestamp>) {
        let of_turn = self.lines.values().filter(|kept| kept.value.key == key);
        let first = of_turn.filter_map(|kept| kept.value.turn_at).chain(beyond).min();
        if let Some(turn) = self.turns.get_mut(&key) {
            turn.value.first_line_at = first;
        }
    }

    pub(super) fn turns(&self) -> impl Iterator<Item = (TurnKey, HostTurn)> {
        self.turns.iter().map(|(key, kept)| (*key, kept.value))
    }

    /// Takes in rows of `line_columns` and the owner.
    pub(super) fn add_named_lines(&mut self, rows: &[Row]) -> Result<(), DbError> {
        for row in rows {
            let (line_id, line) = rows::line(row)?;
            self.lines.entry(line_id).or_insert_with(|| Kept::new(line));
            self.turns.entry(line.key).or_insert_with(|| Kept::new(HostTurn::default()));
            self.named.extend([named_line(row)?]);
        }
        Ok(())
    }

    /// The numbers of lines, which are read if they have not been, and made if there are none yet.
    pub(super) async fn ensure_lines(
        &mut self,
        tx: &Tx<'_>,
        keys: &BTreeSet<LineKey>,
    ) -> Result<BTreeMap<LineKey, LineId>, StoreError> {
        let missing: BTreeSet<LineKey> = keys.iter().filter(|key| !self.named.contains_key(*key)).cloned().collect();
        if !missing.is_empty() {
            self.add_named_lines(&find_or_make_lines(tx, &missing).await?)?;
        }
        Ok(keys.iter().filter_map(|key| Some((key.clone(), *self.named.get(key)?))).collect())
    }

    /// The statement that writes what has changed, if anything has.
    pub(super) fn write(&mut self) -> Option<Statement> {
        for (key, turn) in &mut self.turns {
            if let Some(host) = self.hosts.get(&key.host_id) {
                turn.value.settle(&host.value, self.policy, self.served.contains(key), self.now);
            }
        }
        write_hosts(&Changed {
            hosts: self.hosts.values().filter_map(Kept::changed).collect(),
            turns: self.turns.iter().filter_map(|(key, kept)| Some((*key, kept.changed()?))).collect(),
            lines: self.lines.iter().filter_map(|(line_id, kept)| Some((*line_id, kept.changed()?))).collect(),
        })
    }

    /// Whether anything here may be leased from now on.
    pub(super) fn has_ripe_turn(&self) -> bool {
        self.turns.values().any(|kept| kept.value.turn_at.is_some_and(|turn_at| turn_at <= self.now))
    }
}

const LOCK_HOSTS: &str = concat!(
    "-- queue.lock_hosts\nSELECT ",
    host_columns!(),
    " FROM source_host WHERE source_host.host_id = ANY ($1) ORDER BY source_host.host_id FOR NO KEY UPDATE"
);

/// The time after the locks.
pub(super) const NOW: &str = "-- queue.now\nSELECT statement_timestamp() AS now";

const TURNS_OF_HOSTS: &str =
    concat!("-- queue.turns_of_hosts\nSELECT ", turn_columns!(), " FROM host_turn WHERE host_turn.host_id = ANY ($1)");

const LINES: &str = concat!("-- queue.lines\nSELECT ", line_columns!(), " FROM line WHERE line.line_id = ANY ($1)");

pub(super) fn read_now(rows: &[Row]) -> Result<Timestamp, DbError> {
    rows.first().map_or(Ok(Timestamp::UNIX_EPOCH), |row| get(row, "now"))
}

/// Rows of `line_columns` and the owner, made if there are none yet. Needs no lock: a line that is empty means nothing.
async fn find_or_make_lines(tx: &Tx<'_>, keys: &BTreeSet<LineKey>) -> Result<Vec<Row>, StoreError> {
    let columns = LineKeyColumns::of(keys);
    let found = columns.find(tx).await?;
    if found.len() == keys.len() {
        return Ok(found);
    }
    columns.make(tx).await?;
    Ok(columns.find(tx).await?)
}

/// The numbers of lines, which are made if there are none yet. For whoever has not locked their hosts.
pub(super) async fn line_ids(tx: &Tx<'_>, keys: &BTreeSet<LineKey>) -> Result<BTreeMap<LineKey, LineId>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = find_or_make_lines(tx, keys).await?;
    rows.iter().map(|row| Ok(named_line(row)?)).collect()
}

fn named_line(row: &Row) -> Result<(LineKey, LineId), DbError> {
    let (line_id, line) = rows::line(row)?;
    Ok((LineKey { turn: line.key, owner: get(row, "owner")? }, line_id))
}

const FIND_LINES: &str = concat!(
    "-- queue.find_lines\nSELECT ",
    line_columns!(),
    ", line.owner
      FROM unnest($1::bigint[], $2::text[], $3::bool[], $4::text[]) AS item (host_id, rcs_type, requested, owner)
      JOIN line ON line.host_id = item.host_id AND line.rcs_type = item.rcs_type
               AND line.requested = item.requested AND line.owner = item.owner"
);

/// One column of a batch.
pub(super) fn column<T, V>(items: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    items.iter().map(value).collect()
}

struct LineKeyColumns {
    host_id: Vec<i64>,
    rcs_type: Vec<&'static str>,
    requested: Vec<bool>,
    owner: Vec<String>,
}

impl LineKeyColumns {
    fn of(keys: &BTreeSet<LineKey>) -> Self {
        let keys: Vec<&LineKey> = keys.iter().collect();
        Self {
            host_id: column(&keys, |key| key.turn.host_id.0),
            rcs_type: column(&keys, |key| key.turn.rcs_type.name()),
            requested: column(&keys, |key| key.turn.requested),
            owner: column(&keys, |key| key.owner.clone()),
        }
    }

    async fn find(&self, tx: &Tx<'_>) -> Result<Vec<Row>, DbError> {
        tx.query(FIND_LINES, &[&self.host_id, &self.rcs_type, &self.requested, &self.owner]).await
    }

    async fn make(&self, tx: &Tx<'_>) -> Result<(), DbError> {
        tx.execute(
            "-- queue.make_turns
             INSERT INTO host_turn (host_id, rcs_type, requested)
             SELECT DISTINCT item.host_id, item.rcs_type, item.requested
               FROM unnest($1::bigint[], $2::text[], $3::bool[]) AS item (host_id, rcs_type, requested)
                 ON CONFLICT DO NOTHING",
            &[&self.host_id, &self.rcs_type, &self.requested],
        )
        .await?;
        tx.execute(
            "-- queue.make_lines
             INSERT INTO line (host_id, rcs_type, requested, owner)
             SELECT item.host_id, item.rcs_type, item.requested, item.owner
               FROM unnest($1::bigint[], $2::text[], $3::bool[], $4::text[])
                    AS item (host_id, rcs_type, requested, owner)
                 ON CONFLICT DO NOTHING",
            &[&self.host_id, &self.rcs_type, &self.requested, &self.owner],
        )
        .await?;
        Ok(())
    }
}
