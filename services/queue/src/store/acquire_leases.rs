//! Leases jobs that are due: one round for all who ask.

use super::{
    LeaseName, Store, StoreError,
    lease_round::{Chosen, MAX_LEASES, choose},
    locked_hosts::{LockedHosts, column},
    open_leases::open_leases,
    open_lines::{OpenTurn, read_turns, ripe_turns},
    ripe_hosts::{NextTurns, lock_ripe_hosts, next_turns, ripe_hosts},
};
use crate::share_out::{Asking, Streak};
use codeimport_core::{FencingToken, RcsType, RunId};
use codeimport_pg::{
    DbError, Row, Statement, Tx,
    row::{get, parsed},
};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
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
    /// How long it had been due.
    pub waited: Duration,
}

/// What came of a lease round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leased {
    /// For each request what it got.
    pub granted: Vec<Vec<GrantedLease>>,
    /// If somebody got nothing: how long until the next host with jobs of the types asked for has its turn; none if
    /// none ever will as things are.
    pub next_turn_in: Option<Duration>,
}

/// What each request got, and what the next round goes on with.
struct Round {
    granted: Vec<Vec<GrantedLease>>,
    streak: Streak,
    next_turns: NextTurns,
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
    pub async fn acquire_leases(&self, acquires: &[Acquire]) -> Result<Leased, StoreError> {
        let firsts = firsts(acquires);
        // In the order of the ids, in which they will be locked.
        let distinct: Vec<&Acquire> = firsts.values().copied().collect();
        let distinct = distinct.as_slice();
        let round = self
            .db
            .run_tx("queue.acquire_leases", |tx| async move { lease_round(tx, self, distinct).await }.scope_boxed())
            .await?;
        self.rounds.end(round.streak, &round.next_turns);
        let granted: BTreeMap<Uuid, _> = firsts.keys().copied().zip(round.granted).collect();
        // Nobody takes over another's leases by its request id.
        let of = |acquire: &Acquire| {
            firsts.get(&acquire.request_id).filter(|first| first.worker_id == acquire.worker_id)?;
            granted.get(&acquire.request_id).cloned()
        };
        let granted = acquires.iter().map(|acquire| of(acquire).unwrap_or_default()).collect();
        Ok(Leased { granted, next_turn_in: round.next_turns.earliest() })
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

async fn lease_round(tx: &Tx<'_>, store: &Store, acquires: &[&Acquire]) -> Result<Round, StoreError> {
    let _turn = store.hosts_turn().await;
    let (mut granted, mut ripe) = open_round(tx, store, acquires).await?;
    let new: Vec<usize> = (0..acquires.len()).filter(|at| granted[*at].is_none()).collect();
    let takers: Vec<&Acquire> = new.iter().map(|at| acquires[*at]).collect();
    let asking: Vec<Asking> = takers.iter().map(|acquire| asking(acquire)).collect();
    let streak = store.rounds.streak();
    let (chosen, streak) = match &mut ripe {
        Ripe { locked: Some(locked), turns, type_room } => {
            choose(tx, locked, std::mem::take(turns), &asking, type_room, streak).await?
        }
        Ripe { locked: None, .. } => (Vec::new(), streak),
    };
    let (leases, next_turns) = close_round(tx, store, ripe, &takers, &chosen).await?;
    for (taker, lease) in leases {
        granted[new[taker]].get_or_insert_default().push(lease);
    }
    Ok(Round { granted: granted.into_iter().map(Option::unwrap_or_default).collect(), streak, next_turns })
}

/// The hosts whose turn it is, if there is any, with their lines, and what the types have room for.
struct Ripe<'p> {
    locked: Option<LockedHosts<'p>>,
    turns: Vec<OpenTurn>,
    type_room: BTreeMap<RcsType, u32>,
}

/// What the requests hold already; locks the hosts whose turn it is, and reads their lines. In one round trip, if no type
/// has a limit: such a one has to be known before.
async fn open_round<'s>(
    tx: &Tx<'_>,
    store: &'s Store,
    acquires: &[&Acquire],
) -> Result<(Vec<Option<Vec<GrantedLease>>>, Ripe<'s>), StoreError> {
    let wanted = acquires.iter().map(|one| one.max_leases).fold(0, u32::saturating_add).min(MAX_LEASES);
    let mut types: BTreeSet<RcsType> = acquires.iter().flat_map(|one| one.rcs_types.iter().copied()).collect();
    let type_room = store.type_room(tx, &types).await?;
    types.retain(|rcs_type| type_room.get(rcs_type).is_none_or(|room| *room > 0));
    let [lock, held] = held_by_requests(acquires);
    let lock_hosts = lock_ripe_hosts(&store.rounds.from(&types), wanted);
    let [turns, lines] = read_turns(&types, wanted);
    let read = tx.begin_with(&[lock, held, lock_hosts, turns, lines]).await?;
    let mut locked = ripe_hosts(store.hosts(), &read[2])?;
    let turns = match &mut locked {
        Some(locked) => ripe_turns(locked, wanted, &read[3], &read[4])?,
        None => Vec::new(),
    };
    Ok((held_leases(acquires.len(), &read[1])?, Ripe { locked, turns, type_room }))
}

