//! One batch in flight; what is asked meanwhile is the next one. No timer: an idle coalescer answers at once, a busy one
//! grows its batches until it keeps up. Only a batch that is full does not wait for another: it goes out beside it.
//!
//! It knows nothing of what it carries. The executor gets a batch and returns exactly one answer for each question, in
//! their order; who fails a whole batch answers each of them so. Questions whose asker has gone before their turn are
//! dropped.

use codeimport_kit::tasks;
use std::{collections::VecDeque, future::Future, sync::Arc};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tracing::Instrument as _;

/// The answers never came: the process is ending, or the executor has died, which its log says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the batch was not carried out")]
pub struct NotCarriedOut;

/// Batches at a time, as long as each is full.
const MOST_BATCHES: usize = 2;

/// When a batch is full.
#[derive(Debug)]
pub struct Full<Q> {
    /// So many questions at most.
    pub questions: usize,
    /// Or so many items in them.
    pub items: usize,
    /// How many a question has.
    pub items_of: fn(&Q) -> usize,
}

impl<Q> Full<Q> {
    /// When so many have asked.
    #[must_use]
    pub fn with(questions: usize) -> Self {
        Self { questions, items: usize::MAX, items_of: |_| 1 }
    }
}

type Waiting<Q, A> = (Q, oneshot::Sender<A>);

/// Where questions are put. Clones share the line.
pub struct Coalescer<Q, A> {
    questions: Arc<mpsc::UnboundedSender<Waiting<Q, A>>>,
}

impl<Q, A> Clone for Coalescer<Q, A> {
    fn clone(&self) -> Self {
        Self { questions: Arc::clone(&self.questions) }
    }
}

impl<Q: Send + 'static, A: Send + 'static> Coalescer<Q, A> {
    /// Starts an executor. It ends with the last clone.
    pub fn spawn<F, R>(name: &'static str, full: Full<Q>, execute: F) -> Self
    where
        F: Fn(Vec<Q>) -> R + Send + Sync + 'static,
        R: Future<Output = Vec<A>> + Send + 'static,
    {
        let (questions, waiting) = mpsc::unbounded_channel();
        tasks::spawn(name, carry_out(waiting, full, execute));
        Self { questions: Arc::new(questions) }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`NotCarriedOut`]; whether it took effect is unknown.
    pub async fn ask(&self, question: Q) -> Result<A, NotCarriedOut> {
        let (answer, answered) = oneshot::channel();
        self.questions.send((question, answer)).map_err(|_| NotCarriedOut)?;
        answered.await.map_err(|_| NotCarriedOut)
    }
}

async fn carry_out<Q, A, F, R>(mut waiting: mpsc::UnboundedReceiver<Waiting<Q, A>>, full: Full<Q>, execute: F)
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Fn(Vec<Q>) -> R,
    R: Future<Output = Vec<A>> + Send + 'static,
{
    let (mut coming, mut line, mut batches) = (Vec::new(), VecDeque::new(), JoinSet::new());
    loop {
        tokio::select! {
            count = waiting.recv_many(&mut coming, full.questions) => match count {
                0 => break,
                _ => line.extend(coming.drain(..)),
            },
            Some(ended) = batches.join_next(), if !batches.is_empty() => {
                // One that has died has answered nobody, and they know.
                let _ = ended.inspect_err(|died| tracing::error!(error = %died, "a batch died"));
            }
        }
        line.retain(|(_, asker): &Waiting<Q, A>| !asker.is_closed());
        while batches.len() < MOST_BATCHES {
            let (count, is_full) = full.first(&line);
            if count == 0 || !(is_full || batches.is_empty()) {
                break;
            }
            let (questions, askers): (Vec<Q>, Vec<oneshot::Sender<A>>) = line.drain(..count).unzip();
            batches.spawn(answer(execute(questions), askers).in_current_span());
        }
    }
    while batches.join_next().await.is_some() {}
}

impl<Q> Full<Q> {
    /// How many of those who wait go into the next batch, and whether they fill it.
    fn first<A>(&self, line: &VecDeque<Waiting<Q, A>>) -> (usize, bool) {
        let mut items = 0_usize;
        for (before, (question, _)) in line.iter().enumerate() {
            items = items.saturating_add((self.items_of)(question));
            if items >= self.items || before + 1 == self.questions {
                return (before + 1, true);
            }
        }
        (line.len(), false)
    }
}

async fn answer<A>(answers: impl Future<Output = Vec<A>>, askers: Vec<oneshot::Sender<A>>) {
    for (asker, answer) in askers.into_iter().zip(answers.await) {
        // Who has left meanwhile does not want to know.
        let _ = asker.send(answer);
    }
}

/// The answers to a batch: each its own, or all the same failure.
pub fn to_each<T, E: Clone>(count: usize, result: Result<Vec<T>, E>) -> Vec<Result<T, E>> {
    match result {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt as _, future::join_all};
    use std::sync::Mutex;
    use tokio::sync::Semaphore;

    type Sizes = Arc<Mutex<Vec<usize>>>;

    /// Doubles numbers, one batch for each permit, and remembers the sizes of the batches.
    fn doubling(most: usize) -> (Coalescer<u32, u32>, Arc<Semaphore>, Sizes) {
        let (gate, sizes) = (Arc::new(Semaphore::new(0)), Sizes::default());
        let (its_gate, its_sizes) = (Arc::clone(&gate), Arc::clone(&sizes));
        let coalescer = Coalescer::spawn("test.coalescer", Full::with(most), move |batch: Vec<u32>| {
            let gate = Arc::clone(&its_gate);
            its_sizes.lock().unwrap().push(batch.len());
            async move {
                gate.acquire().await.unwrap().forget();
                batch.into_iter().map(|number| number * 2).collect()
            }
        });
        (coalescer, gate, sizes)
    }

    #[tokio::test]
    async fn what_is_asked_during_a_batch_is_the_next_one() {
        let (coalescer, gate, sizes) = doubling(100);
        let mut first = Box::pin(coalescer.ask(1));
        assert!(first.as_mut().now_or_never().is_none());
        while sizes.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let mut others = Box::pin(join_all((2..6).map(|number| coalescer.ask(number))));
        assert!(others.as_mut().now_or_never().is_none());
        gate.add_permits(2);
        assert_eq!(first.await, Ok(2));
        assert_eq!(others.await, [Ok(4), Ok(6), Ok(8), Ok(10)]);
        assert_eq!(*sizes.lock().unwrap(), [1, 4]);
    }

    #[tokio::test]
    async fn a_full_batch_goes_out_beside_another_one_that_is_under_way() {
        let (coalescer, gate, sizes) = doubling(3);
        let mut all = Box::pin(join_all((0..8).map(|number| coalescer.ask(number))));
        assert!(all.as_mut().now_or_never().is_none());
        while sizes.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*sizes.lock().unwrap(), [3, 3], "the rest waits, though there are enough for one more batch of two");
        gate.add_permits(3);
        all.await;
        assert_eq!(*sizes.lock().unwrap(), [3, 3, 2]);
    }

