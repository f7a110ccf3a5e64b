//! Source hosts, for operators.

use super::{
    Store, StoreError,
    guarded_hosts::{lock_hosts, write_hosts},
    put_schedule::find_or_make_host,
    rows::{self, host_columns},
};
use crate::{
    breaker::Breaker,
    host::{Host, HostLimits},
};
use codeimport_pg::{DbError, Row, Statement, Tx, row::get};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use std::collections::BTreeSet;

/// Who set a host's limits, when and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LimitsSet {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A host as operators see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostReport {
    /// The host.
    pub host: Host,
    /// The limits in force.
    pub limits: HostLimits,
    /// Who set its own limits; none if nobody did.
    pub limits_set: Option<LimitsSet>,
}

/// Limits for one host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetHostLimits {
    /// The host; made known if it is not.
    pub name: String,
    /// Its limits from now on.
    pub limits: HostLimits,
    /// Who sets them.
    pub by: String,
    /// Why.
    pub reason: String,
}

macro_rules! report_columns {
    () => {
        concat!(host_columns!(), ", source_host.limits_set_at, source_host.limits_set_by, source_host.limits_reason")
    };
}

impl Store {
    /// Hosts by name, from after a name on; at most `limit`.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn list_hosts(&self, after: &str, limit: u32) -> Result<Vec<HostReport>, StoreError> {
        let sql = concat!(
            "-- queue.list_hosts\nSELECT ",
            report_columns!(),
            " FROM source_host WHERE source_host.name > $1 ORDER BY source_host.name LIMIT $2"
        );
        let rows = self.db.client().await?.query(sql, &[&after, &i64::from(limit)]).await?;
        Ok(rows.iter().map(|row| self.report(row)).collect::<Result<_, _>>()?)
    }

    /// Sets how much a host may be used.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn set_host_limits(&self, set: &SetHostLimits) -> Result<HostReport, StoreError> {
        self.change_host("queue.set_host_limits", &set.name, Some(set), |host| host.own_limits = set.limits).await
    }

    /// Forgets a host's trouble and its pause.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn reset_host_breaker(&self, name: &str) -> Result<HostReport, StoreError> {
        self.change_host("queue.reset_host_breaker", name, None, |host| {
            host.breaker = Breaker::default();
            host.open_at = None;
        })
        .await
    }

    /// Changes a host, and lets this process know: others see it within a second.
    async fn change_host(
        &self,
        transaction: &'static str,
        name: &str,
        limits: Option<&SetHostLimits>,
        change: impl Fn(&mut Host) + Send + Sync,
    ) -> Result<HostReport, StoreError> {
        let change = &change;
        let changed = self.db.run_tx(transaction, |tx| {
            async move {
                let host_id = find_or_make_host(tx, name).await?.host_id;
                let mut hosts = lock_hosts(tx, &BTreeSet::from([host_id])).await?;
                hosts.iter_mut().for_each(change);
                let mut writes = Vec::from_iter(write_hosts(&hosts));
                writes.extend(limits.map(write_limits));
                tx.pipeline(&writes).await?;
                self.read_host(tx, name).await
            }
            .scope_boxed()
        });
        let report = changed.await?;
        self.learn_hosts(vec![report.host.clone()]);
        Ok(report)
    }

    async fn read_host(&self, tx: &Tx<'_>, name: &str) -> Result<HostReport, StoreError> {
        let sql =
            concat!("-- queue.read_host\nSELECT ", report_columns!(), " FROM source_host WHERE source_host.name = $1");
        Ok(self.report(&tx.query_one(sql, &[&name]).await?)?)
    }

    fn report(&self, row: &Row) -> Result<HostReport, DbError> {
        let host = rows::host(row)?;
        let at: Option<Timestamp> = get(row, "limits_set_at")?;
        let (by, reason): (Option<String>, Option<String>) = (get(row, "limits_set_by")?, get(row, "limits_reason")?);
        let limits_set = at.map(|at| LimitsSet { at, by: by.unwrap_or_default(), reason: reason.unwrap_or_default() });
        Ok(HostReport { limits: host.limits(self.hosts()), host, limits_set })
    }
}

fn write_limits(set: &SetHostLimits) -> Statement {
    let limit = |limit: Option<u32>| limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
    Statement::new(
        "-- queue.write_limits
         UPDATE source_host
            SET max_running = $2, starts_per_minute = $3, limits_set_at = statement_timestamp(), limits_set_by = $4,
                limits_reason = $5
          WHERE source_host.name = $1",
    )
    .bind(set.name.clone())
    .bind(limit(set.limits.max_running))
    .bind(limit(set.limits.starts_per_minute))
    .bind(set.by.clone())
    .bind(set.reason.clone())
}
