//! What one lease round leaves to the next one of this process. Hints: losing them costs nothing.

use super::ripe_hosts::{NextTurns, TurnsFrom};
use crate::share_out::Streak;
use codeimport_core::RcsType;
use jiff::Timestamp;
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So long the bound below which no turn was seen is believed: a transaction that took longer than most may write a turn
/// below it.
const BELIEVED_FOR: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Rounds(Mutex<Left>);

#[derive(Debug, Default)]
struct Left {
    streak: Streak,
    bounds: TurnsFrom,
    /// The last time that the turns were looked at from their beginning.
    full_look_at: Option<Instant>,
}

impl Rounds {
    pub(super) fn streak(&self) -> Streak {
        self.left().streak
    }

    /// From where on to look at the turns of these types.
    pub(super) fn from(&self, types: &BTreeSet<RcsType>) -> TurnsFrom {
        let left = self.left();
        let believed = left.full_look_at.is_some_and(|at| at.elapsed() < BELIEVED_FOR);
        let bound = |rcs_type| left.bounds.get(rcs_type).copied().filter(|_| believed);
        types.iter().map(|rcs_type| (*rcs_type, bound(rcs_type).unwrap_or(Timestamp::UNIX_EPOCH))).collect()
    }

    /// A round has ended, and seen this.
    pub(super) fn end(&self, streak: Streak, next_turns: &NextTurns) {
        let mut left = self.left();
        left.streak = streak;
        if left.full_look_at.is_none_or(|at| at.elapsed() >= BELIEVED_FOR) {
            left.full_look_at = Some(Instant::now());
            left.bounds.clear();
        }
        left.bounds.extend(next_turns.bounds());
    }

    pub(super) fn forget_bounds(&self) {
        self.left().bounds.clear();
    }

    /// What a panic has left half written is a hint all the same.
    fn left(&self) -> MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
