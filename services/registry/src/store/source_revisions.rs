//! The map: which source revision a commit shows, and which commits show a source revision.
//!
//! Stored with the commits, shown with them, gone with them.

use super::{Store, change_import, rows};
use crate::error::RegistryError;
use codeimport_core::{ImportId, RcsType};
use codeimport_pg::{
    Client, DbError, Row, Tx,
    row::{get, parsed},
};

/// A source revision on one branch, and the commit that shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceRevision {
    /// The revision in the source's own words.
    pub revision: String,
    /// Path of the branch in the source; empty for the root.
    pub branch_path: String,
    /// The commit.
    pub commit_id: [u8; 20],
}

/// What is looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MapKey {
    /// The commits of a source revision.
    Revision(String),
    /// The source revisions of a commit.
    Commit([u8; 20]),
}

/// Where a page begins: after the entry with these values. The default is the beginning.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MapPosition {
    /// Revision of the last entry seen.
    pub revision: String,
    /// Its branch.
    pub branch_path: String,
    /// Its commit; empty at the beginning.
    pub commit_id: Vec<u8>,
}

/// A lookup by one column: only what is shown, of one branch if one is named, a page at a time.
macro_rules! lookup {
    ($name:literal, $column:literal) => {
        concat!(
            "-- registry.",
            $name,
            "
        SELECT map.revision, map.branch_path, map.commit_id
          FROM source_revision AS map
          JOIN revision USING (import_id, commit_id)
         WHERE import_id = $1 AND map.",
            $column,
            " = $2 AND revision.visible
           AND ($3::text IS NULL OR map.branch_path = $3)
           AND (map.revision, map.branch_path, map.commit_id) > ($4, $5, $6)
         ORDER BY map.revision, map.branch_path, map.commit_id
         LIMIT $7"
        )
    };
}

impl Store {
    /// At most `limit` entries of the map after `position`; those of one branch if `branch_path` names one.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn lookup_source_revision(
        &self,
        import_id: &ImportId,
        key: &MapKey,
        branch_path: Option<&str>,
        position: &MapPosition,
        limit: u32,
    ) -> Result<Vec<SourceRevision>, RegistryError> {
        let client = self.db.client().await?;
        match rcs_type(&client, import_id).await? {
            None => Err(change_import::not_found(import_id)),
            // One entry at most, which has no branch: there is no second page.
            Some(RcsType::Git) if branch_path.is_some_and(|path| !path.is_empty()) => Ok(Vec::new()),
            Some(RcsType::Git) => Ok(of_git(&client, import_id, key).await?.into_iter().collect()),
            Some(_) => Ok(mapped(&client, import_id, key, branch_path, position, limit).await?),
        }
    }
}

async fn rcs_type(client: &Client, import_id: &ImportId) -> Result<Option<RcsType>, DbError> {
    const SQL: &str = "-- registry.rcs_type\nSELECT rcs_type FROM import WHERE import_id = $1";
    let row = client.query_opt(SQL, &[&import_id.as_str()]).await?;
    row.as_ref().map(|row| parsed(row, "rcs_type")).transpose()
}

/// For Git the commit itself, if it is shown.
async fn of_git(client: &Client, import_id: &ImportId, key: &MapKey) -> Result<Option<SourceRevision>, DbError> {
    const SQL: &str = "-- registry.shown_commit
        SELECT commit_id FROM revision WHERE import_id = $1 AND commit_id = $2 AND visible";
    let mut commit_id = [0; 20];
    match key {
        MapKey::Commit(id) => commit_id = *id,
        MapKey::Revision(text) if hex::decode_to_slice(text, &mut commit_id).is_err() => return Ok(None),
        MapKey::Revision(_) => {}
    }
    let row = client.query_opt(SQL, &[&import_id.as_str(), &commit_id.as_slice()]).await?;
    Ok(row.map(|_| SourceRevision { revision: hex::encode(commit_id), branch_path: String::new(), commit_id }))
}

async fn mapped(
    client: &Client,
    import_id: &ImportId,
    key: &MapKey,
    branch_path: Option<&str>,
    after: &MapPosition,
    limit: u32,
) -> Result<Vec<SourceRevision>, DbError> {
    const OF_REVISION: &str = lookup!("commits_of_source_revision", "revision");
    const OF_COMMIT: &str = lookup!("source_revisions_of_commit", "commit_id");
    let (import_id, limit) = (import_id.as_str(), i64::from(limit));
    let (revision, branch, commit_id) = (&after.revision, &after.branch_path, &after.commit_id);
    let rows = match key {
        MapKey::Revision(key) => {
            client.query(OF_REVISION, &[&import_id, key, &branch_path, revision, branch, commit_id, &limit]).await?
        }
        MapKey::Commit(key) => {
            let key = key.as_slice();
            client.query(OF_COMMIT, &[&import_id, &key, &branch_path, revision, branch, commit_id, &limit]).await?
        }
    };
    rows.iter().map(source_revision).collect()
}

/// Stores entries of the map, in the transaction of their commits.
pub(super) async fn insert(tx: &Tx<'_>, import_id: &str, shown: &[SourceRevision]) -> Result<(), DbError> {
    const SQL: &str = "-- registry.insert_source_revisions
        INSERT INTO source_revision (import_id, revision, branch_path, commit_id)
        SELECT $1, new.revision, new.branch_path, new.commit_id
          FROM unnest($2::text[], $3::text[], $4::bytea[]) AS new (revision, branch_path, commit_id)
        ON CONFLICT DO NOTHING";
    if shown.is_empty() {
        return Ok(());
    }
    let revisions: Vec<_> = shown.iter().map(|entry| entry.revision.as_str()).collect();
    let branch_paths: Vec<_> = shown.iter().map(|entry| entry.branch_path.as_str()).collect();
    let commit_ids: Vec<_> = shown.iter().map(|entry| entry.commit_id.as_slice()).collect();
    tx.execute(SQL, &[&import_id, &revisions, &branch_paths, &commit_ids]).await.map(drop)
}

/// An entry from its columns.
fn source_revision(row: &Row) -> Result<SourceRevision, DbError> {
    Ok(SourceRevision {
        revision: get(row, "revision")?,
        branch_path: get(row, "branch_path")?,
        commit_id: rows::object_id(row, "commit_id")?,
    })
}
