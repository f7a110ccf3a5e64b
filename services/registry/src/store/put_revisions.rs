//! Stores commits, by COPY. They become visible with the refs that lead to them.
//!
//! Calls of one scan may run side by side: each knows the numbers of its commits. The commit of the transaction does not wait for the
//! disk. What a crash of the database takes away was not shown, and [`Store::swap_refs`], which does wait, finds it missing.

use super::{
    Store,
    fence::{self, Holder},
    history::{self, Writing},
    source_revisions::{self, SourceRevision},
};
use crate::error::RegistryError;
use codeimport_kit::{ApiError, Violations};
use codeimport_pg::{CopyRows, DbError, Tx};
use codeimport_proto::common::ErrorReason;
use scoped_futures::ScopedFutureExt as _;
use std::collections::HashSet;

/// A commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revision {
    /// Its id.
    pub commit_id: [u8; 20],
    /// Its parents, in their order.
    pub parent_ids: Vec<[u8; 20]>,
    /// Who wrote the change.
    pub author: Signature,
    /// Who made the commit.
    pub committer: Signature,
    /// The whole message, without NUL.
    pub message: String,
}

/// A name with a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// Seconds since 1970.
    pub time_s: i64,
    /// Offset of the local time from UTC.
    pub offset_minutes: i32,
}

/// A part of what a scan tells.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// Commits, oldest first; each once.
    pub revisions: Vec<Revision>,
    /// Which source revisions they show.
    pub shown: Vec<SourceRevision>,
    /// How many revisions of the scan stand before these.
    pub offset: i64,
    /// The scan tells all of history anew.
    pub anew: bool,
}

/// Revisions with the ids of their authors and committers, found out beforehand.
struct Rows<'a> {
    revisions: &'a [Revision],
    people: Vec<(i64, i64)>,
}

impl Store {
    /// Stores those that are not there yet, and returns how many they were; and which source revisions they show. Those
    /// must be of commits that are stored by then.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`, `LeaseLost`; a violation if other revisions have the numbers that follow from the offset.
    pub async fn put_revisions(&self, holder: &Holder, told: &Told) -> Result<u64, RegistryError> {
        let rows = Rows { revisions: &told.revisions, people: self.people(&told.revisions).await? };
        // As a rule nothing of it is there, and looking would take as long as storing.
        match self.put(holder, told, &rows, false).await {
            Err(error) if taken(&error).is_some() => {}
            stored => return stored,
        }
        match self.put(holder, told, &rows, true).await {
            Err(error) if taken(&error) == Some("revision_pkey") => {
                Err(Violations::one("offset", "is where other revisions of this scan stand").into())
            }
            // The same call is under way a second time.
            Err(error) if taken(&error).is_some() => {
                Err(ApiError::new(ErrorReason::Contention, "another call stores the same revisions").into())
            }
            stored => stored,
        }
    }

    async fn put(&self, holder: &Holder, told: &Told, rows: &Rows<'_>, look: bool) -> Result<u64, RegistryError> {
        let stored = self.db.run_tx("registry.put_revisions", |tx| {
            async move {
                const HURRY: &str = "-- registry.do_not_wait_for_disk\nSET LOCAL synchronous_commit = off";
                tx.execute(HURRY, &[]).await?;
                fence::raise(tx, holder).await?;
                let writing = history::begin(tx, holder, told.anew).await?;
                let there = if look { stored_ids(tx, writing, rows.revisions).await? } else { HashSet::new() };
                let stored = copy(tx, rows, writing, told.offset, &there).await?;
                source_revisions::insert(tx, writing.history_id, &told.shown).await?;
                Ok::<_, RegistryError>(stored)
            }
            .scope_boxed()
        });
        stored.await
    }

    async fn people(&self, revisions: &[Revision]) -> Result<Vec<(i64, i64)>, DbError> {
        let both: Vec<_> = revisions.iter().flat_map(|r| [&r.author, &r.committer]).collect();
        let ids = self.author_ids(&both).await?;
        let (pairs, _) = ids.as_chunks::<2>();
        Ok(pairs.iter().map(|[author, committer]| (*author, *committer)).collect())
    }
}

/// The constraint that says that a commit, or its number, is there already.
fn taken(error: &RegistryError) -> Option<&str> {
    let RegistryError::Db(error) = error else { return None };
    error.unique_violation().filter(|name| name.starts_with("revision_"))
}

async fn stored_ids(tx: &Tx<'_>, writing: Writing, revisions: &[Revision]) -> Result<HashSet<Vec<u8>>, DbError> {
    const SQL: &str = "-- registry.stored_commits
        SELECT commit_id FROM revision WHERE history_id = $1 AND commit_id = ANY ($2)";
    let ids: Vec<_> = revisions.iter().map(|r| r.commit_id.as_slice()).collect();
    let rows = tx.query(SQL, &[&writing.history_id, &ids]).await?;
    rows.iter().map(|row| codeimport_pg::row::get(row, "commit_id")).collect()
}

async fn copy(
    tx: &Tx<'_>,
    rows: &Rows<'_>,
    writing: Writing,
    offset: i64,
    there: &HashSet<Vec<u8>>,
) -> Result<u64, DbError> {
    const SQL: &str = "-- registry.copy_revisions
        COPY revision (history_id, commit_no, author_time_s, committer_time_s, author_id, committer_id,
                       author_offset_minutes, committer_offset_minutes, commit_id, parent_ids, message)
        FROM STDIN (FORMAT binary)";
    let mut copied = CopyRows::new(11, rows.revisions.iter().map(|r| 150 + r.message.len()).sum());
    let numbered = (writing.base_no.saturating_add(offset)..).zip(rows.revisions.iter().zip(&rows.people));
    for (number, (revision, people)) in numbered.filter(|(_, (r, _))| !there.contains(r.commit_id.as_slice())) {
        write(&mut copied, writing.history_id, number, revision, *people);
    }
    tx.copy_in(SQL, copied).await
}

fn write(rows: &mut CopyRows, history_id: i64, number: i64, revision: &Revision, people: (i64, i64)) {
    rows.begin_row()
        .bigint(history_id)
        .bigint(number)
        .bigint(revision.author.time_s)
        .bigint(revision.committer.time_s)
        .bigint(people.0)
        .bigint(people.1)
        .integer(revision.author.offset_minutes)
        .integer(revision.committer.offset_minutes)
        .value(&revision.commit_id)
        .value(revision.parent_ids.as_flattened())
        .value(revision.message.as_bytes());
}
