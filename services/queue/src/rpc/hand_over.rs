//! Requests for runs. One that comes alone while a worker waits is brought together with it: the worker has the job after one
//! statement. All others go into their lines, for the next lease round.

use super::{guests::Guest, waiting_room::WaitingRoom};
use crate::{
    Wakeups,
    coalescer::to_each,
    store::{Requested, RunWish, Store, StoreError},
};

/// How requests become runs.
#[derive(Clone)]
pub(super) struct Requests {
    pub(super) store: Store,
    pub(super) room: WaitingRoom,
    pub(super) wakeups: Wakeups,
}

impl Requests {
    /// Each wish is answered for itself.
    pub(super) async fn make(&self, wishes: &[RunWish]) -> Vec<Result<Requested, StoreError>> {
        match self.handed_over(wishes).await {
            Ok(Some(requested)) => vec![Ok(requested)],
            Ok(None) => {
                let requested = self.store.request_runs(wishes, &|| self.wakeups.wake_for_job()).await;
                to_each(wishes.len(), requested).into_iter().map(|one| one.and_then(|one| one)).collect()
            }
            Err(error) => wishes.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// None if it has to go another way; nothing was recorded then.
    async fn handed_over(&self, wishes: &[RunWish]) -> Result<Option<Requested>, StoreError> {
        let [wish] = wishes else { return Ok(None) };
        let Some(guest) = self.room.lend(|rcs_types| self.store.handed_over(rcs_types).len()) else { return Ok(None) };
        self.hand_over(wish, guest).await
    }

    /// The worker is answered first; the person who asked once all of it is on the disk.
    async fn hand_over(&self, wish: &RunWish, guest: Guest) -> Result<Option<Requested>, StoreError> {
        match self.store.hand_over(wish, &guest.acquire).await {
            Ok(Some(handed)) => {
                match &handed.granted {
                    Some(granted) => guest.answer(Ok(vec![granted.clone()])),
                    None => self.room.give_back(guest),
                }
                self.store.requested(handed, &|| self.wakeups.wake_for_job()).await
            }
            Ok(None) => {
                self.room.give_back(guest);
                Ok(None)
            }
            Err(error) => {
                self.room.give_back(guest.unknown_again());
                if error.is_repeat() { Ok(None) } else { Err(error) }
            }
        }
    }
}
