//! gix's progress, as we tell it: objects done, objects in all, bytes received.
//!
//! gix counts into atomics that it gets from us; a ticker reads them a few times a second. The same ticker carries the
//! run's cancel flag over into gix, which has a flag of its own.

use crate::{Progress, Watch};
use codeimport_core::Stage;
use gix::{
    Count, NestedProgress,
    progress::{Id, MessageLevel, Step, StepShared, Unit},
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

/// How often progress is told.
const TICK: Duration = Duration::from_millis(250);

/// Ids that gix-pack gives to what we show: bytes of the pack, objects taken in, objects resolved.
const PACK_BYTES: Id = *b"BWRB";
const OBJECTS_READ: Id = *b"IWIO";
const OBJECTS_RESOLVED: Id = *b"IWRO";

#[derive(Default)]
struct Figures {
    bytes: StepShared,
    read: StepShared,
    resolved: StepShared,
    total: AtomicUsize,
    complaint: Mutex<Option<String>>,
}

/// A place in gix's tree of progress. All places share the same figures.
#[derive(Clone)]
pub(super) struct Meter {
    figures: Arc<Figures>,
    id: Id,
    own: StepShared,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self { figures: Arc::default(), id: *b"ROOT", own: StepShared::default() }
    }

    /// Bytes of the pack received so far.
    pub(super) fn received_bytes(&self) -> u64 {
        as_u64(self.figures.bytes.load(Ordering::Relaxed))
    }

    /// The last error that the server sent beside its data.
    pub(super) fn complaint(&self) -> Option<String> {
        self.figures.complaint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells progress and carries the cancel flag over, until the other end of `done` is dropped.
    pub(super) fn tick(&self, watch: &Watch, interrupt: &AtomicBool, done: &Receiver<()>) {
        while done.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            watch.progress(&self.snapshot());
            if watch.cancel().is_cancelled() {
                interrupt.store(true, Ordering::Relaxed);
            }
        }
        watch.progress(&self.snapshot());
    }

    fn snapshot(&self) -> Progress {
        let load = |counter: &AtomicUsize| as_u64(counter.load(Ordering::Relaxed));
        let figures = &self.figures;
        let total = Some(load(&figures.total)).filter(|total| *total > 0);
        // Reading and resolving are one object's two halves; the second is over quickly for most.
        let done = load(&figures.read).midpoint(load(&figures.resolved));
        Progress { stage: Stage::Fetch, done, total, unit: "objects", received_bytes: load(&figures.bytes) }
    }

    fn counter_of(&self, id: Id) -> StepShared {
        match id {
            PACK_BYTES => Arc::clone(&self.figures.bytes),
            OBJECTS_READ => Arc::clone(&self.figures.read),
            OBJECTS_RESOLVED => Arc::clone(&self.figures.resolved),
            _ => StepShared::default(),
        }
    }
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Count for Meter {
    fn set(&self, step: Step) {
        self.own.store(step, Ordering::Relaxed);
    }

    fn step(&self) -> Step {
        self.own.load(Ordering::Relaxed)
    }

    fn inc_by(&self, step: Step) {
        self.own.fetch_add(step, Ordering::Relaxed);
    }

    fn counter(&self) -> StepShared {
        Arc::clone(&self.own)
    }
}

impl gix::Progress for Meter {
    fn init(&mut self, max: Option<Step>, _unit: Option<Unit>) {
        if let Some(max) = max.filter(|_| matches!(self.id, OBJECTS_READ | OBJECTS_RESOLVED)) {
            self.figures.total.store(max, Ordering::Relaxed);
        }
    }

    fn set_name(&mut self, _name: String) {}

    fn name(&self) -> Option<String> {
        None
    }

    fn id(&self) -> Id {
        self.id
    }

    fn message(&self, level: MessageLevel, message: String) {
        if level == MessageLevel::Failure {
            *self.figures.complaint.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
        }
    }
}

impl NestedProgress for Meter {
    type SubProgress = Self;

    fn add_child(&mut self, _name: impl Into<String>) -> Self {
        Self { figures: Arc::clone(&self.figures), id: gix::progress::UNKNOWN, own: StepShared::default() }
    }

    fn add_child_with_id(&mut self, _name: impl Into<String>, id: Id) -> Self {
        Self { figures: Arc::clone(&self.figures), id, own: self.counter_of(id) }
    }
}
