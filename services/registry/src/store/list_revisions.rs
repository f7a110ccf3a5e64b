//! Lists revisions, newest committer date first: all that are visible, or those that one ref leads to.

use super::{Revision, Signature, Store, change_import, rows};
use crate::error::RegistryError;
use codeimport_core::ImportId;
use codeimport_pg::{Client, DbError, Row, row::get};

/// Where a page begins: after the revision with these values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RevisionPosition {
    /// Committer date of the last revision seen.
    pub time_s: i64,
    /// Its id.
    pub commit_id: [u8; 20],
}

impl RevisionPosition {
    /// Before all revisions.
    pub const START: Self = Self { time_s: i64::MAX, commit_id: [0; 20] };
}

/// The columns that [`revision`] reads.
macro_rules! revision_columns {
    () => {
        "revision.commit_id, revision.parent_ids, revision.author_name, revision.author_email, \
         revision.author_time_s, revision.author_offset_minutes, revision.committer_name, revision.committer_email, \
         revision.committer_time_s, revision.committer_offset_minutes, revision.message"
    };
}

/// The order of the list, and where in it to go on.
macro_rules! page {
    () => {
        // The first condition says nothing new, but is one that the index can begin at.
        " AND revision.committer_time_s <= $2
          AND (revision.committer_time_s < $2 OR revision.commit_id > $3)
          ORDER BY revision.committer_time_s DESC, revision.commit_id
          LIMIT $4"
    };
}

impl Store {
    /// At most `limit` revisions after `position`; of one ref, or all that are visible if `reference` is empty.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn list_revisions(
        &self,
        import_id: &ImportId,
        reference: &str,
        position: &RevisionPosition,
        limit: u32,
    ) -> Result<Vec<Revision>, RegistryError> {
        let client = self.db.client().await?;
        if !exists(&client, import_id).await? {
            return Err(change_import::not_found(import_id));
        }
        let rows = if reference.is_empty() {
            all(&client, import_id, position, limit).await?
        } else {
            of_ref(&client, import_id, reference, position, limit).await?
        };
        Ok(rows.iter().map(revision).collect::<Result<_, _>>()?)
    }
}

async fn exists(client: &Client, import_id: &ImportId) -> Result<bool, DbError> {
    const SQL: &str = "-- registry.import_exists\nSELECT import_id FROM import WHERE import_id = $1";
    Ok(client.query_opt(SQL, &[&import_id.as_str()]).await?.is_some())
}

async fn all(client: &Client, id: &ImportId, after: &RevisionPosition, limit: u32) -> Result<Vec<Row>, DbError> {
    const SQL: &str = concat!(
        "-- registry.list_revisions\n",
        "SELECT ",
        revision_columns!(),
        " FROM revision WHERE revision.import_id = $1 AND revision.visible",
        page!()
    );
    let commit_id = after.commit_id.as_slice();
    client.query(SQL, &[&id.as_str(), &after.time_s, &commit_id, &i64::from(limit)]).await
}

/// Walks the history of the ref for every page: its cost grows with that history. A list of all has an index.
async fn of_ref(
    client: &Client,
    id: &ImportId,
    reference: &str,
    after: &RevisionPosition,
    limit: u32,
) -> Result<Vec<Row>, DbError> {
    const SQL: &str = concat!(
        "-- registry.list_revisions_of_ref
        WITH RECURSIVE reachable (commit_id) AS (
            SELECT ref.commit_id
              FROM ref WHERE ref.import_id = $1 AND ref.name = $5 AND ref.commit_id IS NOT NULL
          UNION
            SELECT parent.commit_id
              FROM reachable
              JOIN revision ON revision.import_id = $1 AND revision.commit_id = reachable.commit_id
             CROSS JOIN LATERAL unnest(revision.parent_ids) AS parent (commit_id)
        )
        SELECT ",
        revision_columns!(),
        " FROM reachable
          JOIN revision ON revision.import_id = $1 AND revision.commit_id = reachable.commit_id
         WHERE true",
        page!()
    );
    let commit_id = after.commit_id.as_slice();
    client.query(SQL, &[&id.as_str(), &after.time_s, &commit_id, &i64::from(limit), &reference]).await
}

fn revision(row: &Row) -> Result<Revision, DbError> {
    Ok(Revision {
        commit_id: rows::object_id(row, "commit_id")?,
        parent_ids: rows::object_ids(row, "parent_ids")?,
        author: Signature {
            name: get(row, "author_name")?,
            email: get(row, "author_email")?,
            time_s: get(row, "author_time_s")?,
            offset_minutes: get(row, "author_offset_minutes")?,
        },
        committer: Signature {
            name: get(row, "committer_name")?,
            email: get(row, "committer_email")?,
            time_s: get(row, "committer_time_s")?,
            offset_minutes: get(row, "committer_offset_minutes")?,
        },
        message: get(row, "message")?,
    })
}
