//! Holds the ledger against what must not happen.

use super::{Entry, Ledger, Told};
use codeimport_core::Outcome;
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

/// A time without database, after which nothing is reclaimed for one TTL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outage {
    /// When it began.
    pub from: i64,
    /// When the database was back.
    pub to: i64,
}

/// What the history is held against.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a lease lasts without a heartbeat.
    pub lease_ttl: Duration,
    /// How many jobs there are.
    pub jobs: u32,
    /// From here on nobody did any damage: every job must have run again.
    pub quiet_since: i64,
    /// When the database was away.
    pub outages: Vec<Outage>,
}

/// What must not happen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Violation {
    /// A lease was granted, and its run was never told of.
    LostRun,
    /// A job did not run again when all was quiet.
    LostJob,
    /// Two different ends of one run were accepted.
    DoublyAccepted,
    /// The end that was accepted is not the one that was recorded.
    Contradicted,
    /// An end is recorded that no worker reported.
    Invented,
    /// A write was accepted that was sent after the next holder had its lease, or after the run's end.
    StaleWrite,
    /// A token is not higher than that of the job's earlier run, or was given out twice.
    TokenNotRisen,
    /// Two runs of one job at the same time, by the database's clock.
    Overlap,
    /// A run was told of twice.
    ToldTwice,
    /// Events out of their order.
    OutOfOrder,
    /// A job was stuck with a dead worker for longer than TTL + 2 s.
    Stuck,
    /// An answer that no worker should get.
    Strange,
}

/// How much longer than its TTL a lease may go on without a heartbeat, in microseconds.
pub(super) const RECLAIM_WITHIN_US: i64 = 2_000_000;

/// What became of it.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Leases that were granted, as far as anybody knows.
    pub leases: usize,
    /// Runs by outcome, as told.
    pub outcomes: BTreeMap<String, u64>,
    /// Writes of former holders that were refused.
    pub refused: u64,
    /// Longest time from the expiry of a lease (or the end of a hold-off) to its reclaim.
    pub longest_stuck: Duration,
    /// What must not happen and did.
    pub violations: Vec<(Violation, String)>,
}

impl Ledger {
    /// Holds all of it against what must not happen.
    #[must_use]
    pub fn judge(&self, limits: &Limits) -> Judged {
        let mut judged = Judged { leases: self.runs.len(), refused: self.refused, ..Judged::default() };
        judged.violations.clone_from(&self.found);
        self.judge_runs(&mut judged);
        self.judge_jobs(limits, &mut judged);
        self.judge_reclaims(limits, &mut judged);
        judged
    }

    fn judge_runs(&self, judged: &mut Judged) {
        let mut tokens = HashSet::new();
        for (run_id, run) in &self.runs {
            for (violation, what) in run.contradictions() {
                judged.violations.push((violation, format!("run {run_id}: {what}")));
            }
            if run.token().is_some_and(|token| !tokens.insert(token)) {
                judged.violations.push((Violation::TokenNotRisen, format!("run {run_id}: its token was given before")));
            }
            if let Some(told) = &run.told {
                *judged.outcomes.entry(told.outcome.name().to_owned()).or_default() += 1;
            }
        }
    }

    fn judge_jobs(&self, limits: &Limits, judged: &mut Judged) {
        let mut by_job: BTreeMap<u32, Vec<(i64, &Entry)>> = BTreeMap::new();
        for (run_id, run) in &self.runs {
            if let Some(job) = run.job() {
                by_job.entry(job).or_default().push((*run_id, run));
            }
        }
        for runs in by_job.values() {
            judged.violations.extend(runs.windows(2).flat_map(|pair| follows(pair[0], pair[1])));
            judged.violations.extend(stale_writes(runs));
        }
        for job in 0..limits.jobs {
            if self.newest_start.get(&job).is_none_or(|start| *start < limits.quiet_since) {
                judged.violations.push((Violation::LostJob, format!("job {job} did not run again")));
            }
        }
    }