    #[test]
    fn a_batch_is_full_by_its_items_too() {
        let full = Full { questions: 9, items: 5, items_of: Vec::len };
        let line = |sizes: &[usize]| sizes.iter().map(|size| (vec![(); *size], oneshot::channel::<()>().0)).collect();
        assert_eq!(full.first(&line(&[2, 2])), (2, false));
        assert_eq!(full.first(&line(&[2, 2, 1, 7])), (3, true));
        assert_eq!(full.first(&line(&[8, 1])), (1, true), "a question is never taken apart");
    }

    #[tokio::test]
    async fn batches_are_bounded() {
        let (coalescer, gate, sizes) = doubling(3);
        gate.add_permits(10);
        join_all((0..7).map(|number| coalescer.ask(number))).await;
        assert!(sizes.lock().unwrap().iter().all(|size| *size <= 3));
    }

    #[tokio::test]
    async fn who_leaves_before_its_turn_is_not_carried_out() {
        let (coalescer, gate, sizes) = doubling(100);
        let mut left = Box::pin(coalescer.ask(1));
        assert!(left.as_mut().now_or_never().is_none());
        drop(left);
        gate.add_permits(1);
        assert_eq!(coalescer.ask(2).await, Ok(4));
        assert_eq!(*sizes.lock().unwrap(), [1]);
    }

    #[tokio::test]
    async fn an_executor_that_dies_leaves_nobody_waiting() {
        let coalescer: Coalescer<(), ()> = Coalescer::spawn("test.dies", Full::with(9), |_| async { Vec::new() });
        assert_eq!(coalescer.ask(()).await, Err(NotCarriedOut));
    }

    #[test]
    fn a_failure_of_the_batch_is_the_answer_to_each() {
        assert_eq!(to_each(2, Err::<Vec<()>, _>("away")), [Err("away"), Err("away")]);
        assert_eq!(to_each::<_, ()>(2, Ok(vec![1, 2])), [Ok(1), Ok(2)]);
    }
}
