//! What came of a soak, for people and for programs.

use super::{
    Judged, Violation,
    chaos::{Chaos, Damage},
    replicas::Replicas,
};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// Longest time within which the service must be back once PostgreSQL is.
const BACK_WITHIN: Duration = Duration::from_secs(2);

/// How many examples of each violation are told.
const EXAMPLES: usize = 5;

/// The account of a soak.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    /// From the first lease to the last event.
    pub seconds: f64,
    /// Leases granted.
    pub leases: usize,
    /// Runs that people asked for.
    pub requests: u64,
    /// Runs by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Writes of former holders that were refused: shows that there were any.
    pub refused_writes: u64,
    /// What was done to the queue, and how often.
    damage: BTreeMap<Damage, u64>,
    /// Longest time from the end of a lease to its reclaim.
    pub longest_stuck_seconds: f64,
    /// Longest time from PostgreSQL's return to the service's.
    pub longest_back_seconds: f64,
    /// How often what must not happen did.
    pub violations: BTreeMap<Violation, usize>,
    /// A few of each.
    pub examples: Vec<String>,
}

impl Account {
    pub(super) fn new(judged: Judged, chaos: &Chaos, replicas: &Replicas, requests: u64, lasted: Duration) -> Self {
        let mut violations = BTreeMap::new();
        let mut examples = Vec::new();
        for (violation, what) in judged.violations {
            let count = violations.entry(violation).or_default();
            *count += 1;
            if *count <= EXAMPLES {
                examples.push(format!("{violation:?}: {what}"));
            }
        }
        Self {
            seconds: lasted.as_secs_f64(),
            leases: judged.leases,
            requests,
            outcomes: judged.outcomes,
            refused_writes: judged.refused,
            damage: chaos.done().clone(),
            longest_stuck_seconds: judged.longest_stuck.as_secs_f64(),
            longest_back_seconds: replicas.longest_back().as_secs_f64(),
            violations,
            examples,
        }
    }

    /// Whether nothing happened that must not, in time and all.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty() && self.longest_back_seconds <= BACK_WITHIN.as_secs_f64()
    }

    /// How often something happened that must not.
    #[must_use]
    pub fn count(&self, violation: Violation) -> usize {
        self.violations.get(&violation).copied().unwrap_or_default()
    }

    /// A table.
    #[must_use]
    pub fn table(&self) -> String {
        let row = |name: &str, value: String| format!("  {name:<44}{value:>14}\n");
        let mut text = row("seconds", format!("{:.0}", self.seconds));
        text += &row("leases", self.leases.to_string());
        text += &row("requests of people", self.requests.to_string());
        for (outcome, count) in &self.outcomes {
            text += &row(&format!("  runs that ended as {outcome}"), count.to_string());
        }
        for (damage, count) in &self.damage {
            text += &row(&format!("  {damage:?}"), count.to_string());
        }
        text += &row("writes of former holders refused", self.refused_writes.to_string());
        let checks = [
            ("lost runs", Violation::LostRun),
            ("lost jobs", Violation::LostJob),
            ("doubly accepted ends", Violation::DoublyAccepted),
            ("ends accepted and not recorded", Violation::Contradicted),
            ("ends that nobody reported", Violation::Invented),
            ("stale writes accepted", Violation::StaleWrite),
            ("tokens that did not rise", Violation::TokenNotRisen),
            ("runs of one job at the same time", Violation::Overlap),
            ("runs told of twice", Violation::ToldTwice),
            ("events out of order", Violation::OutOfOrder),
            ("jobs stuck longer than TTL + 2 s", Violation::Stuck),
            ("strange answers", Violation::Strange),
        ];
        for (name, violation) in checks {
            text += &row(name, self.count(violation).to_string());
        }
        text += &row("longest from expiry to reclaim", format!("{:.2} s", self.longest_stuck_seconds));
        text += &row("longest from PostgreSQL back to service back", format!("{:.2} s", self.longest_back_seconds));
        self.examples.iter().fold(text, |text, example| text + "  " + example + "\n")
    }
}
