//! Makes a scan visible: replaces all refs of an import, and with them what is shown of its revisions.
//!
//! Invariant: a revision is `visible` exactly if some ref leads to it. Kept without walking the whole history each time:
//!
//! 1. What the new refs lead to and is not visible yet becomes visible; the walk ends where it meets what is.
//! 2. A *lost tip* is a commit that a ref pointed to before and none does now. If every lost tip is a parent of something
//!    visible, nothing has become unreachable. (Were some visible commits unreachable, take a newest of them: it has no
//!    visible child, since that would be unreachable as well. It was reachable before, so it was a tip, and is lost.)
//! 3. Else, after a force-push or a deleted branch that was never merged, what no ref leads to is deleted.
//!
//! Deleted, and not only hidden: a worker sends all that its new refs lead to beyond those of the last swap, so that
//! what comes back is sent again.

use super::{
    Store,
    fence::{self, Holder},
    rows,
};
use crate::error::RegistryError;
use codeimport_pg::{DbError, Row, Tx, row::get};
use scoped_futures::ScopedFutureExt as _;
use std::collections::{BTreeMap, BTreeSet};

type ObjectId = [u8; 20];

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
                let id = holder.import_id.as_str();
                let before = current_refs(tx, id).await?;
                let change = RefChange::between(&before, &scan.refs);
                refuse_missing_commits(tx, id, &scan.refs).await?;
                write_refs(tx, id, &change).await?;
                show_revisions(tx, id, &change.lost_tips).await?;
                write_scan(tx, id, scan).await?;
                Ok::<_, RegistryError>(change.count())
            }
            .scope_boxed()
        });
        swapped.await
    }
}

/// What has to be written to get from some refs to others.
#[derive(Debug, Default)]
struct RefChange<'a> {
    written: Vec<&'a Ref>,
    deleted: Vec<&'a str>,
    /// Commits that a ref pointed to before and none does now.
    lost_tips: Vec<ObjectId>,
}

impl<'a> RefChange<'a> {
    fn between(before: &'a [Ref], after: &'a [Ref]) -> Self {
        let old: BTreeMap<_, _> = before.iter().map(|r| (r.name.as_str(), r)).collect();
        let kept: BTreeSet<_> = after.iter().map(|r| r.name.as_str()).collect();
        let tips: BTreeSet<_> = after.iter().filter_map(|r| r.commit_id).collect();
        let lost: BTreeSet<_> = before.iter().filter_map(|r| r.commit_id).filter(|id| !tips.contains(id)).collect();
        Self {
            written: after.iter().filter(|r| old.get(r.name.as_str()) != Some(r)).collect(),
            deleted: old.into_keys().filter(|name| !kept.contains(name)).collect(),
            lost_tips: lost.into_iter().collect(),
        }
    }

    fn count(&self) -> u64 {
        (self.written.len() + self.deleted.len()) as u64
    }
}

async fn current_refs(tx: &Tx<'_>, import_id: &str) -> Result<Vec<Ref>, DbError> {
    const SQL: &str = "-- registry.current_refs\nSELECT name, object_id, commit_id FROM ref WHERE import_id = $1";
    tx.query(SQL, &[&import_id]).await?.iter().map(reference).collect()
}

/// A ref from the columns `name`, `object_id`, `commit_id`.
pub(super) fn reference(row: &Row) -> Result<Ref, DbError> {
    Ok(Ref {
        name: get(row, "name")?,
        object_id: rows::object_id(row, "object_id")?,
        commit_id: rows::object_id_opt(row, "commit_id")?,
    })
}

/// Also the refs that have not changed: it is cheap, and they are what the digest stands for.
async fn refuse_missing_commits(tx: &Tx<'_>, import_id: &str, refs: &[Ref]) -> Result<(), RegistryError> {
    const SQL: &str = "-- registry.missing_commit
        SELECT wanted.commit_id
          FROM unnest($2::bytea[]) AS wanted (commit_id)
         WHERE NOT EXISTS (SELECT FROM revision
                            WHERE revision.import_id = $1 AND revision.commit_id = wanted.commit_id)
         LIMIT 1";
    let wanted: Vec<_> = refs.iter().filter_map(|r| r.commit_id.as_ref().map(ObjectId::as_slice)).collect();
    match tx.query_opt(SQL, &[&import_id, &wanted]).await? {
        Some(row) => Err(RegistryError::CommitNotStored(hex::encode(rows::object_id(&row, "commit_id")?))),
        None => Ok(()),
    }
}

async fn write_refs(tx: &Tx<'_>, import_id: &str, change: &RefChange<'_>) -> Result<(), DbError> {
    const DELETE: &str = "-- registry.delete_refs\nDELETE FROM ref WHERE import_id = $1 AND name = ANY ($2)";
    const WRITE: &str = "-- registry.write_refs
        INSERT INTO ref (import_id, name, object_id, commit_id)
        SELECT $1, new.name, new.object_id, new.commit_id
          FROM unnest($2::text[], $3::bytea[], $4::bytea[]) AS new (name, object_id, commit_id)
        ON CONFLICT (import_id, name) DO UPDATE
           SET object_id = excluded.object_id, commit_id = excluded.commit_id";
    let names: Vec<_> = change.written.iter().map(|r| r.name.as_str()).collect();
    let object_ids: Vec<_> = change.written.iter().map(|r| r.object_id.as_slice()).collect();
    let commit_ids: Vec<_> = change.written.iter().map(|r| r.commit_id.as_ref().map(ObjectId::as_slice)).collect();
    tx.execute(DELETE, &[&import_id, &change.deleted]).await?;
    tx.execute(WRITE, &[&import_id, &names, &object_ids, &commit_ids]).await.map(drop)
}

