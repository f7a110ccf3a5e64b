//! Shows the progress of the engine.

use crate::display::Display;
use crate::output::Output;
use crate::progress::Snapshot;
use codeimport_convert::{Observer, Progress};
use codeimport_core::Stage;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A display that any thread of the engine may draw on.
pub(super) struct Screen {
    display: Mutex<Display>,
    began: Instant,
}

impl Screen {
    pub(super) fn new(output: Output) -> Self {
        Self { display: Mutex::new(Display::new(output)), began: Instant::now() }
    }

    /// Time since the command began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Takes the progress line away, for what is to stay.
    pub(super) fn clear(&self) {
        self.display().clear();
    }

    fn display(&self) -> MutexGuard<'_, Display> {
        // A thread that panicked while drawing has left a half-drawn line at worst.
        self.display.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Screen {
    fn progress(&self, progress: &Progress) {
        let figure = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.display().show(&Snapshot {
            stage: Some(progress.stage.name()),
            done: figure(progress.done),
            total: progress.total.map(figure),
            unit: progress.unit.to_owned(),
            received_bytes: figure(progress.received_bytes),
            elapsed_s: self.elapsed().as_secs_f64(),
        });
    }

    fn note(&self, _: Stage, text: &str) {
        self.display().note(text);
    }
}