    fn judge_reclaims(&self, limits: &Limits, judged: &mut Judged) {
        let reclaimed = self.runs.values().filter_map(|run| run.told.as_ref());
        for told in reclaimed.filter(|told| told.outcome == Outcome::Reclaimed) {
            let stuck = told.finished_at - limits.may_reclaim_from(told);
            let stuck_for = Duration::from_micros(u64::try_from(stuck).unwrap_or_default());
            judged.longest_stuck = judged.longest_stuck.max(stuck_for);
            if stuck > RECLAIM_WITHIN_US {
                let what = format!("run {}: reclaimed {stuck_for:?} after its lease had expired", told.run_id);
                judged.violations.push((Violation::Stuck, what));
            }
        }
    }
}

impl Limits {
    /// The earliest reclaim: one TTL after the last heartbeat, or after the end of the last outage before the reclaim.
    fn may_reclaim_from(&self, told: &Told) -> i64 {
        let ttl = i64::try_from(self.lease_ttl.as_micros()).unwrap_or(i64::MAX);
        let outages = self.outages.iter().filter(|outage| outage.from <= told.finished_at);
        let last = outages.map(|outage| outage.to).max().unwrap_or(i64::MIN);
        told.heartbeat_at.max(last).saturating_add(ttl)
    }
}

impl Entry {
    fn job(&self) -> Option<u32> {
        self.told.as_ref().map(|told| told.job).or(self.granted.map(|(job, ..)| job))
    }

    fn token(&self) -> Option<i64> {
        self.told.as_ref().map(|told| told.token).or(self.granted.map(|(_, token, _)| token))
    }

    /// What its worker saw against what was told.
    fn contradictions(&self) -> Vec<(Violation, String)> {
        let Some(told) = &self.told else {
            let seen = self.granted.is_some() || self.accepted.is_some();
            return seen.then(|| (Violation::LostRun, "never told of".to_owned())).into_iter().collect();
        };
        let mut found = Vec::new();
        let outcome = told.outcome.name();
        if let Some((accepted, ..)) = self.accepted.as_ref().filter(|(accepted, ..)| accepted != outcome) {
            found.push((Violation::Contradicted, format!("accepted as {accepted}, told as {outcome}")));
        }
        let by_worker = told.outcome != Outcome::Reclaimed;
        if by_worker && !self.ending.iter().any(|ending| ending == outcome) {
            found.push((Violation::Invented, format!("told as {outcome}, which nobody reported")));
        }
        if self.granted.is_some_and(|(job, token, _)| (job, token) != (told.job, told.token)) {
            found.push((Violation::Contradicted, "granted and told with different job or token".to_owned()));
        }
        let after_end = self.accepted.as_ref().is_some_and(|(_, _, at)| self.extended_sent_at > Some(*at));
        if after_end {
            found.push((Violation::StaleWrite, "extended after its end was accepted".to_owned()));
        }
        found
    }

    /// When the last write was sent that the queue accepted.
    fn last_write_sent_at(&self) -> Option<i64> {
        self.extended_sent_at.max(self.accepted.as_ref().map(|(_, sent_at, _)| *sent_at))
    }
}

/// Two runs of one job that follow each other.
fn follows((first_id, first): (i64, &Entry), (next_id, next): (i64, &Entry)) -> Vec<(Violation, String)> {
    let mut found = Vec::new();
    if first.token() >= next.token() {
        found.push((Violation::TokenNotRisen, format!("run {next_id} has no higher token than {first_id}")));
    }
    if let (Some(first), Some(next)) = (&first.told, &next.told) {
        if next.started_at < first.finished_at {
            found.push((Violation::Overlap, format!("run {next_id} began before {first_id} had ended")));
        }
        if next.sequence < first.sequence {
            found.push((Violation::OutOfOrder, format!("run {next_id} was told of before {first_id}")));
        }
    }
    found
}

/// Writes of former holders: sent after any later holder had its lease in hand. `runs` are those of one job, in order.
fn stale_writes(runs: &[(i64, &Entry)]) -> Vec<(Violation, String)> {
    let mut found = Vec::new();
    let mut next_granted_at = i64::MAX;
    for (run_id, run) in runs.iter().rev() {
        if run.last_write_sent_at().is_some_and(|sent_at| sent_at > next_granted_at) {
            found.push((Violation::StaleWrite, format!("run {run_id}: accepted after the next holder had its lease")));
        }
        next_granted_at = run.granted.map_or(next_granted_at, |(_, _, at)| at.min(next_granted_at));
    }
    found
}
