//! What each run changed: the refs, before and after, and which commits came with it.

use super::{
    Store, change_import,
    fence::Holder,
    history::Writing,
    ref_change::{ObjectId, RefChange},
    rows,
};
use crate::error::RegistryError;
use codeimport_core::ImportId;
use codeimport_pg::{DbError, Row, Tx, row::get};
use jiff::Timestamp;

/// So many are deleted by one statement: with each go the refs that it changed.
const PRUNED: i64 = 1_000;

/// A swap that changed something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Swap {
    /// Rises for each import.
    pub number: i64,
    /// The run that made it.
    pub run_id: i64,
    /// When.
    pub time: Timestamp,
    /// How many refs it changed.
    pub change_count: i64,
    /// How many commits it brought.
    pub commit_count: i64,
}

/// A ref before and after: object, and commit that it leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangedRef {
    /// Full name.
    pub name: String,
    /// None if it was not there.
    pub old: Option<(ObjectId, Option<ObjectId>)>,
    /// None if it is no longer there.
    pub new: Option<(ObjectId, Option<ObjectId>)>,
}

/// Writes down what a swap changed, if it changed something. The scan's row must be locked.
pub(super) async fn insert(
    tx: &Tx<'_>,
    holder: &Holder,
    change: &RefChange<'_>,
    writing: &Writing,
    last_no: i64,
    commit_count: i64,
) -> Result<(), DbError> {
    const SQL: &str = "-- registry.insert_swap
        WITH numbered AS (
            UPDATE scan SET last_swap_number = last_swap_number + 1 WHERE import_id = $1 RETURNING last_swap_number
        ), swapped AS (
            INSERT INTO swap (import_id, swap_number, run_id, history_id, first_no, last_no, commit_count, change_count)
            SELECT $1, last_swap_number, $2, $3, $4, $5, $11, cardinality($6::text[])
              FROM numbered
        )
        INSERT INTO ref_change
               (import_id, swap_number, name, old_object_id, old_commit_id, new_object_id, new_commit_id)
        SELECT $1, last_swap_number, change.*
          FROM numbered, unnest($6::text[], $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[]) AS change";
    let pairs = change.pairs();
    if pairs.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = pairs.iter().map(|(name, ..)| *name).collect();
    let old_objects: Vec<_> = pairs.iter().map(|(_, old, _)| old.map(|r| r.object_id.as_slice())).collect();
    let old_commits: Vec<_> = pairs.iter().map(|(_, old, _)| commit_of(*old)).collect();
    let new_objects: Vec<_> = pairs.iter().map(|(.., new)| new.map(|r| r.object_id.as_slice())).collect();
    let new_commits: Vec<_> = pairs.iter().map(|(.., new)| commit_of(*new)).collect();
    let values: [&(dyn codeimport_pg::ToSql + Sync); 11] = [
        &holder.import_id.as_str(),
        &holder.run_id.0,
        &writing.history_id,
        &writing.base_no,
        &last_no,
        &names,
        &old_objects,
        &old_commits,
        &new_objects,
        &new_commits,
        &commit_count,
    ];
    tx.execute(SQL, &values).await.map(drop)
}

fn commit_of(r: Option<&super::Ref>) -> Option<&[u8]> {
    r?.commit_id.as_ref().map(ObjectId::as_slice)
}

impl Store {
    /// The swap that a run made, if it made one.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn swap_of_run(&self, import_id: &ImportId, run_id: i64) -> Result<Option<Swap>, RegistryError> {
        const SQL: &str = "-- registry.swap_of_run
            SELECT swap_number, run_id, swapped_at, change_count, commit_count
              FROM import LEFT JOIN swap ON swap.import_id = import.import_id AND run_id = $2
             WHERE import.import_id = $1
             ORDER BY swap_number DESC NULLS LAST
             LIMIT 1";
        let row = self.db.client().await?.query_opt(SQL, &[&import_id.as_str(), &run_id]).await?;
        Ok(swap_opt(&row.ok_or_else(|| change_import::not_found(import_id))?)?)
    }

    /// The first swap after this one, if there is one yet.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn next_swap(&self, import_id: &ImportId, after: i64) -> Result<Option<Swap>, RegistryError> {
        const SQL: &str = "-- registry.next_swap
            SELECT swap_number, run_id, swapped_at, change_count, commit_count
              FROM import LEFT JOIN swap ON swap.import_id = import.import_id AND swap_number > $2
             WHERE import.import_id = $1
             ORDER BY swap_number
             LIMIT 1";
        let row = self.db.client().await?.query_opt(SQL, &[&import_id.as_str(), &after]).await?;
        Ok(swap_opt(&row.ok_or_else(|| change_import::not_found(import_id))?)?)
    }

    /// Deletes some swaps older than this, with the refs that they changed, but for the last one of each import; returns how
    /// many.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn prune_swaps(&self, before: Timestamp) -> Result<u64, DbError> {
        const SQL: &str = "-- registry.prune_swaps
            WITH old AS (
                SELECT swap.import_id, swap_number FROM swap JOIN scan ON scan.import_id = swap.import_id
                 WHERE swapped_at < $1 AND swap_number < last_swap_number
                 ORDER BY swapped_at LIMIT $2
            )
            DELETE FROM swap USING old WHERE swap.import_id = old.import_id AND swap.swap_number = old.swap_number";
        self.db.client().await?.execute(SQL, &[&before, &PRUNED]).await
    }

    /// At most `limit` refs that a swap changed, those with names after `after`.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn ref_changes(
        &self,
        import_id: &ImportId,
        swap_number: i64,
        after: &str,
        limit: u32,
    ) -> Result<Vec<ChangedRef>, DbError> {
        const SQL: &str = "-- registry.ref_changes
            SELECT name, old_object_id, old_commit_id, new_object_id, new_commit_id
              FROM ref_change
             WHERE import_id = $1 AND swap_number = $2 AND name > $3
             ORDER BY name
             LIMIT $4";
        let client = self.db.client().await?;
        let rows = client.query(SQL, &[&import_id.as_str(), &swap_number, &after, &i64::from(limit)]).await?;
        rows.iter().map(changed_ref).collect()
    }
}

/// An import without a swap is one row without a number.
fn swap_opt(row: &Row) -> Result<Option<Swap>, DbError> {
    let Some(number) = get(row, "swap_number")? else { return Ok(None) };
    Ok(Some(Swap {
        number,
        run_id: get(row, "run_id")?,
        time: get(row, "swapped_at")?,
        change_count: get(row, "change_count")?,
        commit_count: get(row, "commit_count")?,
    }))
}

fn changed_ref(row: &Row) -> Result<ChangedRef, DbError> {
    let side = |object: &'static str, commit: &'static str| {
        let object_id = rows::object_id_opt(row, object)?;
        object_id.map(|id| Ok::<_, DbError>((id, rows::object_id_opt(row, commit)?))).transpose()
    };
    Ok(ChangedRef {
        name: get(row, "name")?,
        old: side("old_object_id", "old_commit_id")?,
        new: side("new_object_id", "new_commit_id")?,
    })
}
