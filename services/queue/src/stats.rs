//! What the queue's load means: how much waits for what, and where. Pure.

use crate::{
    explain::{TypeLoad, WaitReason, obstacle},
    host::{Host, HostPolicy},
};
use codeimport_core::RcsType;
use jiff::Timestamp;
use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

/// Due jobs of one type at one host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DueGroup {
    /// The host.
    pub host: Host,
    /// The type.
    pub rcs_type: RcsType,
    /// How many.
    pub due_count: u32,
    /// How long the first of them has been due.
    pub oldest_due_age: Duration,
}

/// Jobs of one type at one host that run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeasedGroup {
    /// The host.
    pub host_name: String,
    /// The type.
    pub rcs_type: RcsType,
    /// How many.
    pub leased_count: u32,
}

/// All that is due or runs at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Load {
    /// The moment, by the database's clock.
    pub now: Timestamp,
    /// What is due.
    pub due: Vec<DueGroup>,
    /// What runs.
    pub leased: Vec<LeasedGroup>,
    /// Workers that take jobs, for each type.
    pub workers: BTreeMap<RcsType, u32>,
    /// Most runs at a time, for each type that has a limit.
    pub type_limits: BTreeMap<RcsType, u32>,
}

/// Figures of a host, or of a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    /// Due jobs.
    pub due_count: u32,
    /// Running ones.
    pub leased_count: u32,
    /// How long the first of the due ones has been due.
    pub oldest_due_age: Duration,
    /// Workers that take jobs of the type; 0 for a host.
    pub worker_count: u32,
}

impl Load {
    /// All of it together.
    #[must_use]
    pub fn total(&self) -> Figures {
        let mut total = Figures::default();
        self.due.iter().for_each(|group| total.add_due(group));
        self.leased.iter().for_each(|group| total.add_leased(group));
        total
    }

    /// How many due jobs wait for what.
    #[must_use]
    pub fn by_reason(&self, policy: &HostPolicy) -> BTreeMap<WaitReason, u32> {
        let types = self.by_type();
        let mut counts = BTreeMap::new();
        for group in &self.due {
            let figures = types.get(&group.rcs_type).copied().unwrap_or_default();
            let load = TypeLoad {
                running_count: figures.leased_count,
                max_running: self.type_limits.get(&group.rcs_type).copied(),
                worker_count: figures.worker_count,
            };
            let count: &mut u32 = counts.entry(obstacle(&group.host, load, policy, self.now)).or_default();
            *count = count.saturating_add(group.due_count);
        }
        counts
    }

    /// The figures of each type that has any.
    #[must_use]
    pub fn by_type(&self) -> BTreeMap<RcsType, Figures> {
        let mut types: BTreeMap<RcsType, Figures> = BTreeMap::new();
        self.due.iter().for_each(|group| types.entry(group.rcs_type).or_default().add_due(group));
        self.leased.iter().for_each(|group| types.entry(group.rcs_type).or_default().add_leased(group));
        for (rcs_type, worker_count) in &self.workers {
            types.entry(*rcs_type).or_default().worker_count = *worker_count;
        }
        types
    }

    /// The hosts with most to do, and their figures; at most `limit`.
    #[must_use]
    pub fn top_hosts(&self, limit: usize) -> Vec<(&str, Figures)> {
        let mut hosts: BTreeMap<&str, Figures> = BTreeMap::new();
        self.due.iter().for_each(|group| hosts.entry(&group.host.name).or_default().add_due(group));
        self.leased.iter().for_each(|group| hosts.entry(&group.host_name).or_default().add_leased(group));
        let mut hosts: Vec<_> = hosts.into_iter().collect();
        hosts.sort_by_key(|(_, figures)| Reverse((figures.due_count, figures.leased_count)));
        hosts.truncate(limit);
        hosts
    }
}

impl Figures {
    fn add_due(&mut self, group: &DueGroup) {
        self.due_count = self.due_count.saturating_add(group.due_count);
        self.oldest_due_age = self.oldest_due_age.max(group.oldest_due_age);
    }

    fn add_leased(&mut self, group: &LeasedGroup) {
        self.leased_count = self.leased_count.saturating_add(group.leased_count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests::{POLICY, at, host};

    fn due(name: &str, rcs_type: RcsType, due_count: u32) -> DueGroup {
        let host = Host { name: name.to_owned(), ..host() };
        DueGroup { host, rcs_type, due_count, oldest_due_age: Duration::from_secs(due_count.into()) }
    }

    fn load() -> Load {
        let leased = LeasedGroup { host_name: "a.org".to_owned(), rcs_type: RcsType::Git, leased_count: 3 };
        let mut full = due("a.org", RcsType::Git, 5);
        full.host.running_count = 3;
        Load {
            now: at(0),
            due: vec![full, due("b.org", RcsType::Git, 7), due("b.org", RcsType::Cvs, 1)],
            leased: vec![leased],
            workers: BTreeMap::from([(RcsType::Git, 2)]),
            type_limits: BTreeMap::new(),
        }
    }

    #[test]
    fn due_jobs_are_counted_by_what_they_wait_for() {
        let counts = load().by_reason(&POLICY);
        let expected = [(WaitReason::NoWorker, 1), (WaitReason::HostLimit, 5), (WaitReason::Turn, 7)];
        assert_eq!(counts, BTreeMap::from(expected));
        let limited = Load { type_limits: BTreeMap::from([(RcsType::Git, 3)]), ..load() };
        assert_eq!(limited.by_reason(&POLICY)[&WaitReason::RcsLimit], 7);
    }

    #[test]
    fn the_hosts_with_most_to_do_come_first() {
        let load = load();
        let hosts = load.top_hosts(1);
        assert_eq!(hosts.len(), 1);
        assert_eq!((hosts[0].0, hosts[0].1.due_count), ("b.org", 8));
    }

    #[test]
    fn totals_are_the_sum_of_all_groups_and_the_longest_age() {
        let total = load().total();
        assert_eq!((total.due_count, total.leased_count), (13, 3));
        assert_eq!(total.oldest_due_age, Duration::from_secs(7));
    }
}
