//! Workers: what they said they are, when they were heard of, and what operators want of them.

use super::{Store, StoreError, rows::bounded};
use crate::workers::{Capability, Registration, StateSet, WorkerReport};
use codeimport_core::RcsType;
use codeimport_pg::{
    DbError, Row,
    row::{get, parsed},
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

/// What a worker row says if jobs may be given to that worker.
macro_rules! takes_jobs {
    () => {
        "worker.gone_at IS NULL AND NOT worker.drained"
    };
}
pub(super) use takes_jobs;

const WORKERS: &str = "\
SELECT worker.worker_id, worker.version, worker.slot_count, worker.registered_at, worker.rcs_types, worker.tools,
       worker.seen_at, worker.gone_at, worker.drained, worker.state_set_at, worker.state_set_by, worker.state_reason,
       coalesce(held.running_count, 0) AS running_count
  FROM worker
  LEFT JOIN (SELECT lease.worker_id, count(*) AS running_count FROM lease GROUP BY lease.worker_id) AS held
         ON held.worker_id = worker.worker_id ";

impl Store {
    /// Makes a worker known. Tells whether it is drained: that outlives its restart.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn register_worker(&self, new: &Registration) -> Result<bool, StoreError> {
        let rcs_types: Vec<&str> = new.capabilities.iter().map(|one| one.rcs_type.name()).collect();
        let tools: Vec<&str> = new.capabilities.iter().map(|one| one.tools.as_str()).collect();
        let slot_count = i32::try_from(new.slot_count).unwrap_or(i32::MAX);
        let row = self
            .db
            .client()
            .await?
            .query_one(
                "-- queue.register_worker
                 INSERT INTO worker (worker_id, version, slot_count, registered_at, rcs_types, tools, seen_at)
                 VALUES ($1, $2, $3, statement_timestamp(), $4, $5, statement_timestamp())
                     ON CONFLICT (worker_id) DO UPDATE
                    SET version = excluded.version, slot_count = excluded.slot_count,
                        registered_at = excluded.registered_at, rcs_types = excluded.rcs_types,
                        tools = excluded.tools, seen_at = excluded.seen_at, gone_at = NULL
              RETURNING worker.drained",
                &[&new.worker_id, &new.version, &slot_count, &rcs_types, &tools],
            )
            .await?;
        Ok(get(&row, "drained")?)
    }

    /// Workers by id, from after one on; at most `limit`.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn list_workers(&self, after: &str, limit: u32) -> Result<Vec<WorkerReport>, StoreError> {
        let sql =
            format!("-- queue.list_workers\n{WORKERS} WHERE worker.worker_id > $1 ORDER BY worker.worker_id LIMIT $2");
        let rows = self.db.client().await?.query(&sql, &[&after, &i64::from(limit)]).await?;
        Ok(rows.iter().map(report).collect::<Result<_, _>>()?)
    }

    /// Drains a worker, or lets it go on.
    ///
    /// # Errors
    ///
    /// [`StoreError::WorkerNotFound`].
    pub async fn set_drained(
        &self,
        worker_id: &str,
        drained: bool,
        by: &str,
        reason: &str,
    ) -> Result<WorkerReport, StoreError> {
        let client = self.db.client().await?;
        client
            .execute(
                "-- queue.set_drained
                 UPDATE worker
                    SET drained = $2, state_set_at = statement_timestamp(), state_set_by = $3, state_reason = $4
                  WHERE worker.worker_id = $1",
                &[&worker_id, &drained, &by, &reason],
            )
            .await?;
        let sql = format!("-- queue.get_worker\n{WORKERS} WHERE worker.worker_id = $1");
        let row = client.query_opt(&sql, &[&worker_id]).await?;
        let row = row.ok_or_else(|| StoreError::WorkerNotFound(worker_id.to_owned()))?;
        Ok(report(&row)?)
    }

    /// Notes that workers were heard of. Those that ask for jobs without having registered become known.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn sight_workers(&self, sighted: &BTreeMap<String, Option<Registration>>) -> Result<(), StoreError> {
        let client = self.db.client().await?;
        for unregistered in sighted.values().flatten() {
            let rcs_types: Vec<&str> = unregistered.capabilities.iter().map(|one| one.rcs_type.name()).collect();
            client
                .execute(
                    "-- queue.sight_unregistered
                     INSERT INTO worker (worker_id, version, rcs_types, tools, seen_at)
                     VALUES ($1, $2, $3, array_fill(''::text, ARRAY[cardinality($3::text[])]), statement_timestamp())
                         ON CONFLICT (worker_id) DO NOTHING",
                    &[&unregistered.worker_id, &unregistered.version, &rcs_types],
                )
                .await?;
        }
        let worker_ids: Vec<&str> = sighted.keys().map(String::as_str).collect();
        client
            .execute(
                "-- queue.sight_workers
                 UPDATE worker
                    SET seen_at = statement_timestamp(), gone_at = NULL
                  WHERE worker.worker_id = ANY ($1)",
                &[&worker_ids],
            )
            .await?;
        Ok(())
    }

    /// Notes which workers are gone: not heard of for so long. Says which, if they were not gone before.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn mark_gone_workers(&self, silence: Duration) -> Result<Vec<String>, StoreError> {
        let rows = self
            .db
            .client()
            .await?
            .query(
                "-- queue.mark_gone_workers
                 UPDATE worker
                    SET gone_at = statement_timestamp()
                  WHERE worker.gone_at IS NULL
                    AND worker.seen_at < statement_timestamp() - make_interval(secs => $1)
              RETURNING worker.worker_id",
                &[&silence.as_secs_f64()],
            )
            .await?;
        Ok(rows.iter().map(|row| get(row, "worker_id")).collect::<Result<_, DbError>>()?)
    }

    /// The ids of all drained workers.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn drained_workers(&self) -> Result<HashSet<String>, StoreError> {
        let sql = "-- queue.drained_workers\nSELECT worker.worker_id FROM worker WHERE worker.drained";
        let rows = self.db.client().await?.query(sql, &[]).await?;
        Ok(rows.iter().map(|row| get(row, "worker_id")).collect::<Result<_, DbError>>()?)
    }

    /// How many workers take jobs, for each type.
    ///
    /// # Errors
    ///
    /// Only the database's.
    pub async fn workers_by_type(&self) -> Result<BTreeMap<RcsType, u32>, StoreError> {
        let sql = concat!(
            "-- queue.workers_by_type
             SELECT kind.rcs_type, count(*) AS worker_count
               FROM worker
              CROSS JOIN LATERAL unnest(worker.rcs_types) AS kind (rcs_type)
              WHERE ",
            takes_jobs!(),
            " GROUP BY kind.rcs_type"
        );
        let rows = self.db.client().await?.query(sql, &[]).await?;
        let by_type = rows.iter().map(|row| Ok((parsed(row, "rcs_type")?, bounded(row, "worker_count")?)));
        Ok(by_type.collect::<Result<_, DbError>>()?)
    }
}

