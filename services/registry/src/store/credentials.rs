//! Credentials: sealed secrets, and who uses them.

use super::{Store, events, owned_events, secrets::sealed};
use crate::{
    audit::{self, NewEvent},
    credential::{Credential, CredentialId, NewCredential},
    error::RegistryError,
    key_ring::Sealed,
    owned::{self, Deed, Kind, NewOwnedEvent},
};
use codeimport_core::{EventType, ImportId};
use codeimport_pg::{
    DbError, Row, ToSql, Tx,
    row::{get, parsed},
};
use scoped_futures::ScopedFutureExt as _;

macro_rules! columns {
    () => {
        "credential_id, description, owner, url_prefix, is_implicit, version, created_at, rotated_at"
    };
}

impl Store {
    /// Stores a credential; none if its id is taken.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn create_credential(&self, new: &NewCredential, actor: &str) -> Result<Option<Credential>, DbError> {
        let created = self.db.run_tx("registry.create_credential", |tx| {
            async move {
                let created = insert(tx, new).await?;
                if let Some(created) = &created {
                    owned_events::insert(tx, &event(Deed::Created, None, Some(created), actor)).await?;
                }
                Ok::<_, DbError>(created)
            }
            .scope_boxed()
        });
        created.await
    }

    /// A credential, without its secret.
    ///
    /// # Errors
    ///
    /// `CredentialNotFound`.
    pub async fn credential(&self, id: &CredentialId) -> Result<Credential, RegistryError> {
        const SQL: &str =
            concat!("-- registry.credential\nSELECT ", columns!(), " FROM credential WHERE credential_id = $1");
        let row = self.db.client().await?.query_opt(SQL, &[&id.as_str()]).await?;
        Ok(credential(&row.ok_or_else(|| RegistryError::CredentialNotFound(id.to_string()))?)?)
    }

    /// At most `limit` credentials in order of their ids, those after `after`; only of these owners, if any are given.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn list_credentials(
        &self,
        owners: Option<&[String]>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Credential>, DbError> {
        const SQL: &str = concat!(
            "-- registry.list_credentials\nSELECT ",
            columns!(),
            " FROM credential
             WHERE credential_id > $1 AND ($2::text[] IS NULL OR owner = ANY ($2))
             ORDER BY credential_id LIMIT $3"
        );
        let rows = self.db.client().await?.query(SQL, &[&after, &owners, &i64::from(limit)]).await?;
        rows.iter().map(credential).collect()
    }

    /// Puts another secret in, as the version after `before`; every import that uses it gets an entry in the trail.
    ///
    /// # Errors
    ///
    /// `ETAG_MISMATCH` if it is no longer what it was before.
    pub async fn rotate_credential(
        &self,
        before: &Credential,
        sealed: &Sealed,
        actor: &str,
    ) -> Result<Credential, RegistryError> {
        const SQL: &str = concat!(
            "-- registry.rotate_credential
            UPDATE credential SET version = version + 1, key_id = $3, sealed = $4, rotated_at = now()
             WHERE credential_id = $1 AND version = $2
            RETURNING ",
            columns!()
        );
        let rotated = self.db.run_tx("registry.rotate_credential", |tx| {
            async move {
                let id = before.credential_id.as_str();
                let row = tx.query_opt(SQL, &[&id, &before.version, &sealed.key_id, &sealed.bytes]).await?;
                let rotated = credential(&row.ok_or_else(|| owned::changed_meanwhile(Kind::Credential, id))?)?;
                owned_events::insert(tx, &event(Deed::Rotated, Some(before), Some(&rotated), actor)).await?;
                tell_imports(tx, &rotated, actor).await?;
                Ok::<_, RegistryError>(rotated)
            }
            .scope_boxed()
        });
        rotated.await
    }

    /// Deletes a credential that no import uses.
    ///
    /// # Errors
    ///
    /// `CredentialInUse`, `ETAG_MISMATCH` if it is no longer what it was before.
    pub async fn delete_credential(&self, before: &Credential, actor: &str) -> Result<(), RegistryError> {
        const SQL: &str =
            "-- registry.delete_credential\nDELETE FROM credential WHERE credential_id = $1 AND version = $2";
        let deleted = self.db.run_tx("registry.delete_credential", |tx| {
            async move {
                // Before the foreign key would say so: it does not tell which import it is.
                let id = &before.credential_id;
                if let Some(user) = users(tx, id, 1).await?.pop() {
                    return Err(RegistryError::CredentialInUse(id.to_string(), user));
                }
                if tx.execute(SQL, &[&id.as_str(), &before.version]).await? == 0 {
                    return Err(owned::changed_meanwhile(Kind::Credential, id).into());
                }
                Ok(owned_events::insert(tx, &event(Deed::Deleted, Some(before), None, actor)).await?)
            }
            .scope_boxed()
        });
        deleted.await
    }
}

