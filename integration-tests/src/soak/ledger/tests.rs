//! Histories in which somebody cheats, each found out; and an honest one, in which nothing is found.

use super::{Ledger, Limits, Note, Outage, Told, Violation, judge::RECLAIM_WITHIN_US};
use Violation::{
    Contradicted, DoublyAccepted, Invented, LostJob, LostRun, OutOfOrder, Overlap, StaleWrite, Strange, Stuck,
    TokenNotRisen, ToldTwice,
};
use codeimport_core::Outcome;
use std::time::Duration;

const TTL_US: i64 = 2_000_000;

/// A history of one job whose run `n` has token `10 n`, is granted at `n` seconds and ends half a second later.
struct History(Ledger);

fn second(n: i64) -> i64 {
    n * 1_000_000
}

impl History {
    fn honest() -> Self {
        let mut history = Self(Ledger::default());
        for run_id in 1..=3 {
            history.granted(run_id);
            history.0.note(Note::Extended { run_id, sent_at: second(run_id) + 100_000 });
            history.ended(run_id, Outcome::Success);
        }
        history
    }

    fn granted(&mut self, run_id: i64) {
        self.0.note(Note::Granted { job: 0, run_id, token: run_id * 10, at: second(run_id) });
    }

    fn ended(&mut self, run_id: i64, outcome: Outcome) {
        self.reported(run_id, outcome, second(run_id) + 400_000);
        self.0.tell(told(run_id, outcome));
    }

    fn reported(&mut self, run_id: i64, outcome: Outcome, sent_at: i64) {
        let outcome = outcome.name().to_owned();
        self.0.note(Note::Ending { run_id, outcome: outcome.clone() });
        self.0.note(Note::Accepted { run_id, outcome, sent_at, at: sent_at + 1_000 });
    }

    fn found(&self) -> Vec<Violation> {
        self.found_with(&limits())
    }

    fn found_with(&self, limits: &Limits) -> Vec<Violation> {
        self.0.judge(limits).violations.into_iter().map(|(violation, _)| violation).collect()
    }
}

fn limits() -> Limits {
    Limits { lease_ttl: Duration::from_micros(2_000_000), jobs: 1, quiet_since: second(1), outages: Vec::new() }
}

fn told(run_id: i64, outcome: Outcome) -> Told {
    let started_at = second(run_id) - 100;
    let finished_at = second(run_id) + 500_000;
    Told {
        sequence: run_id,
        job: 0,
        run_id,
        token: run_id * 10,
        outcome,
        started_at,
        heartbeat_at: started_at,
        finished_at,
    }
}

#[test]
fn an_honest_history_is_clean() {
    let history = History::honest();
    let judged = history.0.judge(&limits());
    assert_eq!(judged.violations, []);
    assert_eq!((judged.leases, judged.outcomes["success"]), (3, 3));
}

#[test]
fn a_worker_killed_with_its_answer_on_the_way_is_no_violation() {
    let mut history = History::honest();
    // Neither grant nor acceptance was written down; the queue tells of both.
    history.0.note(Note::Ending { run_id: 4, outcome: "success".to_owned() });
    history.0.tell(told(4, Outcome::Success));
    assert_eq!(history.found(), []);
}

#[test]
fn a_repeat_of_the_same_end_and_of_the_same_event_are_no_violations() {
    let mut history = History::honest();
    history.reported(3, Outcome::Success, second(9));
    history.0.tell(told(3, Outcome::Success));
    assert_eq!(history.found(), []);
}

#[test]
fn a_run_that_is_never_told_of_is_lost() {
    let mut history = History::honest();
    history.granted(4);
    assert_eq!(history.found(), [LostRun]);
}

#[test]
fn a_job_that_does_not_run_again_is_lost() {
    let history = History::honest();
    assert_eq!(history.found_with(&Limits { quiet_since: second(4), ..limits() }), [LostJob]);
    assert_eq!(history.found_with(&Limits { jobs: 2, ..limits() }), [LostJob]);
}

#[test]
fn two_ends_of_one_run_are_found() {
    let mut history = History::honest();
    history.reported(3, Outcome::Failure, second(3) + 450_000);
    assert_eq!(history.found(), [DoublyAccepted]);
}

