//! Secrets of the registry's own, sealed, by their names.

use super::Store;
use crate::key_ring::Sealed;
use codeimport_pg::{DbError, Row, Tx, row::get};

impl Store {
    /// A secret as it is stored; none if there is none of this name.
    ///
    /// # Errors
    ///
    /// Only of the database.
    pub async fn secret(&self, name: &str) -> Result<Option<Sealed>, DbError> {
        const SQL: &str = "-- registry.secret\nSELECT key_id, sealed FROM secret WHERE name = $1";
        self.db.client().await?.query_opt(SQL, &[&name]).await?.as_ref().map(sealed).transpose()
    }
}

/// Stores a secret, in the place of the one that was there.
pub(super) async fn put(tx: &Tx<'_>, name: &str, sealed: &Sealed) -> Result<(), DbError> {
    const SQL: &str = "-- registry.put_secret
        INSERT INTO secret (name, key_id, sealed) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed";
    tx.execute(SQL, &[&name, &sealed.key_id, &sealed.bytes]).await.map(drop)
}

/// Deletes a secret, if there is one.
pub(super) async fn delete(tx: &Tx<'_>, name: &str) -> Result<(), DbError> {
    const SQL: &str = "-- registry.delete_secret\nDELETE FROM secret WHERE name = $1";
    tx.execute(SQL, &[&name]).await.map(drop)
}

/// From the columns `key_id` and `sealed`.
pub(super) fn sealed(row: &Row) -> Result<Sealed, DbError> {
    Ok(Sealed { key_id: get(row, "key_id")?, bytes: get(row, "sealed")? })
}
