//! What a job waits for now, as a word and as sentences. Pure.

use crate::{
    breaker::Position,
    due_reason::DueReason,
    host::{Host, HostPolicy},
    schedule::{Job, JobState, ScheduleState, StopReason},
};
use codeimport_core::RcsType;
pub use codeimport_core::WaitReason;
use jiff::Timestamp;
use std::time::Duration;

/// What limits the jobs of one RCS type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TypeLoad {
    /// Runs under way.
    pub running_count: u32,
    /// Most runs at a time; any number if none.
    pub max_running: Option<u32>,
    /// Workers that can do it and take jobs.
    pub worker_count: u32,
}

/// A job and all that its start depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// The job.
    pub job: Job,
    /// Why it is due when it is; none unless it waits.
    pub due_reason: Option<DueReason>,
    /// Its host.
    pub host: Host,
    /// Its type.
    pub load: TypeLoad,
    /// Jobs before it in its line.
    pub line_position: u32,
    /// The database's time.
    pub now: Timestamp,
}

/// What keeps the due jobs of a host and type from running.
#[must_use]
pub fn obstacle(host: &Host, load: TypeLoad, policy: &HostPolicy, now: Timestamp) -> WaitReason {
    let paused = host.open_at.is_some_and(|open_at| open_at > now);
    match host.breaker.position {
        _ if load.worker_count == 0 => WaitReason::NoWorker,
        Position::HalfOpen => WaitReason::HostBreaker,
        Position::Open if paused => WaitReason::HostBreaker,
        _ if paused => WaitReason::HostPause,
        _ if host.is_full(policy) => WaitReason::HostLimit,
        _ if load.max_running.is_some_and(|most| load.running_count >= most) => WaitReason::RcsLimit,
        _ => WaitReason::Turn,
    }
}

impl Facts {
    /// What the job waits for; none if it runs.
    #[must_use]
    pub fn wait_reason(&self, policy: &HostPolicy) -> Option<WaitReason> {
        match self.job.state {
            JobState::Running(_) => None,
            JobState::Stopped { .. } => Some(WaitReason::Stopped),
            JobState::Waiting { due_at } if due_at > self.now => Some(WaitReason::NotDue),
            JobState::Waiting { .. } => Some(obstacle(&self.host, self.load, policy, self.now)),
        }
    }

    /// Until when, as far as that is known.
    #[must_use]
    pub fn wait_until(&self, reason: Option<WaitReason>) -> Option<Timestamp> {
        match (reason?, &self.job.state) {
            (WaitReason::NotDue, JobState::Waiting { due_at }) => Some(*due_at),
            (WaitReason::HostBreaker | WaitReason::HostPause, _) => {
                self.host.open_at.filter(|open_at| *open_at > self.now)
            }
            _ => None,
        }
    }

    /// All of it, for people.
    #[must_use]
    pub fn sentence(&self, policy: &HostPolicy) -> String {
        let why = self.due_reason.map(|reason| self.why_due(reason));
        let waits = self.waits_for(self.wait_reason(policy), policy);
        let down = self.host.is_down(policy).then(|| self.down());
        let parts: Vec<String> = why.into_iter().chain([waits]).chain(down).collect();
        parts.join(" ")
    }

    fn why_due(&self, reason: DueReason) -> String {
        match reason {
            DueReason::New => "It has never run.".to_owned(),
            DueReason::Interval => format!("It runs every {}.", span(self.job.interval())),
            DueReason::Backoff => format!("{} in a row: it runs less often.", count(self.job.failure_count, "failure")),
            DueReason::Partial => "The last run took over a part only: the next one follows at once.".to_owned(),
            DueReason::HostTrouble => format!("{} was in trouble: it was put back for a while.", self.host_name()),
            DueReason::Reclaimed => "The worker of its last run went silent: it runs again.".to_owned(),
            DueReason::Released => "The worker of its last run gave it back: it kept its place.".to_owned(),
            DueReason::Requested => match &self.job.request {
                Some(request) => format!("{} asked for a run.", request.by),
                None => "A person asked for a run.".to_owned(),
            },
            DueReason::Resumed => "It was approved or tried again.".to_owned(),
        }
    }

