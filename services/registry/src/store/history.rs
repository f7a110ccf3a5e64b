//! Histories: which one a scan writes into, from which number on, and how one that nobody reads any more is deleted.
//!
//! A history is one numbering of an import's commits. A scan goes on with the one that is shown; one that tells all anew begins
//! another, which is shown instead once its refs are swapped.

use super::{Store, fence::Holder};
use codeimport_pg::{DbError, Tx, row::get};
use scoped_futures::ScopedFutureExt as _;

/// So many rows are deleted by one transaction.
const BATCH: i64 = 20_000;

/// Where a scan writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Writing {
    pub(super) history_id: i64,
    /// Number of the scan's first revision.
    pub(super) base_no: i64,
}

/// What stands in the import's `scan` row about it.
struct Writer {
    shown: Option<i64>,
    token: Option<i64>,
    history_id: Option<i64>,
    base_no: i64,
    anew: bool,
}

impl Writer {
    /// Where the holder of this token writes already, if it does.
    fn of(&self, token: i64, anew: bool) -> Option<Writing> {
        let is_same = self.token == Some(token) && self.anew == anew;
        self.history_id.filter(|_| is_same).map(|history_id| Writing { history_id, base_no: self.base_no })
    }

    /// The history that another holder's scan goes on with: what an earlier one has left is as good as new. But what the same one
    /// has told before it began anew was not all, and is of no use.
    fn goes_on(&self, token: i64, anew: bool) -> Option<i64> {
        let left = self.history_id.filter(|_| self.token != Some(token) && self.anew == anew);
        left.or(self.shown.filter(|_| !anew))
    }
}

/// Finds out where this holder's scan writes; with its first call, decides it. The fence must have been raised.
pub(super) async fn begin(tx: &Tx<'_>, holder: &Holder, anew: bool) -> Result<Writing, DbError> {
    let token = holder.fencing_token.0;
    if let Some(writing) = writer(tx, holder, false).await?.and_then(|writer| writer.of(token, anew)) {
        return Ok(writing);
    }
    const MAKE: &str =
        "-- registry.make_scan\nINSERT INTO scan (import_id) VALUES ($1) ON CONFLICT (import_id) DO NOTHING";
    tx.execute(MAKE, &[&holder.import_id.as_str()]).await?;
    let Some(writer) = writer(tx, holder, true).await? else {
        return Err(DbError::decode("import_id", &"was deleted although it is held"));
    };
    match writer.of(token, anew) {
        Some(writing) => Ok(writing),
        None => decide(tx, holder, &writer, anew).await,
    }
}

async fn writer(tx: &Tx<'_>, holder: &Holder, lock: bool) -> Result<Option<Writer>, DbError> {
    const READ: &str = "-- registry.writer
        SELECT history_id, writer_token, writer_history_id, writer_base_no, writer_anew FROM scan WHERE import_id = $1";
    const LOCK: &str = "-- registry.lock_writer
        SELECT history_id, writer_token, writer_history_id, writer_base_no, writer_anew FROM scan WHERE import_id = $1
           FOR NO KEY UPDATE";
    let row = tx.query_opt(if lock { LOCK } else { READ }, &[&holder.import_id.as_str()]).await?;
    row.map(|row| {
        Ok(Writer {
            shown: get(&row, "history_id")?,
            token: get(&row, "writer_token")?,
            history_id: get(&row, "writer_history_id")?,
            base_no: get(&row, "writer_base_no")?,
            anew: get(&row, "writer_anew")?,
        })
    })
    .transpose()
}

async fn decide(tx: &Tx<'_>, holder: &Holder, writer: &Writer, anew: bool) -> Result<Writing, DbError> {
    let token = holder.fencing_token.0;
    let history_id = match writer.goes_on(token, anew) {
        Some(history_id) => history_id,
        None => next_history(tx).await?,
    };
    let unused = writer.history_id.filter(|id| *id != history_id && Some(*id) != writer.shown);
    drop_history(tx, unused).await?;
    let base_no = next_number(tx, history_id).await?;
    const SQL: &str = "-- registry.begin_writing
        UPDATE scan SET writer_token = $2, writer_history_id = $3, writer_base_no = $4, writer_anew = $5
         WHERE import_id = $1";
    tx.execute(SQL, &[&holder.import_id.as_str(), &token, &history_id, &base_no, &anew]).await?;
    Ok(Writing { history_id, base_no })
}

