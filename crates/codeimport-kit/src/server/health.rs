//! Readiness: whether this replica should get calls.
//!
//! One answer for all services of a process. It is about readiness only; a process that should be restarted ends.

use crate::Shutdown;
use std::{future::Future, time::Duration};
use tokio::sync::watch;
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health as HealthApi, HealthServer},
    server::{HealthReporter, health_reporter},
};

/// How often a dependency is asked for a sign of life.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct State {
    able: bool,
    draining: bool,
    closed: bool,
}

/// The switch by which a service says whether it can do its work. Clones share the switch.
#[derive(Clone, Debug)]
pub struct Health(watch::Sender<State>);

impl Health {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(State { able: true, draining: false, closed: false }))
    }

    /// Says whether the service can do its work now: false while the database is gone. A draining server stays
    /// NOT_SERVING whatever is said here.
    pub fn set_able(&self, able: bool) {
        self.0.send_if_modified(|state| {
            let changed = state.able != able;
            state.able = able;
            changed
        });
    }

    /// Lets readiness follow something that the service cannot work without, until the shutdown begins. `look` asks it
    /// for a sign of life, within a time of its own.
    pub async fn follow<F, E>(&self, dependency: &'static str, look: impl Fn() -> F + Send, shutdown: &Shutdown)
    where
        F: Future<Output = Result<(), E>> + Send,
        E: std::error::Error + 'static,
    {
        let mut able = true;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                () = shutdown.drained() => return,
            }
            let answer = look().await;
            match &answer {
                Err(error) if able => {
                    tracing::warn!(error = error as &dyn std::error::Error, "the {dependency} is away: not ready");
                }
                Ok(()) if !able => tracing::info!("the {dependency} is back: ready"),
                _ => {}
            }
            able = answer.is_ok();
            self.set_able(able);
        }
    }

    pub(super) fn drain(&self) {
        self.0.send_modify(|state| state.draining = true);
    }

    /// Ends all watches, which would keep their connections open for ever.
    pub(super) fn close(&self) {
        self.0.send_modify(|state| state.closed = true);
    }
}

/// Carries the switch's position to the health service.
pub(super) struct Reporter {
    reporter: HealthReporter,
    names: Vec<&'static str>,
}

impl Reporter {
    /// All services, and the process as a whole (""), begin as SERVING.
    pub(super) async fn new(services: &[&'static str]) -> (Self, HealthServer<impl HealthApi>) {
        let (reporter, service) = health_reporter();
        let names: Vec<_> = services.iter().copied().chain([""]).collect();
        let reporter = Self { reporter, names };
        reporter.report(ServingStatus::Serving).await;
        (reporter, service)
    }

    /// Follows the switch until it is closed.
    pub(super) fn follow(mut self, health: &Health) -> impl Future<Output = ()> + Send + use<> {
        let mut states = health.0.subscribe();
        async move {
            loop {
                let State { able, draining, closed } = *states.borrow_and_update();
                if closed {
                    return self.close().await;
                }
                let serving = able && !draining;
                self.report(if serving { ServingStatus::Serving } else { ServingStatus::NotServing }).await;
                if states.changed().await.is_err() {
                    return;
                }
            }
        }
    }

    async fn report(&self, status: ServingStatus) {
        for name in &self.names {
            self.reporter.set_service_status(name, status).await;
        }
    }

    async fn close(&mut self) {
        // First the word, then the end: a watcher that was slow still hears it.
        self.report(ServingStatus::NotServing).await;
        for name in &self.names {
            self.reporter.clear_service_status(name).await;
        }
    }
}
