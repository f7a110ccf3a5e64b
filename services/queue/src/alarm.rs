//! Wakes a task at an instant, to some tens of microseconds. The runtime's own timer has ticks of a millisecond, which is
//! as long as all else that a job takes from its due time to a worker that waits.
//!
//! A thread of its own sleeps until then. It is told of an earlier instant, not of a later one: it notices that by itself
//! when it wakes.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};
use tokio::sync::{Notify, futures::Notified};

/// For one task. The thread ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Alarm(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    earlier: Condvar,
    rung: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// When to ring; none: not at all.
    at: Option<Instant>,
    /// Until when the thread sleeps; none: until it is told.
    sleeps_until: Option<Instant>,
    over: bool,
}

impl Alarm {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the system has no thread left.
    pub(crate) fn start(name: &str) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let its = Arc::clone(&shared);
        thread::Builder::new().name(name.to_owned()).spawn(move || its.keep())?;
        Ok(Self(shared))
    }

    /// Rings then, and not when it was to ring before.
    pub(crate) fn set(&self, at: Instant) {
        let mut state = self.0.state();
        state.at = Some(at);
        if state.sleeps_until.is_none_or(|until| at < until) {
            self.0.earlier.notify_one();
        }
    }

    /// Completes when it rings, be it before this call.
    pub(crate) fn rung(&self) -> Notified<'_> {
        self.0.rung.notified()
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.state().over = true;
        self.0.earlier.notify_one();
    }
}

impl Shared {
    /// A panic leaves nothing half done here.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self) {
        let mut state = self.state();
        while !state.over {
            let now = Instant::now();
            if state.at.is_some_and(|at| at <= now) {
                state.at = None;
                self.rung.notify_one();
            }
            state.sleeps_until = state.at;
            state = match state.at {
                Some(at) => self.earlier.wait_timeout(state, at - now).unwrap_or_else(PoisonError::into_inner).0,
                None => self.earlier.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn it_rings_not_before_its_time_and_then_soon() {
        let alarm = Alarm::start("test").unwrap();
        for millis in [0, 3, 7] {
            let at = Instant::now() + Duration::from_millis(millis);
            alarm.set(at);
            alarm.rung().await;
            assert!(Instant::now() >= at);
        }
    }

    #[tokio::test]
    async fn an_earlier_time_takes_the_place_of_a_later_one() {
        let alarm = Alarm::start("test").unwrap();
        alarm.set(Instant::now() + Duration::from_secs(3600));
        alarm.set(Instant::now());
        alarm.rung().await;
    }

    #[tokio::test]
    async fn who_comes_after_it_rang_is_not_forgotten() {
        let alarm = Alarm::start("test").unwrap();
        alarm.set(Instant::now());
        while alarm.0.state().at.is_some() {
            tokio::task::yield_now().await;
        }
        alarm.rung().await;
    }
}
