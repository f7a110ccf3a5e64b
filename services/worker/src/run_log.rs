//! The log of one run: numbered lines, kept until the queue has them.
//!
//! Heartbeats carry the lines; a heartbeat whose answer is lost sends the same lines again, and the queue drops repeated
//! numbers. Bounded: if the queue is away for long, lines are left out, and the log says how many.

use codeimport_core::{Stage, scrub};
use codeimport_proto::{
    convert::{stage_to_wire, timestamp_to_wire},
    queue::LogLine,
};
use jiff::Timestamp;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Most lines that wait for the queue.
const MAX_WAITING: usize = 1_000;

/// Longest line in bytes; the contract's limit.
const MAX_TEXT_LEN: usize = 4_000;

/// Lines of a run that the queue does not have yet.
#[derive(Default)]
pub(crate) struct RunLog(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<LogLine>,
    last_number: i64,
    left_out: u64,
}

impl RunLog {
    /// Adds a line, without credentials and cut to the contract's length. Line ends become spaces.
    pub(crate) fn push(&self, stage: Stage, text: &str, now: Timestamp) {
        let mut state = self.state();
        if state.waiting.len() >= MAX_WAITING {
            state.left_out += 1;
            return;
        }
        if state.left_out > 0 {
            let text = format!("({} lines are left out: the queue could not be reached)", state.left_out);
            state.left_out = 0;
            state.add(stage, text, now);
        }
        let text = scrub(text).replace(['\n', '\r', '\0'], " ");
        state.add(stage, cut(text, MAX_TEXT_LEN), now);
    }

    /// The oldest lines that wait: at most so many, with at most so many bytes of text.
    pub(crate) fn waiting(&self, max_lines: usize, max_bytes: usize) -> Vec<LogLine> {
        let mut room = max_bytes;
        let state = self.state();
        let fitting = state.waiting.iter().take(max_lines).take_while(|line| {
            let fits = line.text.len() <= room;
            room = room.saturating_sub(line.text.len());
            fits
        });
        fitting.cloned().collect()
    }

    /// The queue has all lines up to this number.
    pub(crate) fn acknowledge(&self, line_number: i64) {
        let mut state = self.state();
        while state.waiting.front().is_some_and(|line| line.line_number <= line_number) {
            state.waiting.pop_front();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, stage: Stage, text: String, now: Timestamp) {
        self.last_number += 1;
        self.waiting.push_back(LogLine {
            line_number: self.last_number,
            time: Some(timestamp_to_wire(now)),
            stage: stage_to_wire(stage).into(),
            text,
        });
    }
}

/// Cuts a text to a number of bytes, at the end of a character.
pub(crate) fn cut(mut text: String, max_len: usize) -> String {
    if text.len() > max_len {
        text.truncate(text.floor_char_boundary(max_len));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(log: &RunLog) -> Vec<(i64, String)> {
        log.waiting(usize::MAX, usize::MAX).into_iter().map(|line| (line.line_number, line.text)).collect()
    }

    #[test]
    fn lines_are_numbered_and_kept_until_acknowledged() {
        let log = RunLog::default();
        for text in ["one", "two", "three"] {
            log.push(Stage::Fetch, text, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(log.waiting(1, usize::MAX)[0].text, "one");
        log.acknowledge(2);
        log.acknowledge(1);
        assert_eq!(texts(&log), [(3, "three".to_owned())]);
    }

    #[test]
    fn lines_that_do_not_fit_wait_for_the_next_message() {
        let log = RunLog::default();
        for text in ["four", "five!", "six"] {
            log.push(Stage::Fetch, text, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(log.waiting(9, 3).len(), 0);
        assert_eq!(log.waiting(9, 11).len(), 2, "none is left out in between");
        assert_eq!(log.waiting(9, 12).len(), 3);
    }

    #[test]
    fn credentials_and_line_ends_do_not_reach_the_log() {
        let log = RunLog::default();
        log.push(Stage::Fetch, "see https://me:secret@host/x\nnext", Timestamp::UNIX_EPOCH);
        assert_eq!(texts(&log), [(1, "see https://***@host/x next".to_owned())]);
    }

    #[test]
    fn a_log_that_nobody_takes_stays_bounded_and_says_so() {
        let log = RunLog::default();
        for _ in 0..MAX_WAITING + 5 {
            log.push(Stage::Fetch, "line", Timestamp::UNIX_EPOCH);
        }
        log.acknowledge(10);
        log.push(Stage::Fetch, "again", Timestamp::UNIX_EPOCH);
        let lines = texts(&log);
        let last = i64::try_from(MAX_WAITING).expect("fits") + 2;
        assert_eq!(lines[lines.len() - 1], (last, "again".to_owned()));
        assert!(lines[lines.len() - 2].1.starts_with("(5 lines are left out"));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        assert_eq!(cut("aü".to_owned(), 2), "a");
        assert_eq!(cut("aü".to_owned(), 3), "aü");
    }
}
