//! Totals of what the scan found, and the wish to have it all told anew.

use super::{Store, change_import, fence};
use crate::error::RegistryError;
use codeimport_core::ImportId;
use codeimport_pg::row::get;
use scoped_futures::ScopedFutureExt as _;

/// Totals of what is shown of an import.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScanTotals {
    /// Commits.
    pub commit_count: i64,
    /// Their authors.
    pub author_count: i64,
    /// Oldest committer date, in seconds since 1970.
    pub first_time_s: Option<i64>,
    /// Newest committer date.
    pub last_time_s: Option<i64>,
    /// Bytes that the target takes; 0: unknown.
    pub target_bytes: i64,
    /// A rescan was wanted and has not come yet.
    pub rescan_wanted: bool,
}

impl Store {
    /// The totals of an import; all zero if it was not scanned yet.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn scan_totals(&self, import_id: &ImportId) -> Result<ScanTotals, RegistryError> {
        const SQL: &str = "-- registry.scan_totals
            SELECT coalesce(commit_count, 0) AS commit_count, coalesce(author_count, 0) AS author_count,
                   first_time_s, last_time_s, coalesce(target_bytes, 0) AS target_bytes,
                   coalesce(rescan_wanted, false) AS rescan_wanted
              FROM import LEFT JOIN scan ON scan.import_id = import.import_id
             WHERE import.import_id = $1";
        let row = self.db.client().await?.query_opt(SQL, &[&import_id.as_str()]).await?;
        let row = row.ok_or_else(|| change_import::not_found(import_id))?;
        Ok(ScanTotals {
            commit_count: get(&row, "commit_count")?,
            author_count: get(&row, "author_count")?,
            first_time_s: get(&row, "first_time_s")?,
            last_time_s: get(&row, "last_time_s")?,
            target_bytes: get(&row, "target_bytes")?,
            rescan_wanted: get(&row, "rescan_wanted")?,
        })
    }

    /// Wants the next run to tell all of history anew.
    ///
    /// # Errors
    ///
    /// `ImportNotFound`.
    pub async fn want_rescan(&self, import_id: &ImportId) -> Result<(), RegistryError> {
        const SQL: &str = "-- registry.want_rescan
            INSERT INTO scan (import_id, rescan_wanted) VALUES ($1, true)
            ON CONFLICT (import_id) DO UPDATE SET rescan_wanted = true";
        let wanted = self.db.run_tx("registry.want_rescan", |tx| {
            async move {
                fence::keep_import(tx, import_id).await?;
                Ok::<_, RegistryError>(tx.execute(SQL, &[&import_id.as_str()]).await.map(drop)?)
            }
            .scope_boxed()
        });
        wanted.await
    }
}
