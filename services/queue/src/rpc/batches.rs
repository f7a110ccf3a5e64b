//! The four operations that come in numbers: each has one transaction in flight in this process, and what is asked
//! meanwhile goes into the next. Where more is asked than one should carry, a second one goes out beside it.

use super::{hand_over::Requests, waiting_room::WaitingRoom};
use crate::{
    Wakeups,
    coalescer::{Coalescer, Full, to_each},
    store::{Acquire, Beat, End, GrantedLease, NextDue, Requested, RunWish, Store, StoreError, Verdict},
};
use codeimport_kit::Shutdown;
use tokio::time::Instant;

/// Most calls in one transaction.
const MOST_CALLS: usize = 500;

/// Ends that fill a transaction: more in one would cost each of them hardly less.
const MOST_ENDS: usize = 800;

/// A heartbeat is a batch by itself.
const MOST_HEARTBEATS: usize = 20;

/// One for each end.
pub(crate) type EndAnswers = Vec<Result<NextDue, StoreError>>;

/// Cheap to clone; clones share the operations.
#[derive(Clone)]
pub(crate) struct Batches {
    acquire: WaitingRoom,
    end: Coalescer<Vec<End>, EndAnswers>,
    heartbeat: Coalescer<Vec<Beat>, Result<Vec<Verdict>, StoreError>>,
    request: Coalescer<RunWish, Result<Requested, StoreError>>,
}

impl Batches {
    pub(crate) fn new(store: &Store, wakeups: &Wakeups, shutdown: Shutdown) -> std::io::Result<Self> {
        let room = WaitingRoom::open(store.clone(), wakeups.clone(), shutdown)?;
        Ok(Self {
            end: end(store.clone(), wakeups.clone()),
            heartbeat: heartbeat(store.clone()),
            request: request(Requests { store: store.clone(), room: room.clone(), wakeups: wakeups.clone() }),
            acquire: room,
        })
    }

    /// Waits until then for the first one.
    pub(crate) async fn acquire(&self, acquire: Acquire, until: Instant) -> Result<Vec<GrantedLease>, StoreError> {
        self.acquire.acquire(acquire, until).await
    }

    /// Each end is answered for itself.
    pub(crate) async fn end(&self, ends: Vec<End>) -> Result<EndAnswers, StoreError> {
        Ok(self.end.ask(ends).await?)
    }

    pub(crate) async fn heartbeat(&self, beats: Vec<Beat>) -> Result<Vec<Verdict>, StoreError> {
        self.heartbeat.ask(beats).await?
    }

    pub(crate) async fn request(&self, wish: RunWish) -> Result<Requested, StoreError> {
        self.request.ask(wish).await?
    }
}

fn end(store: Store, wakeups: Wakeups) -> Coalescer<Vec<End>, EndAnswers> {
    let full = Full { questions: MOST_CALLS, items: MOST_ENDS, items_of: Vec::len };
    Coalescer::spawn("queue.end", full, move |batch: Vec<Vec<End>>| {
        let (store, wakeups) = (store.clone(), wakeups.clone());
        async move {
            let sizes: Vec<usize> = batch.iter().map(Vec::len).collect();
            let ends: Vec<End> = batch.into_iter().flatten().collect();
            let ended = store.end_held(&ends).await;
            wakeups.wake_for_run();
            if ended.may_lease {
                wakeups.wake_for_job();
            }
            split(ended.answers, &sizes)
        }
    })
}

fn heartbeat(store: Store) -> Coalescer<Vec<Beat>, Result<Vec<Verdict>, StoreError>> {
    Coalescer::spawn("queue.heartbeat", Full::with(MOST_HEARTBEATS), move |batch: Vec<Vec<Beat>>| {
        let store = store.clone();
        async move {
            let sizes: Vec<usize> = batch.iter().map(Vec::len).collect();
            let beats: Vec<Beat> = batch.into_iter().flatten().collect();
            to_each(sizes.len(), store.heartbeat(&beats).await.map(|verdicts| split(verdicts, &sizes)))
        }
    })
}

fn request(requests: Requests) -> Coalescer<RunWish, Result<Requested, StoreError>> {
    Coalescer::spawn("queue.request", Full::with(MOST_CALLS), move |batch: Vec<RunWish>| {
        let requests = requests.clone();
        async move { requests.make(&batch).await }
    })
}

/// Gives the answers back to the calls that they came from.
fn split<T>(answers: Vec<T>, sizes: &[usize]) -> Vec<Vec<T>> {
    let mut answers = answers.into_iter();
    sizes.iter().map(|size| answers.by_ref().take(*size).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_gets_the_answers_to_its_own_items() {
        assert_eq!(split(vec![1, 2, 3], &[2, 0, 1]), [vec![1, 2], vec![], vec![3]]);
    }
}
