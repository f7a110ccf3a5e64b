//! Makes a scan visible: replaces all refs of an import, and with them what is shown of its revisions.
//!
//! Invariant: a revision of the shown history is visible exactly if its number is not above `scan.last_no`, and then some ref leads to it.
//! So what a scan has told becomes visible by one number, and what no ref leads to any more is deleted with it. It is not only hidden: a
//! worker sends all that its new refs lead to beyond those of the last swap, so that what comes back is sent again.

use super::{
    Store, events,
    fence::{self, Holder},
    history::{self, Writing},
    reachable::{self, Reachable},
    ref_change::{ObjectId, RefChange},
    rows, swaps,
};
use crate::{error::RegistryError, reach::Spans};
use codeimport_pg::{DbError, Row, Tx, row::get};
use scoped_futures::ScopedFutureExt as _;
use std::collections::{BTreeMap, BTreeSet};

/// A ref of the target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ref {
    /// Full name.
    pub name: String,
    /// The object it points to.
    pub object_id: ObjectId,
    /// The commit it leads to, if it leads to one.
    pub commit_id: Option<ObjectId>,
}

/// What a scan has found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scan {
    /// All refs; each name once.
    pub refs: Vec<Ref>,
    /// Full name of the default branch; empty if there is none.
    pub default_branch: String,
    /// SHA-256 over both.
    pub refs_digest: Vec<u8>,
    /// The scan has told all of history anew.
    pub anew: bool,
    /// Bytes that the target takes; 0: unknown.
    pub target_bytes: i64,
}

/// What is shown before the swap.
struct Shown {
    history_id: Option<i64>,
    last_no: i64,
    spans: Spans,
    refs: Vec<Ref>,
    reach: BTreeMap<ObjectId, Spans>,
}

/// What is to be shown after it.
struct Next {
    writing: Writing,
    /// Nothing of the old totals holds.
    whole: bool,
    found: Reachable,
    spans: Spans,
}

impl Store {
    /// Makes a scan visible, all of it at once, and returns how many refs were created, moved or deleted.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`, `LeaseLost`, `CommitNotStored`.
    pub async fn swap_refs(&self, holder: &Holder, scan: &Scan) -> Result<u64, RegistryError> {
        let swapped = self.db.run_tx("registry.swap_refs", |tx| {
            async move {
                fence::raise(tx, holder).await?;
                let writing = history::begin(tx, holder, scan.anew).await?;
                let shown = lock_shown(tx, holder.import_id.as_str()).await?;
                let change = RefChange::between(&shown.refs, &scan.refs);
                let next = work_out(tx, writing, &shown, scan, &change).await?;
                write(tx, holder, scan, &shown, &change, &next).await?;
                if change.count() > 0 {
                    events::insert(tx, &[(&holder.import_id, &change.event(holder.run_id.0))]).await?;
                }
                Ok::<_, RegistryError>(change.count())
            }
            .scope_boxed()
        });
        let changed = swapped.await?;
        self.refs_swapped.notify_waiters();
        self.events_added.notify_waiters();
        Ok(changed)
    }
}

async fn lock_shown(tx: &Tx<'_>, import_id: &str) -> Result<Shown, DbError> {
    const SCAN: &str = "-- registry.lock_scan
        SELECT history_id, last_no, shown FROM scan WHERE import_id = $1 FOR NO KEY UPDATE";
    const REFS: &str = "-- registry.current_refs
        SELECT name, object_id, commit_id, reach FROM ref WHERE import_id = $1";
    let scan = tx.query_one(SCAN, &[&import_id]).await?;
    let rows = tx.query(REFS, &[&import_id]).await?;
    let refs = rows.iter().map(reference).collect::<Result<Vec<_>, _>>()?;
    let mut reach = BTreeMap::new();
    for (row, to) in rows.iter().zip(&refs) {
        if let Some(commit_id) = to.commit_id {
            reach.insert(commit_id, rows::spans(row, "reach")?);
        }
    }
    let (history_id, last_no) = (get(&scan, "history_id")?, get(&scan, "last_no")?);
    Ok(Shown { history_id, last_no, spans: rows::spans(&scan, "shown")?, refs, reach })
}