/// Steps 1 to 3 of the module's documentation.
async fn show_revisions(tx: &Tx<'_>, import_id: &str, lost_tips: &[ObjectId]) -> Result<(), DbError> {
    let mut lost: BTreeSet<&[u8]> = lost_tips.iter().map(ObjectId::as_slice).collect();
    let continued = show_new(tx, import_id, lost_tips).await?;
    lost.retain(|tip| !continued.iter().any(|id| id == tip));
    let lost: Vec<_> = lost.into_iter().collect();
    if !lost.is_empty() && any_without_child(tx, import_id, &lost).await? {
        forget_unreachable(tx, import_id).await?;
    }
    Ok(())
}

/// Returns those lost tips that are parents of what became visible: refs that simply went on.
async fn show_new(tx: &Tx<'_>, import_id: &str, lost_tips: &[ObjectId]) -> Result<Vec<ObjectId>, DbError> {
    const SQL: &str = "-- registry.show_new_revisions
        WITH RECURSIVE fresh (commit_id, parent_ids) AS (
            SELECT revision.commit_id, revision.parent_ids
              FROM ref JOIN revision USING (import_id, commit_id)
             WHERE ref.import_id = $1 AND NOT revision.visible
          UNION
            SELECT revision.commit_id, revision.parent_ids
              FROM fresh
             CROSS JOIN LATERAL unnest(fresh.parent_ids) AS parent (commit_id)
              JOIN revision ON revision.import_id = $1 AND revision.commit_id = parent.commit_id
             WHERE NOT revision.visible
        ), shown AS (
            UPDATE revision SET visible = true
              FROM fresh
             WHERE revision.import_id = $1 AND revision.commit_id = fresh.commit_id
        )
        SELECT DISTINCT parent.commit_id
          FROM fresh CROSS JOIN LATERAL unnest(fresh.parent_ids) AS parent (commit_id)
         WHERE parent.commit_id = ANY ($2)";
    let lost: Vec<_> = lost_tips.iter().map(ObjectId::as_slice).collect();
    let rows = tx.query(SQL, &[&import_id, &lost]).await?;
    rows.iter().map(|row| rows::object_id(row, "commit_id")).collect()
}

/// One pass over what is visible, however many tips are lost.
async fn any_without_child(tx: &Tx<'_>, import_id: &str, lost: &[&[u8]]) -> Result<bool, DbError> {
    const SQL: &str = "-- registry.tips_without_child
        SELECT count(DISTINCT parent.commit_id) < cardinality($2::bytea[])
          FROM revision CROSS JOIN LATERAL unnest(revision.parent_ids) AS parent (commit_id)
         WHERE revision.import_id = $1 AND revision.visible AND parent.commit_id = ANY ($2)";
    Ok(tx.query_one(SQL, &[&import_id, &lost]).await?.get(0))
}

async fn forget_unreachable(tx: &Tx<'_>, import_id: &str) -> Result<(), DbError> {
    const SQL: &str = "-- registry.forget_unreachable
        WITH RECURSIVE reachable (commit_id) AS (
            SELECT ref.commit_id FROM ref WHERE ref.import_id = $1 AND ref.commit_id IS NOT NULL
          UNION
            SELECT parent.commit_id
              FROM reachable
              JOIN revision ON revision.import_id = $1 AND revision.commit_id = reachable.commit_id
             CROSS JOIN LATERAL unnest(revision.parent_ids) AS parent (commit_id)
        )
        DELETE FROM revision
         WHERE import_id = $1
           AND NOT EXISTS (SELECT FROM reachable WHERE reachable.commit_id = revision.commit_id)";
    tx.execute(SQL, &[&import_id]).await.map(drop)
}

async fn write_scan(tx: &Tx<'_>, import_id: &str, scan: &Scan) -> Result<(), DbError> {
    const SQL: &str = "-- registry.write_scan
        INSERT INTO scan (import_id, default_branch, refs_digest) VALUES ($1, $2, $3)
        ON CONFLICT (import_id) DO UPDATE
           SET default_branch = excluded.default_branch, refs_digest = excluded.refs_digest";
    tx.execute(SQL, &[&import_id, &scan.default_branch, &scan.refs_digest]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(name: &str, commit: u8) -> Ref {
        Ref { name: name.to_owned(), object_id: [commit; 20], commit_id: Some([commit; 20]) }
    }

    #[test]
    fn only_what_differs_is_written() {
        let before = [to("refs/heads/gone", 1), to("refs/heads/kept", 2), to("refs/heads/moved", 3)];
        let after = [to("refs/heads/kept", 2), to("refs/heads/moved", 4), to("refs/heads/new", 1)];
        let change = RefChange::between(&before, &after);
        let written: Vec<_> = change.written.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(written, ["refs/heads/moved", "refs/heads/new"]);
        assert_eq!(change.deleted, ["refs/heads/gone"]);
        assert_eq!(change.lost_tips, [[3; 20]], "commit 1 has another ref now");
        assert_eq!(change.count(), 3);
    }

    #[test]
    fn the_same_refs_again_change_nothing() {
        let refs = [to("refs/heads/a", 1), Ref { commit_id: None, ..to("refs/tags/tree", 2) }];
        let change = RefChange::between(&refs, &refs);
        assert_eq!((change.count(), change.lost_tips.len()), (0, 0));
    }
}
