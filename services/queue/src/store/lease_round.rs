//! One lease round: chooses on the board, and takes what was chosen in one statement. Only where a limit has to hold for
//! all replicas together, of a host or of a type, that is locked and counted before.

use super::{
    Store, StoreError,
    acquire_leases::{Acquire, GrantedLease},
    grants::Grant,
    guarded_hosts::{lock_free_hosts, write_hosts},
    lookout::InHand,
    open_leases::open_leases,
    repeats::granted_lease,
};
use crate::{host::HostId, share_out::Asking};
use codeimport_core::RcsType;
use codeimport_pg::{DbError, Row, Statement, row::get};
use foldhash::{HashMap, HashMapExt as _};
use scoped_futures::ScopedFutureExt as _;
use std::collections::{BTreeMap, BTreeSet};

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
        let takers: HashMap<i64, usize> = in_hand.chosen().iter().map(|one| (one.waiter.job_no, one.asking)).collect();
        let mut leased: HashMap<i64, (usize, GrantedLease)> = HashMap::with_capacity(rows.len());
        let mut grants = Vec::with_capacity(rows.len());
        for row in rows {
            let (job_no, granted) = (get::<i64>(row, "job_no")?, granted_lease(row)?);
            let taker = takers.get(&job_no).ok_or_else(|| DbError::decode("job_no", &job_no))?;
            grants.extend(Grant::read(row, &granted)?.map(|grant| (granted.lease.run_id, grant)));
            leased.insert(job_no, (*taker, granted));
        }
        self.grants.keep(grants.into_iter());
        let order: Vec<i64> = in_hand.chosen().iter().map(|one| one.waiter.job_no).collect();
        in_hand.leased(|job_no| leased.contains_key(&job_no));
        Ok(order.iter().filter_map(|job_no| leased.remove(job_no)).collect())
    }
}

fn asking(acquire: &Acquire) -> Asking {
    Asking { slots: acquire.max_leases, rcs_types: acquire.rcs_types.clone() }
}
