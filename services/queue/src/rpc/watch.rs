//! Streams of what changes: looks, sends what is new, waits, looks again.
//!
//! A stream keeps nothing but its position, so a broken one is continued by asking again. It ends when there is nothing
//! left to come, when the caller leaves, and when the queue drains.

use super::Queue;
use crate::{
    run::Run,
    store::{LogLine, RunEvent, StoreError},
};
use codeimport_core::RunId;
use futures_util::stream::{Stream, try_unfold};
use std::{future::Future, pin::Pin, time::Duration};
use tonic::Status;

/// Longest pause between two looks: another replica's changes wake nobody here.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A stream of answers.
pub(super) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What a look found.
enum Look<S, T> {
    /// Something new, and the position after it.
    New(T, S),
    /// Nothing new yet.
    Nothing(S),
    /// Nothing new, and nothing will be.
    End,
}

/// Turns a way to look into a stream.
fn watch<S, T, L, F>(queue: Queue, start: S, look: L) -> Answers<T>
where
    S: Send + 'static,
    T: Send + 'static,
    L: Fn(Queue, S) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Look<S, T>, StoreError>> + Send,
{
    Box::pin(try_unfold(start, move |mut position| {
        let (queue, look) = (queue.clone(), look.clone());
        async move {
            loop {
                // Before the look: what changes between look and wait must not be missed.
                let woken = queue.wakeups.run_changed();
                match look(queue.clone(), position).await.map_err(|error| Status::from(queue.refuse(error)))? {
                    Look::New(answer, next) => return Ok(Some((answer, next))),
                    Look::End => return Ok(None),
                    Look::Nothing(same) => position = same,
                }
                tokio::select! {
                    () = woken => {}
                    () = tokio::time::sleep(LONGEST_PAUSE) => {}
                    () = queue.shutdown.drained() => return Ok(None),
                }
            }
        }
    }))
}

/// A run as it stands, again after each change, until it is finished.
pub(super) fn run(queue: Queue, run_id: RunId) -> Answers<Run> {
    watch(queue, None::<Run>, move |queue, sent| async move {
        if sent.as_ref().is_some_and(|run| run.end.is_some()) {
            return Ok(Look::End);
        }
        let run = queue.store.get_run(run_id).await?;
        let same = sent.as_ref().is_some_and(|sent| is_same(sent, &run));
        Ok(if same { Look::Nothing(sent) } else { Look::New(run.clone(), Some(run)) })
    })
}

/// Whether nothing has changed but the time.
fn is_same(sent: &Run, now: &Run) -> bool {
    *sent == Run { elapsed: sent.elapsed, ..now.clone() }
}

/// A run's log from a line on.
pub(super) fn run_log(queue: Queue, run_id: RunId, after: i64, follow: bool) -> Answers<Vec<LogLine>> {
    watch(queue, after, move |queue, after| async move {
        // First whether it is over, then the lines: an end seen is an end with all lines stored.
        let over = !follow || queue.store.get_run(run_id).await?.end.is_some();
        let lines = queue.store.read_log(run_id, after).await?;
        match lines.last().map(|line| line.line_number) {
            Some(last) => Ok(Look::New(lines, last)),
            None if over => Ok(Look::End),
            None => Ok(Look::Nothing(after)),
        }
    })
}

/// Finished runs from a sequence number on, for ever.
pub(super) fn run_events(queue: Queue, after: i64) -> Answers<Vec<RunEvent>> {
    watch(queue, after, |queue, after| async move {
        let events = queue.store.read_run_events(after).await?;
        let last = events.last().map(|event| event.sequence);
        Ok(last.map_or(Look::Nothing(after), |last| Look::New(events, last)))
    })
}
