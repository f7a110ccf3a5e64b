//! Those who wait for a job: calls of AcquireLeases that are not answered yet.

use crate::{
    coalescer::NotCarriedOut,
    store::{Acquire, GrantedLease, StoreError},
};
use codeimport_core::RcsType;
use std::{
    cmp::Reverse,
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::oneshot, time::Instant};

pub(super) type Answer = Result<Vec<GrantedLease>, StoreError>;

/// One who waits.
pub(super) struct Guest {
    pub(super) acquire: Acquire,
    pub(super) until: Instant,
    answer: oneshot::Sender<Answer>,
}

impl Guest {
    /// With where the answer will come.
    pub(super) fn new(acquire: Acquire, until: Instant) -> (Self, impl Future<Output = Answer>) {
        let (answer, answered) = oneshot::channel();
        (Self { acquire, until, answer }, async { answered.await.map_err(|_| NotCarriedOut)? })
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn has_left(&self) -> bool {
        self.answer.is_closed()
    }

    /// Whoever got nothing has been looked up, too: it repeats nothing.
    pub(super) fn looked_up(mut self) -> Self {
        self.acquire.looked_up = true;
        self
    }

    /// It may have been granted something by a statement that failed.
    pub(super) fn unknown_again(mut self) -> Self {
        self.acquire.looked_up = false;
        self
    }

    pub(super) fn answer(self, answer: Answer) {
        // Who has left meanwhile does not want to know.
        let _ = self.answer.send(answer);
    }

    /// With nothing.
    pub(super) fn leave(self) {
        self.answer(Ok(Vec::new()));
    }
}

/// Those for whom nothing was there at the last look, in the order of coming. Clones share them: whoever has a job to hand
/// over takes one out.
#[derive(Clone, Default)]
pub(super) struct Idle(Arc<Mutex<VecDeque<Guest>>>);

impl Idle {
    pub(super) fn is_empty(&self) -> bool {
        self.guests().is_empty()
    }

    pub(super) fn push(&self, guest: Guest) {
        self.guests().push_back(guest);
    }

    pub(super) fn take_all(&self) -> VecDeque<Guest> {
        std::mem::take(&mut self.guests())
    }

    /// The one who can do most of what is handed over; of several, who waits longest.
    pub(super) fn take_for(&self, handed_over: impl Fn(&[RcsType]) -> usize) -> Option<Guest> {
        let mut guests = self.guests();
        let able = |guest: &Guest| if guest.has_left() { 0 } else { handed_over(&guest.acquire.rcs_types) };
        let (at, able) = guests.iter().map(able).enumerate().min_by_key(|(_, able)| Reverse(*able))?;
        if able == 0 { None } else { guests.remove(at) }
    }

    /// A panic leaves nothing half done here.
    fn guests(&self) -> MutexGuard<'_, VecDeque<Guest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Duration;
    use uuid::Uuid;

    fn guest(worker_id: &str, rcs_types: &[RcsType]) -> (Guest, impl Future<Output = Answer>) {
        let acquire = Acquire {
            worker_id: worker_id.to_owned(),
            worker_version: String::new(),
            max_leases: 1,
            rcs_types: rcs_types.to_vec(),
            request_id: Uuid::nil(),
            looked_up: true,
        };
        Guest::new(acquire, Instant::now() + Duration::from_secs(9))
    }

    fn taken(idle: &Idle) -> Option<String> {
        idle.take_for(|rcs_types| rcs_types.len()).map(|guest| guest.acquire.worker_id)
    }

    #[tokio::test]
    async fn a_job_is_handed_to_who_can_do_most_and_has_waited_longest() {
        let idle = Idle::default();
        let both = [RcsType::Git, RcsType::Subversion];
        let waits = [guest("one", &both[..1]), guest("first", &both), guest("second", &both), guest("none", &[])];
        let (guests, answers): (Vec<_>, Vec<_>) = waits.into_iter().unzip();
        guests.into_iter().for_each(|guest| idle.push(guest));
        assert_eq!(taken(&idle).as_deref(), Some("first"));
        assert_eq!(taken(&idle).as_deref(), Some("second"));
        assert_eq!(taken(&idle).as_deref(), Some("one"));
        assert_eq!(taken(&idle), None, "who can do nothing of it stays");
        assert!(!idle.is_empty());
        drop(answers);
    }

    #[tokio::test]
    async fn nothing_is_handed_to_who_has_left() {
        let idle = Idle::default();
        let (guest, answered) = guest("gone", &[RcsType::Git]);
        idle.push(guest);
        drop(answered);
        assert_eq!(taken(&idle), None);
    }
}
