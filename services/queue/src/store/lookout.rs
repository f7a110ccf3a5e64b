//! What one process keeps in mind between its statements: the board, how far it has swept, and what time it is at the
//! database.
//!
//! Locked for moments only, and never while a statement is under way.

use crate::{
    board::{Board, Chosen},
    host::{Host, HostPolicy},
    share_out::Streak,
};
use jiff::{SignedDuration, Timestamp};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// A clock that goes back by more than this was set; by less, it was heard late.
const LATE: SignedDuration = SignedDuration::from_secs(5);

/// Cheap to clone; clones share it.
#[derive(Clone)]
pub(super) struct Lookout(Arc<Mutex<Seen>>);

/// See the head of this file.
pub(super) struct Seen {
    pub(super) board: Board,
    pub(super) streak: Streak,
    pub(super) swept: Swept,
    /// When jobs were chosen last.
    pub(super) looked_at: Timestamp,
    clock: Option<(Timestamp, Instant)>,
}

/// How far the waiting jobs have been looked at.
#[derive(Clone, Debug)]
pub(super) struct Swept {
    /// All up to here, in the order of `ready_at` and number.
    pub(super) reached: (Timestamp, i64),
    /// Whether nothing was left to read then.
    pub(super) caught_up: bool,
    /// When it was looked last, and when far back; none: not yet.
    pub(super) at: Option<Instant>,
    pub(super) far_back_at: Option<Instant>,
    /// Jobs that were not where the board had them: locked by somebody, or moved.
    pub(super) missed: Vec<i64>,
}

impl Swept {
    fn nothing() -> Self {
        let reached = (Timestamp::UNIX_EPOCH, 0);
        Self { reached, caught_up: false, at: None, far_back_at: None, missed: Vec::new() }
    }
}

impl Lookout {
    pub(super) fn new(policy: HostPolicy) -> Self {
        let (board, streak, swept) = (Board::new(policy), Streak::default(), Swept::nothing());
        Self(Arc::new(Mutex::new(Seen { board, streak, swept, looked_at: Timestamp::UNIX_EPOCH, clock: None })))
    }

    /// What a panic has left half done is a hint all the same.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets all: the next look reads it anew.
    pub(super) fn forget(&self, policy: HostPolicy) {
        let mut seen = self.seen();
        seen.board = Board::new(policy);
        seen.swept = Swept::nothing();
    }
}

impl Seen {
    /// The database's time, at least: as it was heard last, and what has passed since.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.clock.map(|(heard, at)| heard + SignedDuration::try_from(at.elapsed()).unwrap_or_default());
        now.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The database has told the time. Heard late, as always, it is behind.
    pub(super) fn hear(&mut self, told: Timestamp) -> Timestamp {
        let now = self.now();
        if told > now || now.duration_since(told) > LATE {
            self.clock = Some((told, Instant::now()));
        }
        self.now()
    }
}

/// Jobs taken off the board to be leased. Those that nobody leased go back when this is dropped.
pub(super) struct InHand {
    lookout: Lookout,
    chosen: Vec<Chosen>,
}

impl InHand {
    pub(super) fn new(lookout: Lookout, chosen: Vec<Chosen>) -> Self {
        Self { lookout, chosen }
    }

    pub(super) fn chosen(&self) -> &[Chosen] {
        &self.chosen
    }

    /// They are leased, all but those that were not where they were thought to be.
    pub(super) fn leased(mut self, is_leased: impl Fn(i64) -> bool) {
        let chosen = std::mem::take(&mut self.chosen);
        let mut seen = self.lookout.seen();
        let now = seen.now();
        for one in chosen.iter().filter(|one| !is_leased(one.waiter.job_no)) {
            seen.swept.missed.push(one.waiter.job_no);
            seen.board.has_room_again(one.waiter.key.host_id, now);
        }
    }

    /// The hosts that are used otherwise than they were, of these.
    pub(super) fn changed_hosts(&self, before: &[Host]) -> Vec<Host> {
        let seen = self.lookout.seen();
        let after = before.iter().filter_map(|before| Some((before, seen.board.host(before.host_id)?)));
        after.filter(|(before, after)| before.differs_in_the_database(after)).map(|(_, after)| after.clone()).collect()
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if !self.chosen.is_empty() {
            let mut seen = self.lookout.seen();
            let now = seen.now();
            seen.board.bring_back(&self.chosen, now);
        }
    }
}
