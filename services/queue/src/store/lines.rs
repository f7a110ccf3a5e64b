//! The names of lines: made once, and never changed.

use super::{
    StoreError, column,
    rows::{self, host_columns},
};
use crate::{
    board::{LineId, TurnKey},
    host::{Host, HostId},
};
use codeimport_pg::{
    DbError, Row, Tx,
    row::{get, parsed},
};
use std::collections::{BTreeMap, BTreeSet};

/// What names a line for people and programs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct LineKey {
    pub(super) turn: TurnKey,
    pub(super) owner: String,
}

/// Lines with the turns that they share, and their hosts.
pub(super) const LINES_WITH_HOSTS: &str = concat!(
    "-- queue.lines_with_hosts\nSELECT line.line_id, line.rcs_type, line.requested, ",
    host_columns!(),
    " FROM line JOIN source_host ON source_host.host_id = line.host_id WHERE line.line_id = ANY ($1)"
);

/// A row of [`LINES_WITH_HOSTS`].
pub(super) fn line_with_host(row: &Row) -> Result<(LineId, TurnKey, Host), DbError> {
    Ok((LineId(get(row, "line_id")?), turn_key(row)?, rows::host(row)?))
}

/// A line by its key.
pub(super) fn line(row: &Row) -> Result<(LineKey, LineId), DbError> {
    Ok((LineKey { turn: turn_key(row)?, owner: get(row, "owner")? }, LineId(get(row, "line_id")?)))
}

fn turn_key(row: &Row) -> Result<TurnKey, DbError> {
    Ok(TurnKey {
        host_id: HostId(get(row, "host_id")?),
        rcs_type: parsed(row, "rcs_type")?,
        requested: get(row, "requested")?,
    })
}

const FIND_LINES: &str = "\
-- queue.find_lines
SELECT line.line_id, line.host_id, line.rcs_type, line.requested, line.owner
  FROM unnest($1::bigint[], $2::text[], $3::bool[], $4::text[]) AS item (host_id, rcs_type, requested, owner)
  JOIN line ON line.host_id = item.host_id AND line.rcs_type = item.rcs_type
           AND line.requested = item.requested AND line.owner = item.owner";

const MAKE_LINES: &str = "\
-- queue.make_lines
INSERT INTO line (host_id, rcs_type, requested, owner)
SELECT item.host_id, item.rcs_type, item.requested, item.owner
  FROM unnest($1::bigint[], $2::text[], $3::bool[], $4::text[]) AS item (host_id, rcs_type, requested, owner)
    ON CONFLICT DO NOTHING";

/// The numbers of lines, which are made if there are none yet. Needs no lock: a line in which nothing waits means nothing.
pub(super) async fn line_ids(tx: &Tx<'_>, keys: &BTreeSet<LineKey>) -> Result<BTreeMap<LineKey, LineId>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let columns = KeyColumns::of(keys);
    let found = columns.find(tx).await?;
    if found.len() == keys.len() {
        return Ok(found);
    }
    columns.make(tx).await?;
    columns.find(tx).await
}

struct KeyColumns {
    host_id: Vec<i64>,
    rcs_type: Vec<&'static str>,
    requested: Vec<bool>,
    owner: Vec<String>,
}

impl KeyColumns {
    fn of(keys: &BTreeSet<LineKey>) -> Self {
        let keys: Vec<&LineKey> = keys.iter().collect();
        Self {
            host_id: column(&keys, |key| key.turn.host_id.0),
            rcs_type: column(&keys, |key| key.turn.rcs_type.name()),
            requested: column(&keys, |key| key.turn.requested),
            owner: column(&keys, |key| key.owner.clone()),
        }
    }

    async fn find(&self, tx: &Tx<'_>) -> Result<BTreeMap<LineKey, LineId>, StoreError> {
        let rows = tx.query(FIND_LINES, &[&self.host_id, &self.rcs_type, &self.requested, &self.owner]).await?;
        Ok(rows.iter().map(line).collect::<Result<_, _>>()?)
    }

    async fn make(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        tx.execute(MAKE_LINES, &[&self.host_id, &self.rcs_type, &self.requested, &self.owner]).await?;
        Ok(())
    }
}