    fn waits_for(&self, reason: Option<WaitReason>, policy: &HostPolicy) -> String {
        let until = self.wait_until(reason).map(time).unwrap_or_default();
        let (host, rcs_type) = (self.host_name(), self.job.schedule.rcs_type);
        match reason {
            None => self.running(),
            Some(WaitReason::Stopped) => self.stopped().to_owned(),
            Some(WaitReason::NotDue) => format!("It is due at {until}."),
            Some(WaitReason::NoWorker) => format!("It is due, but no worker that takes jobs can do {rcs_type}."),
            Some(WaitReason::HostBreaker) if until.is_empty() => {
                format!("It is due, but first another run sees whether {host} is well again.")
            }
            Some(WaitReason::HostBreaker) => {
                let tries = count(self.host.breaker.trouble_count, "run");
                format!("It is due, but {tries} in a row found {host} in trouble: it is left alone until {until}.")
            }
            Some(WaitReason::HostPause) => format!("It is due, but {host} has a pause until {until}."),
            Some(WaitReason::HostLimit) => {
                let limit = self.host.limits(policy).max_running.unwrap_or_default();
                format!("It is due, but {host} may run {} at a time, and does.", count(limit, "job"))
            }
            Some(WaitReason::RcsLimit) => self.type_is_full(rcs_type),
            Some(WaitReason::Turn) => self.turn(),
        }
    }

    fn running(&self) -> String {
        let again = if self.job.request.is_some() { " Another one follows: somebody asked for it." } else { "" };
        format!("It is running.{again}")
    }

    fn stopped(&self) -> &'static str {
        match (self.job.schedule.wanted, &self.job.state) {
            (ScheduleState::Deleted, _) => "It is deleted.",
            (ScheduleState::Suspended, _) => "It is suspended.",
            (_, JobState::Stopped { reason: Some(StopReason::FailureLimit) }) => {
                "It was stopped after too many failures in a row; `retry` starts it again."
            }
            (_, JobState::Stopped { reason: Some(StopReason::PermanentFailure) }) => {
                "It was stopped by an outcome that does not heal by itself; `retry` starts it again."
            }
            (_, JobState::Stopped { reason: Some(StopReason::CrashLoop) }) => {
                "It was stopped because run after run lost its worker; `retry` starts it again."
            }
            _ => "It does not run.",
        }
    }

    fn type_is_full(&self, rcs_type: RcsType) -> String {
        let limit = count(self.load.max_running.unwrap_or_default(), "job");
        format!("It is due, but {limit} of {rcs_type} may run at a time, and do.")
    }

    fn turn(&self) -> String {
        match self.line_position {
            0 => "It is due, and the next of its line: it waits for a free worker.".to_owned(),
            ahead => format!("It is due, and waits for a free worker, behind {} of its line.", count(ahead, "job")),
        }
    }

    fn down(&self) -> String {
        let tries = count(self.host.breaker.opened_count, "try").replace("trys", "tries");
        let host = self.host_name();
        format!("{tries} in a row did not find {host} well: it may be gone for good. Check the address, or suspend it.")
    }

    fn host_name(&self) -> &str {
        if self.host.name.is_empty() { "its source" } else { &self.host.name }
    }
}

