//! One lease round: chooses on the board, and takes what was chosen in one statement. Only where a limit has to hold for
//! all replicas together, of a host or of a type, that is locked and counted before.

use super::{
    LeaseName, Store, StoreError,
    acquire_leases::{Acquire, GrantedLease},
    grants::Grant,
    guarded_hosts::{lock_free_hosts, write_hosts},
    lookout::InHand,
    open_leases::open_leases,
};
use crate::{
    board::{Chosen, Waiter},
    host::HostId,
    next_due::plus,
    share_out::Asking,
};
use codeimport_core::{FencingToken, RcsType, RunId};
use codeimport_pg::{
    DbError, Row, Statement,
    row::{get, parsed},
};
use foldhash::{HashMap, HashMapExt as _};
use jiff::Timestamp;
use scoped_futures::ScopedFutureExt as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

impl Store {
    /// The leases granted, each with the index of who gets it.
    pub(super) async fn lease_round(&self, takers: &[&Acquire]) -> Result<Vec<(usize, GrantedLease)>, StoreError> {
        let asking: Vec<Asking> = takers.iter().map(|acquire| asking(acquire)).collect();
        let rcs_types: BTreeSet<RcsType> = asking.iter().flat_map(|one| one.rcs_types.iter().copied()).collect();
        let wanted = asking.iter().map(|one| one.slots).fold(0, u32::saturating_add);
        let guarded = {
            let mut seen = self.lookout.seen();
            let now = seen.now();
            seen.board.pass(now);
            seen.board.guarded(&rcs_types, wanted, now)
        };
        let limited = self.policy.type_limits.keys().any(|rcs_type| rcs_types.contains(rcs_type));
        let (in_hand, rows) = match guarded.is_empty() && !limited {
            true => self.take_freely(takers, &asking).await?,
            false => self.take_guarded(takers, &asking, &rcs_types, &guarded).await?,
        };
        self.settle(in_hand, &rows)
    }

    async fn take_freely(&self, takers: &[&Acquire], asking: &[Asking]) -> Result<(InHand, Vec<Row>), StoreError> {
        let in_hand = self.choose(asking, BTreeMap::new(), &BTreeSet::new());
        if in_hand.chosen().is_empty() {
            return Ok((in_hand, Vec::new()));
        }
        let rows = self.db.run_one("queue.open_leases", &self.open(takers, &in_hand)).await?;
        Ok((in_hand, rows))
    }

    /// All locks are held until the commit: what is counted here stays true as long as it matters.
    async fn take_guarded(
        &self,
        takers: &[&Acquire],
        asking: &[Asking],
        rcs_types: &BTreeSet<RcsType>,
        guarded: &BTreeSet<HostId>,
    ) -> Result<(InHand, Vec<Row>), StoreError> {
        self.db
            .run_tx("queue.lease_round", |tx| {
                async move {
                    let type_room = self.type_room(tx, rcs_types).await?;
                    let hosts = lock_free_hosts(tx, guarded).await?;
                    self.learn_hosts(hosts.clone());
                    let locked = hosts.iter().map(|host| host.host_id).collect();
                    let in_hand = self.choose(asking, type_room, &locked);
                    if in_hand.chosen().is_empty() {
                        return Ok((in_hand, Vec::new()));
                    }
                    let mut writes: Vec<Statement> = vec![self.open(takers, &in_hand)];
                    writes.extend(write_hosts(&in_hand.changed_hosts(&hosts)));
                    let mut read = tx.commit_with(&writes).await?;
                    Ok::<_, StoreError>((in_hand, std::mem::take(&mut read[0])))
                }
                .scope_boxed()
            })
            .await
    }

    fn choose(&self, asking: &[Asking], type_room: BTreeMap<RcsType, u32>, locked: &BTreeSet<HostId>) -> InHand {
        let mut seen = self.lookout.seen();
        let (now, streak) = (seen.now(), seen.streak);
        seen.looked_at = now;
        let (chosen, streak) = seen.board.choose(asking, type_room, locked, streak, now);
        seen.streak = streak;
        drop(seen);
        InHand::new(self.lookout.clone(), chosen)
    }

    fn open(&self, takers: &[&Acquire], in_hand: &InHand) -> Statement {
        open_leases(takers, in_hand.chosen(), self.lease_ttl.as_secs_f64())
    }

    fn settle(&self, in_hand: InHand, rows: &[Row]) -> Result<Vec<(usize, GrantedLease)>, StoreError> {
        let chosen: HashMap<i64, &Chosen> = in_hand.chosen().iter().map(|one| (one.waiter.job_no, one)).collect();
        let mut leased: HashMap<i64, (usize, GrantedLease)> = HashMap::with_capacity(rows.len());
        let mut grants = Vec::with_capacity(rows.len());
        for row in rows {
            let job_no: i64 = get(row, "job_no")?;
            let one = chosen.get(&job_no).ok_or_else(|| DbError::decode("job_no", &job_no))?;
            let granted = self.granted(row, &one.waiter)?;
            let grant = Grant::read(row, &granted, one.waiter.key.host_id, one.waiter.place.due_at)?;
            grants.extend(grant.map(|grant| (granted.lease.run_id, grant)));
            leased.insert(job_no, (one.asking, granted));
        }
        self.grants.keep(grants.into_iter());
        let order: Vec<i64> = in_hand.chosen().iter().map(|one| one.waiter.job_no).collect();
        in_hand.leased(|job_no| leased.contains_key(&job_no));
        Ok(order.iter().filter_map(|job_no| leased.remove(job_no)).collect())
    }

    /// With what the board knows of the job: the statement has restated it.
    fn granted(&self, row: &Row, Waiter { place, key, .. }: &Waiter) -> Result<GrantedLease, DbError> {
        let started_at: Timestamp = get(row, "started_at")?;
        Ok(GrantedLease {
            lease: LeaseName {
                job_id: parsed(row, "job_id")?,
                run_id: RunId(get(row, "run_id")?),
                fencing_token: FencingToken(get(row, "fencing_token")?),
            },
            expires_at: plus(started_at, self.lease_ttl),
            rcs_type: key.rcs_type,
            after_reclaim: get(row, "after_reclaim")?,
            requested: key.requested,
            waited: Duration::try_from(started_at.duration_since(place.due_at)).unwrap_or_default(),
        })
    }
}

fn asking(acquire: &Acquire) -> Asking {
    Asking { slots: acquire.max_leases, rcs_types: acquire.rcs_types.clone() }
}