/// Writes what was chosen, and ends the transaction. Returns each lease with the index of who gets it.
async fn close_round(
    tx: &Tx<'_>,
    store: &Store,
    ripe: Ripe<'_>,
    takers: &[&Acquire],
    chosen: &[Chosen],
) -> Result<(Vec<(usize, GrantedLease)>, NextTurns), StoreError> {
    let types: BTreeSet<RcsType> = takers.iter().flat_map(|taker| taker.rcs_types.iter().copied()).collect();
    let mut writes: Vec<Statement> = ripe.locked.and_then(|mut locked| locked.write()).into_iter().collect();
    // Looked at after the turns are written.
    writes.push(next_turns(&store.rounds.from(&types)));
    let looked_at = writes.len() - 1;
    if !chosen.is_empty() {
        writes.push(open_leases(takers, chosen, store.lease_ttl.as_secs_f64()));
    }
    let mut read = tx.commit_with(&writes).await?;
    let opened = if chosen.is_empty() { Vec::new() } else { read.pop().unwrap_or_default() };
    let takers: BTreeMap<i64, usize> = chosen.iter().map(|one| (one.job_no, one.asking)).collect();
    let leases = opened.iter().map(|row| taken(row, &takers)).collect::<Result<_, _>>()?;
    Ok((leases, NextTurns::read(&read[looked_at])?))
}

/// With the index of who takes it.
fn taken(row: &Row, takers: &BTreeMap<i64, usize>) -> Result<(usize, GrantedLease), DbError> {
    let job_no: i64 = get(row, "job_no")?;
    let taker = takers.get(&job_no).ok_or_else(|| DbError::decode("job_no", &job_no))?;
    Ok((*taker, lease(row)?))
}

fn asking(acquire: &Acquire) -> Asking {
    Asking { slots: acquire.max_leases, rcs_types: acquire.rcs_types.clone() }
}

/// Reads, for each request, what it was granted before and still holds.
fn held_by_requests(acquires: &[&Acquire]) -> [Statement; 2] {
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
                lease.after_reclaim, lease.requested_at, lease.started_at, lease.due_at
           FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS item (request_id, worker_id, position)
           JOIN lease_request ON lease_request.request_id = item.request_id
           LEFT JOIN lease ON lease.job_no = ANY (lease_request.job_nos)
                          AND lease.request_id = item.request_id AND lease.worker_id = item.worker_id
          ORDER BY item.position, lease.run_id",
    );
    let worker_ids = column(acquires, |acquire| acquire.worker_id.clone());
    [lock.bind(request_ids.clone()), held.bind(request_ids).bind(worker_ids)]
}

/// For each request what it holds; none if it is no repeat.
fn held_leases(requests: usize, rows: &[Row]) -> Result<Vec<Option<Vec<GrantedLease>>>, DbError> {
    let mut held: Vec<Option<Vec<GrantedLease>>> = vec![None; requests];
    for row in rows {
        let position: i64 = get(row, "position")?;
        let at = usize::try_from(position - 1).ok().and_then(|at| held.get_mut(at));
        let leases = at.ok_or_else(|| DbError::decode("position", &position))?.get_or_insert_default();
        if get::<Option<i64>>(row, "run_id")?.is_some() {
            leases.push(lease(row)?);
        }
    }
    Ok(held)
}

fn lease(row: &Row) -> Result<GrantedLease, DbError> {
    let (started_at, due_at): (Timestamp, Timestamp) = (get(row, "started_at")?, get(row, "due_at")?);
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
        waited: Duration::try_from(started_at.duration_since(due_at)).unwrap_or_default(),
    })
}
