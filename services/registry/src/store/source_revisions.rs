//! The map: which source revision a commit shows, and which commits show a source revision.
//!
//! Stored with the commits, shown with them, gone with them.

use super::{Store, change_import, rows};
use crate::error::RegistryError;
use codeimport_core::{ImportId, RcsType};
use codeimport_pg::{
    Client, DbError, Row, ToSql, Tx,
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
          JOIN revision USING (history_id, commit_id)
         WHERE history_id = $1 AND map.",
            $column,
            " = $2 AND revision.commit_no <= $8
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
        let (rcs_type, place) = place(&client, import_id).await?;
        match rcs_type {
            // One entry at most, which has no branch: there is no second page.
            RcsType::Git if branch_path.is_some_and(|path| !path.is_empty()) => Ok(Vec::new()),
            RcsType::Git => Ok(of_git(&client, place, key).await?.into_iter().collect()),
            _ => Ok(mapped(&client, place, key, branch_path, position, limit).await?),
        }
    }
}

/// What is shown: the history and the highest number in it.
type Place = (i64, i64);

async fn place(client: &Client, import_id: &ImportId) -> Result<(RcsType, Place), RegistryError> {
    const SQL: &str = "-- registry.place_of_map
        SELECT import.rcs_type, coalesce(scan.history_id, 0) AS history_id, coalesce(scan.last_no, 0) AS last_no
          FROM import LEFT JOIN scan ON scan.import_id = import.import_id
         WHERE import.import_id = $1";
    let row = client.query_opt(SQL, &[&import_id.as_str()]).await?;
    let row = row.ok_or_else(|| change_import::not_found(import_id))?;
    Ok((parsed(&row, "rcs_type")?, (get(&row, "history_id")?, get(&row, "last_no")?)))
}

/// For Git the commit itself, if it is shown.
async fn of_git(client: &Client, place: Place, key: &MapKey) -> Result<Option<SourceRevision>, DbError> {
    const SQL: &str = "-- registry.shown_commit
        SELECT commit_id FROM revision WHERE history_id = $1 AND commit_id = $2 AND commit_no <= $3";
    let mut commit_id = [0; 20];
    match key {
        MapKey::Commit(id) => commit_id = *id,
        MapKey::Revision(text) if hex::decode_to_slice(text, &mut commit_id).is_err() => return Ok(None),
        MapKey::Revision(_) => {}
    }
    let row = client.query_opt(SQL, &[&place.0, &commit_id.as_slice(), &place.1]).await?;
    Ok(row.map(|_| SourceRevision { revision: hex::encode(commit_id), branch_path: String::new(), commit_id }))
}

async fn mapped(
    client: &Client,
    place: Place,
    key: &MapKey,
    branch_path: Option<&str>,
    after: &MapPosition,
    limit: u32,
) -> Result<Vec<SourceRevision>, DbError> {
    const OF_REVISION: &str = lookup!("commits_of_source_revision", "revision");
    const OF_COMMIT: &str = lookup!("source_revisions_of_commit", "commit_id");
    let key_bytes;
    let (sql, key): (_, &(dyn ToSql + Sync)) = match key {
        MapKey::Revision(key) => (OF_REVISION, key),
        MapKey::Commit(key) => {
            key_bytes = key.as_slice();
            (OF_COMMIT, &key_bytes)
        }
    };
    let values: [&(dyn ToSql + Sync); 8] = [
        &place.0,
        key,
        &branch_path,
        &after.revision,
        &after.branch_path,
        &after.commit_id,
        &i64::from(limit),
        &place.1,
    ];
    client.query(sql, &values).await?.iter().map(source_revision).collect()
}

/// Stores entries of the map, in the transaction of their commits.
pub(super) async fn insert(tx: &Tx<'_>, history_id: i64, shown: &[SourceRevision]) -> Result<(), DbError> {
    const SQL: &str = "-- registry.insert_source_revisions
        INSERT INTO source_revision (history_id, revision, branch_path, commit_id)
        SELECT $1, new.revision, new.branch_path, new.commit_id
          FROM unnest($2::text[], $3::text[], $4::bytea[]) AS new (revision, branch_path, commit_id)
        ON CONFLICT DO NOTHING";
    if shown.is_empty() {
        return Ok(());
    }
    let revisions: Vec<_> = shown.iter().map(|entry| entry.revision.as_str()).collect();
    let branch_paths: Vec<_> = shown.iter().map(|entry| entry.branch_path.as_str()).collect();
    let commit_ids: Vec<_> = shown.iter().map(|entry| entry.commit_id.as_slice()).collect();
    tx.execute(SQL, &[&history_id, &revisions, &branch_paths, &commit_ids]).await.map(drop)
}

/// An entry from its columns.
fn source_revision(row: &Row) -> Result<SourceRevision, DbError> {
    Ok(SourceRevision {
        revision: get(row, "revision")?,
        branch_path: get(row, "branch_path")?,
        commit_id: rows::object_id(row, "commit_id")?,
    })
}
