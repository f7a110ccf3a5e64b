//! Leases jobs that are due: one round for all who ask.

use super::{
    LeaseName, Store, StoreError,
    lease_round::{Chosen, choose, lock_ripe_hosts},
    locked_hosts::column,
};
use crate::share_out::{Asking, Streak};
use codeimport_core::{FencingToken, RcsType, RunId};
use codeimport_pg::{
    DbError, Row, Statement, Tx,
    row::{get, parsed},
};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What a worker asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acquire {
    /// The worker.
    pub worker_id: String,
    /// Its software.
    pub worker_version: String,
    /// Its free slots.
    pub max_leases: u32,
    /// What it can do.
    pub rcs_types: Vec<RcsType>,
    /// The same for a repeat of the same request.
    pub request_id: Uuid,
}

/// A lease as it was granted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantedLease {
    /// Its name.
    pub lease: LeaseName,
    /// By the database's clock.
    pub expires_at: Timestamp,
    /// Type of the source.
    pub rcs_type: RcsType,
    /// Whether an earlier holder may still be alive.
    pub after_reclaim: bool,
    /// Whether a person asked for it.
    pub requested: bool,
}

/// What each request got, and what the next round goes on with.
struct Round {
    granted: Vec<Vec<GrantedLease>>,
    streak: Streak,
}

impl Store {
    /// Leases jobs that are due, for each request what it gets. Does not wait for any.
    ///
    /// A repeat of a request returns what the first one was granted and still holds, also while the first one is still
    /// under way.
    ///
    /// # Errors
    ///
    /// Only the database's; then nobody was granted anything.
    pub async fn acquire_leases(&self, acquires: &[Acquire]) -> Result<Vec<Vec<GrantedLease>>, StoreError> {
        let firsts = firsts(acquires);
        // In the order of the ids, in which they will be locked.
        let distinct: Vec<&Acquire> = firsts.values().copied().collect();
        let (distinct, streak) = (distinct.as_slice(), self.rounds.streak());
        let round = self
            .db
            .run_tx("queue.acquire_leases", |tx| {
                async move { lease_round(tx, self, distinct, streak).await }.scope_boxed()
            })
            .await?;
        self.rounds.set_streak(round.streak);
        let granted: BTreeMap<Uuid, _> = firsts.keys().copied().zip(round.granted).collect();
        // Nobody takes over another's leases by its request id.
        let of = |acquire: &Acquire| {
            firsts.get(&acquire.request_id).filter(|first| first.worker_id == acquire.worker_id)?;
            granted.get(&acquire.request_id).cloned()
        };
        Ok(acquires.iter().map(|acquire| of(acquire).unwrap_or_default()).collect())
    }
}

/// The first of each request that is there more than once.
fn firsts(acquires: &[Acquire]) -> BTreeMap<Uuid, &Acquire> {
    let mut firsts = BTreeMap::new();
    for acquire in acquires {
        firsts.entry(acquire.request_id).or_insert(acquire);
    }
    firsts
}

async fn lease_round(tx: &Tx<'_>, store: &Store, acquires: &[&Acquire], streak: Streak) -> Result<Round, StoreError> {
    let mut granted = held_by_requests(tx, acquires).await?;
    let new: Vec<usize> = (0..acquires.len()).filter(|at| granted[*at].is_none()).collect();
    let takers: Vec<&Acquire> = new.iter().map(|at| acquires[*at]).collect();
    let (leases, streak) = lease_due(tx, store, &takers, streak).await?;
    for (taker, lease) in leases {
        granted[new[taker]].get_or_insert_default().push(lease);
    }
    Ok(Round { granted: granted.into_iter().map(Option::unwrap_or_default).collect(), streak })
}

