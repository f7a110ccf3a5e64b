//! Everything that is sealed, for the loop that seals it with a newer key.

use super::Store;
use crate::{
    credential::{CredentialId, bound_to},
    key_ring::Sealed,
};
use codeimport_pg::{
    DbError,
    row::{get, parsed},
};

/// Where something sealed stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SealedPlace {
    /// In a credential of this version.
    Credential(CredentialId, i32),
    /// Under this name among the registry's own secrets.
    Secret(String),
}

impl SealedPlace {
    /// What the secret is bound to.
    #[must_use]
    pub fn bound_to(&self) -> String {
        match self {
            Self::Credential(id, version) => bound_to(id, *version),
            Self::Secret(name) => name.clone(),
        }
    }
}

impl Store {
    /// Some of what another key has sealed than this one: at most `limit` of each kind.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn sealed_by_other_keys(&self, key_id: &str, limit: i64) -> Result<Vec<(SealedPlace, Sealed)>, DbError> {
        const CREDENTIALS: &str = "-- registry.credentials_of_other_keys
            SELECT credential_id, version, key_id, sealed FROM credential WHERE key_id <> $1 LIMIT $2";
        const SECRETS: &str = "-- registry.secrets_of_other_keys
            SELECT name, key_id, sealed FROM secret WHERE key_id <> $1 LIMIT $2";
        let client = self.db.client().await?;
        let mut found = Vec::new();
        for row in client.query(CREDENTIALS, &[&key_id, &limit]).await? {
            let place = SealedPlace::Credential(parsed(&row, "credential_id")?, get(&row, "version")?);
            found.push((place, super::secrets::sealed(&row)?));
        }
        for row in client.query(SECRETS, &[&key_id, &limit]).await? {
            found.push((SealedPlace::Secret(get(&row, "name")?), super::secrets::sealed(&row)?));
        }
        Ok(found)
    }

    /// Puts the same secret in the place of itself, sealed by another key, unless there is another one meanwhile.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn reseal(&self, place: &SealedPlace, old: &Sealed, new: &Sealed) -> Result<(), DbError> {
        const CREDENTIAL: &str = "-- registry.reseal_credential
            UPDATE credential SET key_id = $3, sealed = $4 WHERE credential_id = $1 AND sealed = $2";
        const SECRET: &str = "-- registry.reseal_secret
            UPDATE secret SET key_id = $3, sealed = $4 WHERE name = $1 AND sealed = $2";
        let (sql, name) = match place {
            SealedPlace::Credential(id, _) => (CREDENTIAL, id.as_str()),
            SealedPlace::Secret(name) => (SECRET, name.as_str()),
        };
        let client = self.db.client().await?;
        client.execute(sql, &[&name, &old.bytes, &new.key_id, &new.bytes]).await.map(drop)
    }
}
