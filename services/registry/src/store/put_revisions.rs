//! Stores commits. They become visible with the refs that lead to them.

use super::{
    Store,
    fence::{self, Holder},
    source_revisions::{self, SourceRevision},
};
use crate::error::RegistryError;
use codeimport_pg::{DbError, Tx};
use scoped_futures::ScopedFutureExt as _;

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

impl Store {
    /// Stores those that are not there yet, and returns how many they were; and which source revisions they show. Those
    /// must be of commits that are stored by then.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`, `LeaseLost`.
    pub async fn put_revisions(
        &self,
        holder: &Holder,
        revisions: &[Revision],
        shown: &[SourceRevision],
    ) -> Result<u64, RegistryError> {
        let stored = self.db.run_tx("registry.put_revisions", |tx| {
            async move {
                fence::raise(tx, holder).await?;
                let stored = insert(tx, holder.import_id.as_str(), revisions).await?;
                source_revisions::insert(tx, holder.import_id.as_str(), shown).await?;
                Ok::<_, RegistryError>(stored)
            }
            .scope_boxed()
        });
        stored.await
    }
}

async fn insert(tx: &Tx<'_>, import_id: &str, revisions: &[Revision]) -> Result<u64, DbError> {
    // Parents come glued together, because unnest takes an array of arrays apart to the last element.
    const SQL: &str = "-- registry.insert_revisions
        INSERT INTO revision
               (import_id, commit_id, parent_ids,
                author_name, author_email, author_time_s, author_offset_minutes,
                committer_name, committer_email, committer_time_s, committer_offset_minutes, message)
        SELECT $1, new.commit_id,
               ARRAY (SELECT substring(new.parents FROM 20 * n + 1 FOR 20)
                        FROM generate_series(0, octet_length(new.parents) / 20 - 1) AS n ORDER BY n),
               new.author_name, new.author_email, new.author_time_s, new.author_offset_minutes,
               new.committer_name, new.committer_email, new.committer_time_s, new.committer_offset_minutes, new.message
          FROM unnest($2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::bigint[], $7::integer[],
                      $8::text[], $9::text[], $10::bigint[], $11::integer[], $12::text[])
            AS new (commit_id, parents, author_name, author_email, author_time_s, author_offset_minutes,
                    committer_name, committer_email, committer_time_s, committer_offset_minutes, message)
        ON CONFLICT (import_id, commit_id) DO NOTHING";
    let column = |value: fn(&Revision) -> &str| revisions.iter().map(value).collect::<Vec<_>>();
    tx.execute(
        SQL,
        &[
            &import_id,
            &revisions.iter().map(|r| r.commit_id.as_slice()).collect::<Vec<_>>(),
            &revisions.iter().map(|r| r.parent_ids.concat()).collect::<Vec<_>>(),
            &column(|r| &r.author.name),
            &column(|r| &r.author.email),
            &revisions.iter().map(|r| r.author.time_s).collect::<Vec<_>>(),
            &revisions.iter().map(|r| r.author.offset_minutes).collect::<Vec<_>>(),
            &column(|r| &r.committer.name),
            &column(|r| &r.committer.email),
            &revisions.iter().map(|r| r.committer.time_s).collect::<Vec<_>>(),
            &revisions.iter().map(|r| r.committer.offset_minutes).collect::<Vec<_>>(),
            &column(|r| &r.message),
        ],
    )
    .await
}