/// A ref from the columns `name`, `object_id`, `commit_id`.
pub(super) fn reference(row: &Row) -> Result<Ref, DbError> {
    Ok(Ref {
        name: get(row, "name")?,
        object_id: rows::object_id(row, "object_id")?,
        commit_id: rows::object_id_opt(row, "commit_id")?,
    })
}

async fn work_out(
    tx: &Tx<'_>,
    writing: Writing,
    shown: &Shown,
    scan: &Scan,
    change: &RefChange<'_>,
) -> Result<Next, RegistryError> {
    if shown.history_id == Some(writing.history_id) {
        let lost = reachable::numbers(tx, writing.history_id, &change.lost_tips).await?;
        let tips = change.written.iter().filter_map(|r| r.commit_id).collect();
        let appended = reachable::appended(tx, writing.history_id, shown.last_no, &tips, &shown.reach).await?;
        if let Some(found) = appended.filter(|found| keeps_all(shown, scan, change, &lost, found)) {
            let spans = Spans::union(found.reach.values().chain([&shown.spans]));
            return Ok(Next { writing, whole: false, found, spans });
        }
    }
    let found = reachable::whole(tx, writing.history_id, &reachable::tips(&scan.refs)).await?;
    let spans = Spans::union(found.reach.values());
    Ok(Next { writing, whole: true, found, spans })
}

/// Whether all that was shown is still led to. A commit that no ref points to any more has to be among what another leads to; then so is
/// all that it led to itself. And nothing new may be left over.
fn keeps_all(shown: &Shown, scan: &Scan, change: &RefChange<'_>, lost: &[i64], found: &Reachable) -> bool {
    let written: BTreeSet<_> = change.written.iter().map(|r| r.name.as_str()).collect();
    let kept = scan.refs.iter().filter(|r| !written.contains(r.name.as_str())).filter_map(|r| r.commit_id);
    let kept: BTreeSet<ObjectId> = kept.collect();
    let standing: Vec<&Spans> = found.reach.values().chain(kept.iter().filter_map(|id| shown.reach.get(id))).collect();
    let is_led_to = |number: &i64| standing.iter().any(|spans| spans.contains(*number));
    found.unreachable.as_slice().is_empty() && lost.len() == change.lost_tips.len() && lost.iter().all(is_led_to)
}

async fn write(
    tx: &Tx<'_>,
    holder: &Holder,
    scan: &Scan,
    shown: &Shown,
    change: &RefChange<'_>,
    next: &Next,
) -> Result<(), RegistryError> {
    let import_id = holder.import_id.as_str();
    write_refs(tx, import_id, scan, change, next).await?;
    let times_s = match delete_unreachable(tx, next).await? {
        0 => count_news(tx, next).await?,
        _ => recount(tx, next.writing.history_id).await?,
    };
    write_scan(tx, import_id, scan, next, times_s).await?;
    if shown.history_id != Some(next.writing.history_id) {
        history::drop_history(tx, shown.history_id).await?;
    }
    let brought = next.spans.within(next.writing.base_no, next.found.news.last_no);
    Ok(swaps::insert(tx, holder, change, &next.writing, next.found.news.last_no, brought.count()).await?)
}

/// Those that changed; where everything was worked out anew, all.
async fn write_refs(
    tx: &Tx<'_>,
    import_id: &str,
    scan: &Scan,
    change: &RefChange<'_>,
    next: &Next,
) -> Result<(), DbError> {
    const DELETE: &str = "-- registry.delete_refs\nDELETE FROM ref WHERE import_id = $1 AND name = ANY ($2)";
    const WRITE: &str = "-- registry.write_refs
        INSERT INTO ref (import_id, name, object_id, commit_id, reach)
        SELECT $1, new.name, new.object_id, new.commit_id, new.reach
          FROM unnest($2::text[], $3::bytea[], $4::bytea[], $5::bytea[]) AS new (name, object_id, commit_id, reach)
        ON CONFLICT (import_id, name) DO UPDATE
           SET object_id = excluded.object_id, commit_id = excluded.commit_id, reach = excluded.reach";
    let written: Vec<&Ref> = if next.whole { scan.refs.iter().collect() } else { change.written.clone() };
    let names: Vec<_> = written.iter().map(|r| r.name.as_str()).collect();
    let object_ids: Vec<_> = written.iter().map(|r| r.object_id.as_slice()).collect();
    let commit_ids: Vec<_> = written.iter().map(|r| r.commit_id.as_ref().map(ObjectId::as_slice)).collect();
    let spans = |r: &&Ref| r.commit_id.and_then(|id| next.found.reach.get(&id)).map(Spans::encode).unwrap_or_default();
    let reach: Vec<_> = written.iter().map(spans).collect();
    tx.execute(DELETE, &[&import_id, &change.deleted]).await?;
    tx.execute(WRITE, &[&import_id, &names, &object_ids, &commit_ids, &reach]).await.map(drop)
}