fn report(row: &Row) -> Result<WorkerReport, DbError> {
    let at: Option<Timestamp> = get(row, "state_set_at")?;
    let (by, reason): (Option<String>, Option<String>) = (get(row, "state_set_by")?, get(row, "state_reason")?);
    let state_set = at.map(|at| StateSet { at, by: by.unwrap_or_default(), reason: reason.unwrap_or_default() });
    let slot_count: Option<i32> = get(row, "slot_count")?;
    Ok(WorkerReport {
        worker: Registration {
            worker_id: get(row, "worker_id")?,
            version: get(row, "version")?,
            slot_count: slot_count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
            capabilities: capabilities(row)?,
        },
        registered_at: get(row, "registered_at")?,
        seen_at: get(row, "seen_at")?,
        gone: get::<Option<Timestamp>>(row, "gone_at")?.is_some(),
        drained: get(row, "drained")?,
        state_set,
        running_count: bounded(row, "running_count")?,
    })
}

fn capabilities(row: &Row) -> Result<Vec<Capability>, DbError> {
    let (rcs_types, tools): (Vec<String>, Vec<String>) = (get(row, "rcs_types")?, get(row, "tools")?);
    let capability = |(rcs_type, tools): (String, String)| {
        let rcs_type = rcs_type.parse().map_err(|error| DbError::decode("rcs_types", &error))?;
        Ok(Capability { rcs_type, tools })
    };
    rcs_types.into_iter().zip(tools).map(capability).collect()
}
