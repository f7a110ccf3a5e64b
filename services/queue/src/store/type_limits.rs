//! How many runs of each RCS type may start. Counted only where there is a limit.

use super::{Store, StoreError};
use codeimport_core::RcsType;
use codeimport_pg::{
    Statement, Tx,
    row::{get, parsed},
};
use std::collections::{BTreeMap, BTreeSet};

impl Store {
    /// The room left for the types that have a limit. Until the transaction ends, no other one starts runs of them.
    pub(super) async fn type_room(
        &self,
        tx: &Tx<'_>,
        types: &BTreeSet<RcsType>,
    ) -> Result<BTreeMap<RcsType, u32>, StoreError> {
        let limited = self.policy.type_limits.iter().filter(|(rcs_type, _)| types.contains(rcs_type));
        let mut room: BTreeMap<RcsType, u32> = limited.map(|(rcs_type, limit)| (*rcs_type, *limit)).collect();
        if room.is_empty() {
            return Ok(room);
        }
        let names: Vec<&'static str> = room.keys().map(|rcs_type| rcs_type.name()).collect();
        // First the lock, then the count: a statement does not see what was committed while it waited.
        let lock = Statement::new(
            "-- queue.lock_types
             SELECT pg_advisory_xact_lock(hashtextextended('queue.type.' || kind.rcs_type, 0))
               FROM unnest($1::text[]) AS kind (rcs_type)",
        );
        let count = Statement::new(
            "-- queue.count_types
             SELECT lease.rcs_type, count(*) AS running_count
               FROM lease
              WHERE lease.rcs_type = ANY ($1)
              GROUP BY lease.rcs_type",
        );
        let read = tx.pipeline(&[lock.bind(names.clone()), count.bind(names)]).await?;
        for row in &read[1] {
            let running: i64 = get(row, "running_count")?;
            if let Some(room) = room.get_mut(&parsed(row, "rcs_type")?) {
                *room = room.saturating_sub(u32::try_from(running).unwrap_or(u32::MAX));
            }
        }
        Ok(room)
    }
}
