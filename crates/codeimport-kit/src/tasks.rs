//! The only place where tasks are spawned: every task has a name, and one that dies is noticed.

use crate::Shutdown;
use anyhow::Context as _;
use std::future::Future;
use tokio::task::{JoinHandle, JoinSet};
use tracing::Instrument as _;

/// Spawns a task whose log lines carry its name, and only its own: a task does not belong to whoever spawned it.
///
/// Dropping the handle lets the task go on. For tasks that a service cannot live without, use [`TaskGroup`].
pub fn spawn<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let span = span_of(name);
    #[expect(clippy::disallowed_methods, reason = "this is the function that the ban points to")]
    tokio::spawn(future.instrument(span))
}

/// A root: several services in one process would otherwise log each other's names.
fn span_of(name: &'static str) -> tracing::Span {
    tracing::info_span!(parent: None, "task", task.name = name)
}

/// Tasks that a service consists of. When one of them fails or panics, the others are told to stop: a service
/// with a dead part is worse than one that restarts.
///
/// Dropping the group ends all its tasks at their next await.
#[derive(Debug)]
pub struct TaskGroup {
    shutdown: Shutdown,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl TaskGroup {
    /// A group that gives `shutdown`'s signal if one of its tasks fails.
    #[must_use]
    pub fn new(shutdown: Shutdown) -> Self {
        Self { shutdown, tasks: JoinSet::new() }
    }

    /// Adds a task. It should end by itself once the group's shutdown has begun.
    pub fn spawn<F>(&mut self, name: &'static str, future: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let span = span_of(name);
        let task = StopOnDeath { shutdown: self.shutdown.clone(), name, done: false };
        self.tasks.spawn(task.watch(future).instrument(span));
    }

    /// Waits until all tasks have ended.
    ///
    /// # Errors
    ///
    /// The first failure or panic among them.
    pub async fn join(mut self) -> anyhow::Result<()> {
        let mut first = Ok(());
        while let Some(joined) = self.tasks.join_next().await {
            let ended = joined.map_err(anyhow::Error::from).and_then(|result| result);
            first = first.and(ended);
        }
        first
    }
}

/// Gives the stop signal when its task fails, also when it unwinds.
struct StopOnDeath {
    shutdown: Shutdown,
    name: &'static str,
    done: bool,
}

impl StopOnDeath {
    async fn watch(mut self, future: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        let result = future.await.with_context(|| format!("task {} failed", self.name));
        self.done = result.is_ok();
        result
    }
}

impl Drop for StopOnDeath {
    fn drop(&mut self) {
        if !self.done && !self.shutdown.is_draining() {
            tracing::error!(task.name = self.name, "a task died: the service stops");
            self.shutdown.begin();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_fails_stops_its_siblings() {
        let shutdown = Shutdown::new();
        let mut group = TaskGroup::new(shutdown.clone());
        group.spawn("patient", async move {
            shutdown.drained().await;
            Ok(())
        });
        group.spawn("broken", async { anyhow::bail!("out of luck") });
        let error = group.join().await.expect_err("the failure is reported");
        assert_eq!(format!("{error:#}"), "task broken failed: out of luck");
    }

    #[tokio::test]
    async fn a_task_that_panics_stops_its_siblings() {
        let shutdown = Shutdown::new();
        let mut group = TaskGroup::new(shutdown.clone());
        group.spawn("patient", async move {
            shutdown.drained().await;
            Ok(())
        });
        group.spawn("broken", async { panic!("on purpose") });
        assert!(group.join().await.is_err());
    }

    #[tokio::test]
    async fn a_task_that_is_done_stops_nobody() {
        let shutdown = Shutdown::new();
        let mut group = TaskGroup::new(shutdown.clone());
        group.spawn("done", async { Ok(()) });
        group.join().await.expect("no failure");
        assert!(!shutdown.is_draining());
    }
}