async fn next_history(tx: &Tx<'_>) -> Result<i64, DbError> {
    const SQL: &str = "-- registry.next_history\nSELECT nextval('history_id')";
    Ok(tx.query_one(SQL, &[]).await?.get(0))
}

async fn next_number(tx: &Tx<'_>, history_id: i64) -> Result<i64, DbError> {
    const SQL: &str = "-- registry.next_number
        SELECT coalesce(max(commit_no), 0) + 1 AS number FROM revision WHERE history_id = $1";
    get(&tx.query_one(SQL, &[&history_id]).await?, "number")
}

/// Notes that a history is no longer read.
pub(super) async fn drop_history(tx: &Tx<'_>, history_id: Option<i64>) -> Result<(), DbError> {
    const SQL: &str = "-- registry.drop_history
        INSERT INTO dropped_history (history_id) VALUES ($1) ON CONFLICT (history_id) DO NOTHING";
    match history_id {
        Some(history_id) => tx.execute(SQL, &[&history_id]).await.map(drop),
        None => Ok(()),
    }
}

/// Notes the same of all histories of an import.
pub(super) async fn drop_all(tx: &Tx<'_>, import_id: &str) -> Result<(), DbError> {
    const SQL: &str = "-- registry.drop_histories
        INSERT INTO dropped_history (history_id)
        SELECT history_id FROM scan WHERE import_id = $1 AND history_id IS NOT NULL
         UNION SELECT writer_history_id FROM scan WHERE import_id = $1 AND writer_history_id IS NOT NULL
        ON CONFLICT (history_id) DO NOTHING";
    tx.execute(SQL, &[&import_id]).await.map(drop)
}

impl Store {
    /// Deletes some of what nobody reads any more. Returns whether there may be more.
    ///
    /// Replicas may do so side by side: each takes another history. Who is just reading one of it gets shorter pages.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn sweep_dropped_history(&self) -> Result<bool, DbError> {
        let swept = self.db.run_tx("registry.sweep_dropped_history", |tx| {
            async move {
                const NEXT: &str = "-- registry.next_dropped_history
                    SELECT history_id FROM dropped_history ORDER BY history_id LIMIT 1 FOR UPDATE SKIP LOCKED";
                let Some(row) = tx.query_opt(NEXT, &[]).await? else { return Ok(false) };
                sweep(tx, get(&row, "history_id")?).await.map(|()| true)
            }
            .scope_boxed()
        });
        swept.await
    }
}

async fn sweep(tx: &Tx<'_>, history_id: i64) -> Result<(), DbError> {
    const REVISIONS: &str = "-- registry.sweep_revisions
        DELETE FROM revision
         WHERE history_id = $1
           AND commit_no IN (SELECT commit_no FROM revision WHERE history_id = $1 ORDER BY commit_no LIMIT $2)";
    const AUTHORS: &str = "-- registry.sweep_history_authors\nDELETE FROM history_author WHERE history_id = $1";
    const DONE: &str = "-- registry.forget_dropped_history\nDELETE FROM dropped_history WHERE history_id = $1";
    if tx.execute(REVISIONS, &[&history_id, &BATCH]).await? == 0 {
        tx.execute(AUTHORS, &[&history_id]).await?;
        tx.execute(DONE, &[&history_id]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(shown: Option<i64>, history_id: i64, anew: bool) -> Writer {
        Writer { shown, token: Some(5), history_id: Some(history_id), base_no: 7, anew }
    }

    #[test]
    fn a_scan_goes_on_where_it_began() {
        let begun = Some(Writing { history_id: 1, base_no: 7 });
        assert_eq!(writer(Some(1), 1, false).of(5, false), begun);
        assert_eq!(writer(Some(1), 1, false).of(5, true), None, "it tells all anew now");
        assert_eq!(writer(Some(1), 1, false).of(6, false), None, "another holder");
    }

    #[test]
    fn a_later_holder_goes_on_with_what_an_earlier_one_has_left() {
        assert_eq!(writer(None, 1, false).goes_on(6, false), Some(1));
        assert_eq!(writer(Some(1), 2, true).goes_on(6, true), Some(2));
        assert_eq!(writer(Some(1), 2, true).goes_on(6, false), Some(1), "what is shown, which is not all anew");
    }

    #[test]
    fn what_is_told_anew_does_not_go_into_what_is_shown() {
        assert_eq!(writer(Some(1), 1, false).goes_on(6, true), None);
        assert_eq!(writer(None, 1, false).goes_on(5, true), None, "nor to what the same holder found wanting");
    }
}
