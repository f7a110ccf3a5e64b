//! The runs under way in this process.

use crate::{
    lease::{HeldLease, LeaseEnded},
    run_log::RunLog,
};
use codeimport_convert::{Cancel, Observer, Progress, Watch};
use codeimport_core::{RunId, Stage};
use codeimport_proto::{common, convert::stage_to_wire};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::Notify, time::Instant};

/// A run, as heartbeat and status see it.
pub(crate) struct ActiveRun {
    pub(crate) lease: HeldLease,
    pub(crate) log: RunLog,
    pub(crate) started_at: Instant,
    cancel: Cancel,
    progress: Mutex<Progress>,
    nudge: Arc<Notify>,
}

impl ActiveRun {
    pub(crate) fn new(lease: HeldLease, started_at: Instant, nudge: Arc<Notify>) -> Self {
        let progress = Mutex::new(Progress::begin(Stage::Probe, ""));
        Self { lease, log: RunLog::default(), started_at, cancel: Cancel::new(), progress, nudge }
    }

    /// Makes the run stop, for this reason.
    pub(crate) fn end(&self, reason: LeaseEnded) {
        self.lease.end(reason);
        self.cancel.cancel();
    }

    /// What the engine is given, to tell how it goes and to hear whether to stop.
    pub(crate) fn watch(self: &Arc<Self>) -> Watch {
        let observer: Arc<dyn Observer> = Arc::clone(self) as Arc<dyn Observer>;
        Watch::new(self.cancel.clone(), observer)
    }

    /// The stage under way.
    pub(crate) fn stage(&self) -> Stage {
        self.newest_progress().stage
    }

    /// Progress as it is sent.
    pub(crate) fn progress_to_wire(&self) -> common::Progress {
        let progress = self.newest_progress();
        common::Progress {
            stage: stage_to_wire(progress.stage).into(),
            done_count: to_i64(progress.done),
            total_count: progress.total.map(to_i64),
            unit: progress.unit.to_owned(),
            received_bytes: to_i64(progress.received_bytes),
        }
    }

    fn newest_progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for ActiveRun {
    fn progress(&self, progress: &Progress) {
        let before = std::mem::replace(&mut *self.newest_progress(), progress.clone());
        if before.stage != progress.stage {
            self.nudge.notify_one();
        }
    }

    fn note(&self, stage: Stage, text: &str) {
        tracing::info!(
            job.id = self.lease.job_id(),
            run.id = self.lease.run_id().0,
            run.stage = stage.name(),
            "{text}"
        );
        self.log.push(stage, text, Timestamp::now());
    }
}

/// Counts never come near the end of either type.
pub(crate) fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// All runs whose lease is kept alive.
#[derive(Default)]
pub(crate) struct Roster {
    runs: Mutex<BTreeMap<RunId, Arc<ActiveRun>>>,
    nudge: Arc<Notify>,
}

impl Roster {
    /// The bell by which a run asks for an early heartbeat.
    pub(crate) fn nudge(&self) -> &Arc<Notify> {
        &self.nudge
    }

    /// From now on the run's lease is kept alive.
    pub(crate) fn add(&self, run: Arc<ActiveRun>) {
        self.runs().insert(run.lease.run_id(), run);
        self.nudge.notify_one();
    }

    /// From now on it is not.
    pub(crate) fn remove(&self, run: &ActiveRun) {
        self.runs().remove(&run.lease.run_id());
    }

    /// The runs, in order of their ids.
    pub(crate) fn snapshot(&self) -> Vec<Arc<ActiveRun>> {
        self.runs().values().cloned().collect()
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<RunId, Arc<ActiveRun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
