//! A line on the board: the due jobs of one owner at one host, the longest due first.

use super::TurnKey;
use jiff::Timestamp;
use std::collections::VecDeque;

/// When a job is due, and which: in this order they are served.
pub(super) type Due = (Timestamp, i64);

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Line {
    /// The turn that it shares.
    pub(super) key: TurnKey,
    /// Its jobs on the board, due or not.
    pub(super) count: usize,
    /// Since when it waits to be served. Without meaning while nothing is due.
    pub(super) turn_at: Timestamp,
    /// Mostly grows at the end, as jobs come in the order in which they are due.
    due: VecDeque<Due>,
}

impl Line {
    pub(super) fn new(key: TurnKey) -> Self {
        Self { key, count: 0, turn_at: Timestamp::UNIX_EPOCH, due: VecDeque::new() }
    }

    /// Whether nothing is due.
    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// How many jobs are due.
    pub(super) fn due_count(&self) -> usize {
        self.due.len()
    }

    pub(super) fn insert(&mut self, job: Due) {
        match self.due.back().is_none_or(|last| *last < job) {
            true => self.due.push_back(job),
            false => self.due.insert(self.due.partition_point(|other| *other < job), job),
        }
    }

    pub(super) fn remove(&mut self, job: Due) {
        if let Some(at) = self.position(job) {
            self.due.remove(at);
        }
    }

    /// Takes out the first one.
    pub(super) fn pop(&mut self) -> Option<Due> {
        self.due.pop_front().inspect(|_| self.count -= 1)
    }

    /// How many are before it.
    pub(super) fn position(&self, job: Due) -> Option<usize> {
        self.due.binary_search(&job).ok()
    }
}
