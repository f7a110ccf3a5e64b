//! The board by example, and against a naive one.

use super::*;
use crate::{
    host::tests::{POLICY, at, host},
    share_out::{Asking, Streak},
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Jobs wait at hosts by number, in one line of each.
struct Bench {
    board: Board,
    now: i64,
}

impl Bench {
    fn new(hosts: i64) -> Self {
        let mut board = Board::new(POLICY);
        board.set_horizon(at(1_000_000));
        (1..=hosts).for_each(|number| board.learn(nowhere(number), at(0)));
        Self { board, now: 0 }
    }

    fn admit(&mut self, job_no: i64, host: i64, due: i64) {
        self.board.admit(waiter(job_no, host, due), at(self.now));
    }

    fn lease(&mut self, count: u32) -> Vec<i64> {
        self.chosen(count, &BTreeSet::new()).iter().map(|one| one.waiter.job_no).collect()
    }

    fn chosen(&mut self, slots: u32, locked: &BTreeSet<HostId>) -> Vec<Chosen> {
        let asking = [Asking { slots, rcs_types: vec![RcsType::Git] }];
        self.board.choose(&asking, BTreeMap::new(), locked, Streak::default(), at(self.now)).0
    }
}

/// Without a name, it has no limits.
fn nowhere(number: i64) -> Host {
    Host { host_id: HostId(number), name: String::new(), ..host() }
}

fn waiter(job_no: i64, host: i64, due: i64) -> Waiter {
    let key = TurnKey { host_id: HostId(host), rcs_type: RcsType::Git, requested: false };
    Waiter { job_no, place: Place { line_id: LineId(host), due_at: at(due) }, key }
}

#[test]
fn a_job_is_leased_when_it_is_due_and_the_longest_due_first() {
    let mut bench = Bench::new(1);
    bench.admit(1, 1, 50);
    bench.admit(2, 1, 20);
    assert!(bench.lease(9).is_empty());
    assert_eq!(bench.board.next_turn(&BTreeSet::from([RcsType::Git])), Some(at(20)));
    bench.now = 60;
    assert_eq!(bench.lease(9), [2, 1]);
    assert!(bench.lease(9).is_empty(), "they are off the board");
}

#[test]
fn a_newly_due_host_is_behind_one_round_of_a_flood_and_no_more() {
    let mut bench = Bench::new(2);
    (0..1000).for_each(|job_no| bench.admit(job_no, 1, -1));
    assert_eq!(bench.lease(1), [0]);
    bench.now = 1;
    bench.admit(5000, 2, 1);
    let rounds = [2, 3].map(|now| {
        bench.now = now;
        bench.lease(1)
    });
    assert!(rounds.contains(&vec![5000]), "{rounds:?}");
}

#[test]
fn a_host_with_limits_is_left_alone_unless_it_is_locked() {
    let mut bench = Bench::new(0);
    bench.board.learn(host(), at(0));
    (0..9).for_each(|job_no| bench.admit(job_no, 1, -1));
    assert_eq!(bench.board.guarded(&BTreeSet::from([RcsType::Git]), 9, at(0)), BTreeSet::from([HostId(1)]));
    assert!(bench.chosen(9, &BTreeSet::new()).is_empty());
    let chosen = bench.chosen(9, &BTreeSet::from([HostId(1)]));
    assert_eq!(chosen.len(), 3, "as many as may run at a time");
    assert!(bench.board.guarded(&BTreeSet::from([RcsType::Git]), 9, at(0)).is_empty(), "it is full: it has no turn");
    bench.board.has_room_again(HostId(1), at(0));
    assert_eq!(bench.chosen(9, &BTreeSet::from([HostId(1)])).len(), 1);
}

#[test]
fn what_was_not_leased_goes_back_to_its_place() {
    let mut bench = Bench::new(1);
    (0..3).for_each(|job_no| bench.admit(job_no, 1, job_no - 10));
    let chosen = bench.chosen(2, &BTreeSet::new());
    bench.board.bring_back(&chosen, at(0));
    assert_eq!(bench.lease(9), [0, 1, 2]);
}

#[test]
fn a_job_waits_in_one_place_only() {
    let mut bench = Bench::new(2);
    bench.admit(1, 1, 100);
    bench.admit(1, 2, -1);
    assert_eq!(bench.lease(9), [1]);
    bench.now = 200;
    assert!(bench.lease(9).is_empty());
    bench.admit(2, 1, 0);
    bench.board.remove(2, at(200));
    assert!(bench.lease(9).is_empty());
}

#[test]
fn what_is_due_beyond_the_horizon_is_not_kept() {
    let mut bench = Bench::new(1);
    bench.board.set_horizon(at(10));
    bench.admit(1, 1, 11);
    bench.now = 20;
    assert!(bench.lease(9).is_empty());
    bench.admit(2, 1, 15);
    assert_eq!(bench.lease(9), [2], "but what is due, is");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Admit { job_no: i64, host: i64, due_in: i64 },
    Remove { job_no: i64 },
    Pass { seconds: i64 },
    Lease { count: u32 },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0i64..12, 1i64..4, -20i64..20).prop_map(|(job_no, host, due_in)| Step::Admit { job_no, host, due_in }),
        1 => (0i64..12).prop_map(|job_no| Step::Remove { job_no }),
        2 => (0i64..15).prop_map(|seconds| Step::Pass { seconds }),
        2 => (1u32..5).prop_map(|count| Step::Lease { count }),
    ]
}

proptest! {
    /// Whatever comes and goes: as many are leased as are due, each where it was put last, and each host's in order.
    #[test]
    fn all_that_is_due_is_leased_and_nothing_else(steps in proptest::collection::vec(any_step(), 1..80)) {
        let mut bench = Bench::new(3);
        let mut waits: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Admit { job_no, host, due_in } => {
                    waits.insert(job_no, (bench.now + due_in, host));
                    bench.admit(job_no, host, bench.now + due_in);
                }
                Step::Remove { job_no } => {
                    waits.remove(&job_no);
                    bench.board.remove(job_no, at(bench.now));
                }
                Step::Pass { seconds } => bench.now += seconds,
                Step::Lease { count } => {
                    let due = waits.values().filter(|(due, _)| *due <= bench.now).count();
                    let leased = bench.lease(count);
                    prop_assert_eq!(leased.len(), due.min(count as usize));
                    for job_no in leased {
                        let (due, host) = waits.remove(&job_no).unwrap();
                        let earlier = |other: &(i64, i64)| other.1 == host && other.0 < due;
                        prop_assert!(due <= bench.now && !waits.values().any(earlier));
                    }
                }
            }
        }
    }
}