/// Leases what is due. Returns each lease with the index of who gets it.
async fn lease_due(
    tx: &Tx<'_>,
    store: &Store,
    takers: &[&Acquire],
    streak: Streak,
) -> Result<(Vec<(usize, GrantedLease)>, Streak), StoreError> {
    let asking: Vec<Asking> = takers.iter().map(|acquire| asking(acquire)).collect();
    let wanted = asking.iter().map(|one| one.slots).fold(0, u32::saturating_add);
    let mut types: BTreeSet<RcsType> = asking.iter().flat_map(|one| one.rcs_types.iter().copied()).collect();
    let type_room = store.type_room(tx, &types).await?;
    types.retain(|rcs_type| type_room.get(rcs_type).is_none_or(|room| *room > 0));
    let locked = if types.is_empty() { None } else { lock_ripe_hosts(tx, store.hosts(), &types, wanted).await? };
    let Some(mut locked) = locked else { return Ok((Vec::new(), streak)) };
    let (chosen, streak) = choose(tx, &mut locked, &asking, type_room, streak).await?;
    let mut writes = locked.writes();
    if !chosen.is_empty() {
        writes.push(remember_requests(takers, &chosen));
        writes.push(open_leases(takers, &chosen, store.lease_ttl.as_secs_f64()));
    }
    let opened = tx.pipeline(&writes).await?.pop().filter(|_| !chosen.is_empty()).unwrap_or_default();
    Ok((opened.iter().map(taken).collect::<Result<_, _>>()?, streak))
}

fn taken(row: &Row) -> Result<(usize, GrantedLease), DbError> {
    let taker: i64 = get(row, "asking")?;
    let taker = usize::try_from(taker).map_err(|error| DbError::decode("asking", &error))?;
    Ok((taker, lease(row)?))
}

fn asking(acquire: &Acquire) -> Asking {
    Asking { slots: acquire.max_leases, rcs_types: acquire.rcs_types.clone() }
}

/// For each request what it was granted before and still holds; none if it is no repeat.
async fn held_by_requests(tx: &Tx<'_>, acquires: &[&Acquire]) -> Result<Vec<Option<Vec<GrantedLease>>>, StoreError> {
    let request_ids = column(acquires, |acquire| acquire.request_id);
    // Makes a repeat wait for its original: only then can it see what that was granted. In the order of the ids.
    let lock = Statement::new(
        "-- queue.lock_requests
         SELECT pg_advisory_xact_lock(hashtextextended(item.request_id::text, 0))
           FROM unnest($1::uuid[]) AS item (request_id)",
    );
    let held = Statement::new(
        "-- queue.held_by_requests
             SELECT item.position, lease.job_id, lease.run_id, lease.fencing_token, lease.expires_at, lease.rcs_type,
                    lease.after_reclaim, lease.requested_at
               FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS item (request_id, worker_id, position)
               JOIN lease_request ON lease_request.request_id = item.request_id
               LEFT JOIN lease ON lease.job_no = ANY (lease_request.job_nos)
                              AND lease.request_id = item.request_id AND lease.worker_id = item.worker_id
              ORDER BY item.position, lease.run_id",
    );
    let held = held.bind(request_ids.clone()).bind(column(acquires, |acquire| acquire.worker_id.clone()));
    let read = tx.pipeline(&[lock.bind(request_ids), held]).await?;
    let mut held = vec![None; acquires.len()];
    for row in &read[1] {
        let at = usize::try_from(get::<i64>(row, "position")? - 1).ok();
        let Some(slot) = at.and_then(|at| held.get_mut(at)) else { continue };
        let leases: &mut Vec<GrantedLease> = slot.get_or_insert_default();
        if get::<Option<i64>>(row, "run_id")?.is_some() {
            leases.push(lease(row)?);
        }
    }
    Ok(held)
}

