//! The ledger: what the workers saw and what the queue told, held against each other. Pure: no clock, no I/O.
//!
//! It trusts neither side. A worker's note says when a call was sent and when its answer had come, so "sent after the
//! next holder had its lease" is a fact, whatever the queue thinks. Times are microseconds of one machine's clock.

mod judge;
mod note;
#[cfg(test)]
mod tests;

pub use judge::{Judged, Limits, Outage, Violation};
pub use note::{Note, Told};

use std::collections::{BTreeMap, HashMap};

/// One run, from both sides.
#[derive(Clone, Debug, Default)]
struct Entry {
    /// Job, token and time of the grant, as its worker saw it; a killed one may not have said so.
    granted: Option<(u32, i64, i64)>,
    /// Latest sending of a heartbeat that was answered well.
    extended_sent_at: Option<i64>,
    /// Ends that were reported.
    ending: Vec<String>,
    /// The first end that was accepted: outcome, when it was sent, when its answer was there.
    accepted: Option<(String, i64, i64)>,
    told: Option<Told>,
}

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Ledger {
    runs: BTreeMap<i64, Entry>,
    /// Start of the newest told run that its worker ended, by job.
    newest_start: HashMap<u32, i64>,
    last_sequence: i64,
    refused: u64,
    found: Vec<(Violation, String)>,
}

impl Ledger {
    /// Writes down what a worker saw.
    pub fn note(&mut self, note: Note) {
        match note {
            Note::Granted { job, run_id, token, at } => self.run(run_id).granted = Some((job, token, at)),
            Note::Extended { run_id, sent_at } => {
                let entry = self.run(run_id);
                entry.extended_sent_at = entry.extended_sent_at.max(Some(sent_at));
            }
            Note::Ending { run_id, outcome } => self.run(run_id).ending.push(outcome),
            Note::Accepted { run_id, outcome, sent_at, at } => self.accept(run_id, outcome, sent_at, at),
            Note::Refused { .. } => self.refused += 1,
            Note::Strange { what } => self.find(Violation::Strange, what),
        }
    }

    fn accept(&mut self, run_id: i64, outcome: String, sent_at: i64, at: i64) {
        let first = &mut self.run(run_id).accepted;
        match first {
            // A repeat after a lost answer: it must be the same, and says nothing new.
            Some((accepted, ..)) if *accepted == outcome => {}
            Some((accepted, ..)) => {
                let what = format!("run {run_id}: {accepted}, then {outcome}");
                self.find(Violation::DoublyAccepted, what);
            }
            None => *first = Some((outcome, sent_at, at)),
        }
    }

    /// Writes down what the queue told. A repeat of what was told before is harmless.
    pub fn tell(&mut self, told: Told) {
        let (sequence, run_id) = (told.sequence, told.run_id);
        let before = self.run(run_id).told.as_ref().map(|told| told.sequence);
        match before {
            Some(before) if before == sequence => return,
            Some(before) => self.find(Violation::ToldTwice, format!("run {run_id} as {before} and {sequence}")),
            None if sequence <= self.last_sequence => {
                self.find(Violation::OutOfOrder, format!("event {sequence} after {}", self.last_sequence));
            }
            None => {}
        }
        self.last_sequence = self.last_sequence.max(sequence);
        if told.outcome.is_reportable() {
            let newest = self.newest_start.entry(told.job).or_insert(told.started_at);
            *newest = told.started_at.max(*newest);
        }
        self.run(run_id).told = Some(told);
    }

    /// Where to go on reading.
    #[must_use]
    pub fn last_sequence(&self) -> i64 {
        self.last_sequence
    }

    /// How many jobs have run to an end since then.
    #[must_use]
    pub fn jobs_run_since(&self, since: i64) -> usize {
        self.newest_start.values().filter(|start| **start >= since).count()
    }

    /// How many runs were granted and not told of yet.
    #[must_use]
    pub fn untold_runs(&self) -> usize {
        self.runs.values().filter(|run| run.granted.is_some() && run.told.is_none()).count()
    }

    fn run(&mut self, run_id: i64) -> &mut Entry {
        self.runs.entry(run_id).or_default()
    }

    fn find(&mut self, violation: Violation, what: String) {
        self.found.push((violation, what));
    }
}
