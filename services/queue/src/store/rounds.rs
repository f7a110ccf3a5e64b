//! What one lease round leaves to the next one of this process. Hints: losing them costs nothing.

use crate::share_out::Streak;
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Debug, Default)]
pub(super) struct Rounds {
    streak: AtomicU32,
}

impl Rounds {
    pub(super) fn streak(&self) -> Streak {
        Streak(self.streak.load(Ordering::Relaxed))
    }

    pub(super) fn set_streak(&self, streak: Streak) {
        self.streak.store(streak.0, Ordering::Relaxed);
    }
}