async fn delete_unreachable(tx: &Tx<'_>, next: &Next) -> Result<u64, DbError> {
    const SQL: &str = "-- registry.delete_unreachable
        DELETE FROM revision USING unnest($2::bigint[], $3::bigint[]) AS span (low, high)
         WHERE history_id = $1 AND commit_no BETWEEN low AND high";
    let (lows, highs): (Vec<_>, Vec<_>) =
        next.found.unreachable.as_slice().iter().map(|span| (span.low, span.high)).unzip();
    match lows.is_empty() {
        true => Ok(0),
        false => tx.execute(SQL, &[&next.writing.history_id, &lows, &highs]).await,
    }
}

/// Oldest and newest committer date.
type Times = Option<(i64, i64)>;

/// Adds the authors of what is new; returns its times.
async fn count_news(tx: &Tx<'_>, next: &Next) -> Result<Times, DbError> {
    const SQL: &str = "-- registry.count_authors
        INSERT INTO history_author (history_id, author_id)
        SELECT $1, unnest($2::bigint[])
        ON CONFLICT (history_id, author_id) DO NOTHING";
    let author_ids: Vec<_> = next.found.news.author_ids.iter().copied().collect();
    tx.execute(SQL, &[&next.writing.history_id, &author_ids]).await?;
    Ok(next.found.news.times_s)
}

/// Counts all authors again, as some may be gone with their commits; returns the times of all that is left.
async fn recount(tx: &Tx<'_>, history_id: i64) -> Result<Times, DbError> {
    const FORGET: &str = "-- registry.forget_authors\nDELETE FROM history_author WHERE history_id = $1";
    const COUNT: &str = "-- registry.recount_authors
        INSERT INTO history_author (history_id, author_id)
        SELECT DISTINCT $1::bigint, author_id FROM revision WHERE history_id = $1";
    const TIMES: &str = "-- registry.times_of_history
        SELECT min(committer_time_s) AS first, max(committer_time_s) AS last FROM revision WHERE history_id = $1";
    tx.execute(FORGET, &[&history_id]).await?;
    tx.execute(COUNT, &[&history_id]).await?;
    let row = tx.query_one(TIMES, &[&history_id]).await?;
    Ok(get::<Option<i64>>(&row, "first")?.zip(get(&row, "last")?))
}

async fn write_scan(tx: &Tx<'_>, import_id: &str, scan: &Scan, next: &Next, times_s: Times) -> Result<(), DbError> {
    const SQL: &str = "-- registry.write_scan
        UPDATE scan
           SET history_id = $2, last_no = $3, shown = $4, default_branch = $5, refs_digest = $6,
               rescan_wanted = rescan_wanted AND NOT $7,
               writer_token = NULL, writer_history_id = NULL,
               commit_count = $8,
               author_count = (SELECT count(*) FROM history_author WHERE history_author.history_id = $2),
               first_time_s = CASE WHEN $9 THEN $10 ELSE least(first_time_s, $10) END,
               last_time_s = CASE WHEN $9 THEN $11 ELSE greatest(last_time_s, $11) END,
               target_bytes = CASE WHEN $12::bigint > 0 THEN $12 ELSE target_bytes END
         WHERE import_id = $1";
    let (first, last) = times_s.unzip();
    let values: [&(dyn codeimport_pg::ToSql + Sync); 12] = [
        &import_id,
        &next.writing.history_id,
        &next.found.news.last_no,
        &next.spans.encode(),
        &scan.default_branch,
        &scan.refs_digest,
        &scan.anew,
        &next.spans.count(),
        &next.whole,
        &first,
        &last,
        &scan.target_bytes,
    ];
    tx.execute(SQL, &values).await.map(drop)
}