/// Of a credential that there was, or is.
fn event(deed: Deed, before: Option<&Credential>, after: Option<&Credential>, actor: &str) -> NewOwnedEvent {
    let (owned_id, owner) =
        after.or(before).map(|c| (c.credential_id.to_string(), c.owner.clone())).unwrap_or_default();
    let changes = owned::credential_changes(before, after);
    NewOwnedEvent { kind: Kind::Credential, owned_id, owner, deed, actor: actor.to_owned(), changes }
}

/// Stores a credential; none if its id is taken.
pub(super) async fn insert(tx: &Tx<'_>, new: &NewCredential) -> Result<Option<Credential>, DbError> {
    const SQL: &str = concat!(
        "-- registry.insert_credential
        INSERT INTO credential (credential_id, description, owner, url_prefix, is_implicit, key_id, sealed)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT DO NOTHING
        RETURNING ",
        columns!()
    );
    let values: [&(dyn ToSql + Sync); 7] = [
        &new.credential_id.as_str(),
        &new.description,
        &new.owner,
        &new.url_prefix,
        &new.is_implicit,
        &new.sealed.key_id,
        &new.sealed.bytes,
    ];
    tx.query_opt(SQL, &values).await?.as_ref().map(credential).transpose()
}

/// The secret that an import uses; none if it is gone.
pub(super) async fn sealed_for_run(tx: &Tx<'_>, id: &str) -> Result<Option<(Credential, Sealed)>, DbError> {
    const SQL: &str = concat!(
        "-- registry.credential_for_run\nSELECT ",
        columns!(),
        ", key_id, sealed FROM credential WHERE credential_id = $1"
    );
    let row = tx.query_opt(SQL, &[&id]).await?;
    row.map(|row| Ok((credential(&row)?, sealed(&row)?))).transpose()
}

/// Deletes a credential that was made for an import which is about to go.
pub(super) async fn delete_implicit(tx: &Tx<'_>, id: &str, import_id: &ImportId) -> Result<(), DbError> {
    const SQL: &str = "-- registry.delete_implicit_credential
        DELETE FROM credential
         WHERE credential_id = $1 AND is_implicit
           AND NOT EXISTS (SELECT FROM import WHERE import.credential_id = $1 AND import_id <> $2)";
    tx.execute(SQL, &[&id, &import_id.as_str()]).await.map(drop)
}

async fn tell_imports(tx: &Tx<'_>, rotated: &Credential, actor: &str) -> Result<(), DbError> {
    let version = |version: i32| format!("{}, version {version}", rotated.credential_id);
    let change = audit::change("source.credential", version(rotated.version - 1), version(rotated.version));
    let event = NewEvent::by(actor, EventType::Updated, "credential rotated", change.into_iter().collect());
    let users = users(tx, &rotated.credential_id, i64::MAX).await?;
    let entries: Vec<_> = users.iter().map(|user| (user, &event)).collect();
    events::insert(tx, &entries).await
}

async fn users(tx: &Tx<'_>, id: &CredentialId, limit: i64) -> Result<Vec<ImportId>, DbError> {
    const SQL: &str = "-- registry.users_of_credential\nSELECT import_id FROM import WHERE credential_id = $1 LIMIT $2";
    tx.query(SQL, &[&id.as_str(), &limit]).await?.iter().map(|row| parsed(row, "import_id")).collect()
}

fn credential(row: &Row) -> Result<Credential, DbError> {
    Ok(Credential {
        credential_id: parsed(row, "credential_id")?,
        description: get(row, "description")?,
        owner: get(row, "owner")?,
        url_prefix: get(row, "url_prefix")?,
        is_implicit: get(row, "is_implicit")?,
        version: get(row, "version")?,
        created_at: get(row, "created_at")?,
        rotated_at: get(row, "rotated_at")?,
    })
}