fn count(count: u32, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn time(at: Timestamp) -> String {
    at.strftime("%F %T UTC").to_string()
}

/// In its largest whole unit.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let whole = units.iter().find(|(size, _)| seconds >= *size && seconds.is_multiple_of(*size));
    whole.map_or_else(|| format!("{seconds} s"), |(size, unit)| format!("{} {unit}", seconds / size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        breaker::Breaker,
        host::tests::{POLICY, at, host},
        schedule::{PutSchedule, Schedule},
    };

    fn facts() -> Facts {
        let schedule = Schedule {
            wanted: ScheduleState::Active,
            update_interval: Duration::from_secs(6 * 3600),
            bounds: None,
            rcs_type: RcsType::Cvs,
            source_host: "example.org".to_owned(),
            owner: String::new(),
        };
        let put = PutSchedule { job_id: "a".parse().unwrap(), generation: 1, schedule, resume: false };
        let load = TypeLoad { running_count: 0, max_running: None, worker_count: 1 };
        let job = Job::after(None, &put, at(0)).unwrap();
        Facts { job, due_reason: Some(DueReason::New), host: host(), load, line_position: 0, now: at(0) }
    }

    fn told(facts: &Facts, reason: WaitReason) -> String {
        assert_eq!(facts.wait_reason(&POLICY), Some(reason));
        facts.sentence(&POLICY)
    }

    #[test]
    fn a_job_that_is_due_and_next_waits_for_a_worker() {
        let next = told(&facts(), WaitReason::Turn);
        assert_eq!(next, "It has never run. It is due, and the next of its line: it waits for a free worker.");
        assert!(told(&Facts { line_position: 7, ..facts() }, WaitReason::Turn).contains("behind 7 jobs"));
    }

    #[test]
    fn a_job_that_is_not_due_says_when_and_why() {
        let mut early = Facts { due_reason: Some(DueReason::Interval), ..facts() };
        early.job.state = JobState::Waiting { due_at: at(60) };
        assert_eq!(told(&early, WaitReason::NotDue), "It runs every 6 h. It is due at 2027-01-15 08:01:00 UTC.");
        assert_eq!(early.wait_until(Some(WaitReason::NotDue)), Some(at(60)));
    }

    #[test]
    fn without_a_worker_that_can_do_it_nothing_else_matters() {
        let mut lonely = facts();
        lonely.load.worker_count = 0;
        lonely.host.running_count = 3;
        assert!(told(&lonely, WaitReason::NoWorker).ends_with("no worker that takes jobs can do cvs."));
    }

    #[test]
    fn limits_of_host_and_type_are_told_with_their_figures() {
        let mut full = facts();
        full.host.running_count = 3;
        assert!(told(&full, WaitReason::HostLimit).contains("example.org may run 3 jobs at a time"));
        let load = TypeLoad { running_count: 1, max_running: Some(1), worker_count: 1 };
        assert!(told(&Facts { load, ..facts() }, WaitReason::RcsLimit).contains("1 job of cvs may run"));
    }

    #[test]
    fn a_pause_of_the_host_is_told_with_its_end_and_its_cause() {
        let mut paused = facts();
        paused.host.open_at = Some(at(60));
        assert!(told(&paused, WaitReason::HostPause).contains("has a pause until 2027-01-15 08:01:00"));
        paused.host.breaker = Breaker { position: Position::Open, trouble_count: 3, opened_count: 1 };
        assert!(told(&paused, WaitReason::HostBreaker).contains("3 runs in a row found example.org in trouble"));
        paused.host.breaker.position = Position::HalfOpen;
        paused.host.open_at = None;
        assert!(told(&paused, WaitReason::HostBreaker).contains("another run sees"));
    }

    #[test]
    fn a_host_that_stays_down_is_told_whatever_the_job_waits_for() {
        let mut down = facts();
        down.host.breaker =
            Breaker { position: Position::Open, trouble_count: 99, opened_count: POLICY.breaker.down_after };
        down.host.open_at = Some(at(60));
        assert!(told(&down, WaitReason::HostBreaker).contains("it may be gone for good"));
        down.job.state = JobState::Waiting { due_at: at(60) };
        assert!(told(&down, WaitReason::NotDue).contains("it may be gone for good"));
    }

    #[test]
    fn a_stopped_job_says_who_can_start_it() {
        let mut stopped = Facts { due_reason: None, ..facts() };
        stopped.job.state = JobState::Stopped { reason: Some(StopReason::CrashLoop) };
        assert!(told(&stopped, WaitReason::Stopped).contains("`retry` starts it again"));
        stopped.job.schedule.wanted = ScheduleState::Suspended;
        assert_eq!(told(&stopped, WaitReason::Stopped), "It is suspended.");
    }
}
