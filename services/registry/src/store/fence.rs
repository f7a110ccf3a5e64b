//! Refuses lease holders that are not the newest: in the transaction that writes, before it writes.

use super::change_import;
use crate::error::RegistryError;
use codeimport_core::{FencingToken, ImportId};
use codeimport_pg::Tx;
use jiff::Timestamp;

/// What a verified lease token says, as far as the store needs it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// The import that the lease is for.
    pub import_id: ImportId,
    /// Orders it among all leases.
    pub fencing_token: FencingToken,
    /// Refused after this instant, by the database's clock. The allowance for clock skew is in it.
    pub refused_after: Timestamp,
}

/// Keeps the import from being deleted, and earlier holders out, until the transaction ends; and earlier holders from
/// then on.
///
/// Fails with `ImportNotFound`, and with `LeaseLost` if there was a later holder or the lease has expired.
pub(super) async fn raise(tx: &Tx<'_>, holder: &Holder) -> Result<(), RegistryError> {
    const KEEP: &str = "-- registry.keep_import\nSELECT import_id FROM import WHERE import_id = $1 FOR KEY SHARE";
    const RAISE: &str = "-- registry.raise_fence
        INSERT INTO fence AS old (import_id, highest_fencing_token)
        SELECT $1, $2
         WHERE clock_timestamp() <= $3
        ON CONFLICT (import_id) DO UPDATE
           SET highest_fencing_token = excluded.highest_fencing_token
         WHERE old.highest_fencing_token <= excluded.highest_fencing_token";
    let import_id = holder.import_id.as_str();
    if tx.query_opt(KEEP, &[&import_id]).await?.is_none() {
        return Err(change_import::not_found(&holder.import_id));
    }
    match tx.execute(RAISE, &[&import_id, &holder.fencing_token.0, &holder.refused_after]).await? {
        0 => Err(RegistryError::LeaseLost),
        _ => Ok(()),
    }
}