/// Moves jobs from waiting to leased, in one statement.
fn open_leases(acquires: &[&Acquire], chosen: &[Chosen], ttl_s: f64) -> Statement {
    Statement::new(
        "-- queue.open_leases
         WITH taken AS (
             DELETE FROM waiting
              WHERE waiting.job_no = ANY ($1)
          RETURNING waiting.job_no, waiting.due_at, waiting.requested_at, waiting.requested_by
         ), opened AS (
             INSERT INTO lease (job_no, job_id, host_id, rcs_type, worker_id, worker_version, request_id, due_at,
                                requested_at, requested_by, after_reclaim, started_at, heartbeat_at, progress_at,
                                expires_at)
             SELECT taken.job_no, job.job_id, item.host_id, item.rcs_type, taker.worker_id, taker.worker_version,
                    taker.request_id, taken.due_at, taken.requested_at, taken.requested_by, job.after_reclaim,
                    statement_timestamp(), statement_timestamp(), statement_timestamp(),
                    statement_timestamp() + make_interval(secs => $8)
               FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) WITH ORDINALITY
                    AS item (job_no, host_id, rcs_type, asking, position)
               JOIN unnest($5::text[], $6::text[], $7::uuid[]) WITH ORDINALITY
                    AS taker (worker_id, worker_version, request_id, number) ON taker.number = item.asking + 1
               JOIN taken ON taken.job_no = item.job_no
               JOIN job ON job.job_no = item.job_no
              ORDER BY item.position                    -- tokens rise in the order of the turns
          RETURNING lease.job_no, lease.job_id, lease.run_id, lease.fencing_token, lease.expires_at, lease.rcs_type,
                    lease.after_reclaim, lease.requested_at
         )
         SELECT item.asking, opened.job_id, opened.run_id, opened.fencing_token, opened.expires_at, opened.rcs_type,
                opened.after_reclaim, opened.requested_at
           FROM opened
           JOIN unnest($1::bigint[], $4::bigint[]) AS item (job_no, asking) ON item.job_no = opened.job_no",
    )
    .bind(column(chosen, |one| one.job_no))
    .bind(column(chosen, |one| one.key.host_id.0))
    .bind(column(chosen, |one| one.key.rcs_type.name()))
    .bind(column(chosen, |one| i64::try_from(one.asking).unwrap_or(-1)))
    .bind(column(acquires, |acquire| acquire.worker_id.clone()))
    .bind(column(acquires, |acquire| acquire.worker_version.clone()))
    .bind(column(acquires, |acquire| acquire.request_id))
    .bind(ttl_s)
}

/// Notes what each request was granted, so that its repeat finds it.
fn remember_requests(acquires: &[&Acquire], chosen: &[Chosen]) -> Statement {
    let mut granted: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
    for one in chosen {
        granted.entry(one.asking).or_default().push(one.job_no);
    }
    let requests: Vec<(&Acquire, String)> =
        granted.iter().map(|(asking, job_nos)| (acquires[*asking], array_literal(job_nos))).collect();
    Statement::new(
        "-- queue.remember_requests
         INSERT INTO lease_request (request_id, worker_id, job_nos, granted_at)
         SELECT item.request_id, item.worker_id, item.job_nos::bigint[], statement_timestamp()
           FROM unnest($1::uuid[], $2::text[], $3::text[]) AS item (request_id, worker_id, job_nos)",
    )
    .bind(column(&requests, |(acquire, _)| acquire.request_id))
    .bind(column(&requests, |(acquire, _)| acquire.worker_id.clone()))
    .bind(column(&requests, |(_, job_nos)| job_nos.clone()))
}

/// An array as text, for a column of arrays: `unnest` would take it apart.
fn array_literal(numbers: &[i64]) -> String {
    let list: Vec<String> = numbers.iter().map(i64::to_string).collect();
    format!("{{{}}}", list.join(","))
}

fn lease(row: &Row) -> Result<GrantedLease, DbError> {
    Ok(GrantedLease {
        lease: LeaseName {
            job_id: parsed(row, "job_id")?,
            run_id: RunId(get(row, "run_id")?),
            fencing_token: FencingToken(get(row, "fencing_token")?),
        },
        expires_at: get(row, "expires_at")?,
        rcs_type: parsed(row, "rcs_type")?,
        after_reclaim: get(row, "after_reclaim")?,
        requested: get::<Option<Timestamp>>(row, "requested_at")?.is_some(),
    })
}