#[test]
fn an_end_that_was_accepted_and_not_recorded_is_found() {
    let mut history = History::honest();
    history.granted(4);
    history.reported(4, Outcome::Success, second(4) + 400_000);
    history.0.tell(told(4, Outcome::Reclaimed));
    assert_eq!(history.found(), [Contradicted]);
}

#[test]
fn an_end_that_nobody_reported_is_found() {
    let mut history = History::honest();
    history.0.tell(told(4, Outcome::NoChange));
    assert_eq!(history.found(), [Invented]);
}

#[test]
fn a_finish_of_a_former_holder_is_found() {
    let mut history = History::honest();
    history.granted(4);
    history.reported(4, Outcome::Success, second(5) + 1);
    history.0.tell(told(4, Outcome::Success));
    history.granted(5);
    history.ended(5, Outcome::Success);
    assert_eq!(history.found(), [StaleWrite]);
}

#[test]
fn a_heartbeat_of_a_former_holder_is_found_whoever_came_after() {
    let mut history = History::honest();
    history.granted(4);
    history.0.tell(told(4, Outcome::Reclaimed));
    // The next holder was killed before it could say anything; the one after that has spoken.
    history.0.tell(told(5, Outcome::Reclaimed));
    history.granted(6);
    history.ended(6, Outcome::Success);
    assert_eq!(history.found(), []);
    history.0.note(Note::Extended { run_id: 4, sent_at: second(6) + 1 });
    assert_eq!(history.found(), [StaleWrite]);
}

#[test]
fn a_heartbeat_after_the_own_end_is_found() {
    let mut history = History::honest();
    history.0.note(Note::Extended { run_id: 3, sent_at: second(3) + 402_000 });
    assert_eq!(history.found(), [StaleWrite]);
}

#[test]
fn a_token_that_does_not_rise_or_comes_twice_is_found() {
    let mut history = History::honest();
    history.0.note(Note::Ending { run_id: 4, outcome: "success".to_owned() });
    history.0.tell(Told { token: 29, ..told(4, Outcome::Success) });
    assert_eq!(history.found(), [TokenNotRisen]);
    let mut history = History::honest();
    history.0.note(Note::Granted { job: 1, run_id: 9, token: 30, at: second(9) });
    history.0.tell(Told { job: 1, token: 30, ..told(9, Outcome::Reclaimed) });
    assert_eq!(history.found(), [TokenNotRisen]);
}

#[test]
fn two_runs_at_the_same_time_are_found() {
    let mut history = History::honest();
    history.0.note(Note::Ending { run_id: 4, outcome: "success".to_owned() });
    history.0.tell(Told { started_at: second(3) + 499_999, ..told(4, Outcome::Success) });
    assert_eq!(history.found(), [Overlap]);
}

#[test]
fn events_that_come_twice_or_late_are_found() {
    let mut history = History::honest();
    history.0.tell(Told { sequence: 4, ..told(3, Outcome::Success) });
    assert_eq!(history.found(), [ToldTwice]);
    let mut history = History::honest();
    history.0.tell(Told { sequence: 3, ..told(4, Outcome::Reclaimed) });
    assert_eq!(history.found(), [OutOfOrder]);
}

#[test]
fn a_job_stuck_with_a_dead_worker_is_found_unless_the_database_was_away() {
    let mut history = History::honest();
    let finished_at = second(4) + TTL_US + RECLAIM_WITHIN_US + 1;
    history.0.tell(Told { heartbeat_at: second(4), finished_at, ..told(4, Outcome::Reclaimed) });
    assert_eq!(history.found(), [Stuck]);
    let outage = Outage { from: second(4), to: second(4) + 1 };
    assert_eq!(history.found_with(&Limits { outages: vec![outage], ..limits() }), []);
    let later = Outage { from: finished_at + 1, to: finished_at + 2 };
    assert_eq!(history.found_with(&Limits { outages: vec![later], ..limits() }), [Stuck]);
}

#[test]
fn an_answer_that_no_worker_should_get_is_found() {
    let mut history = History::honest();
    history.0.note(Note::Strange { what: "INTERNAL".to_owned() });
    assert_eq!(history.found(), [Strange]);
}
