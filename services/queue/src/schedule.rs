//! Jobs as the queue thinks of them, and what a new schedule does to one. Pure.
//!
//! ```text
//!   waiting --lease--> running --finish, release, reclaim--> waiting
//!      |                  |                                    |
//!      +--suspend,--------|--(goes on; counts at its end)------+
//!      |  delete          v
//!      +------------> stopped <-- the queue gives up (StopReason)
//!                         |
//!                         +-- approved again, or "try again" --> waiting
//! ```
//!
//! The invariant: a schedule with an older generation changes nothing, whatever it says.

pub use codeimport_core::{ScheduleState, StopReason};

use codeimport_core::{FencingToken, ImportId, RcsType, RunId};
use jiff::Timestamp;
use std::time::Duration;

/// The wanted schedule of a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// Whether it runs by itself.
    pub wanted: ScheduleState,
    /// From start to start; where it begins, if it is adaptive.
    pub update_interval: Duration,
    /// Between which it adapts itself to what runs find; none if it is fixed.
    pub bounds: Option<IntervalBounds>,
    /// Only workers that can do it get it.
    pub rcs_type: RcsType,
    /// Host name of the source; may be empty.
    pub source_host: String,
    /// Whose import it is: owners take turns at a host. May be empty.
    pub owner: String,
}

/// The bounds of an adaptive interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IntervalBounds {
    /// However much there is to find.
    pub shortest: Duration,
    /// However little.
    pub longest: Duration,
}

/// A person's open request for a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunRequest {
    /// When it was made.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
}

/// What a job does now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobState {
    /// Waits for its time, or for a free worker.
    Waiting {
        /// Earliest start.
        due_at: Timestamp,
    },
    /// A worker holds its lease.
    Running(LeaseRow),
    /// Does not run by itself.
    Stopped {
        /// Set if the queue stopped it and not the registry.
        reason: Option<StopReason>,
    },
}

/// The lease as the job's row has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeaseRow {
    /// The run under way.
    pub run_id: RunId,
    /// Its fencing token.
    pub fencing_token: FencingToken,
    /// From here on the job may be taken back.
    pub expires_at: Timestamp,
}

/// A job: one import as the queue sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// Its name.
    pub job_id: ImportId,
    /// Number of the schedule in force.
    pub generation: i64,
    /// The schedule in force.
    pub schedule: Schedule,
    /// What it does now.
    pub state: JobState,
    /// An open request for a run.
    pub request: Option<RunRequest>,
    /// Counted failures since the last good run.
    pub failure_count: u32,
    /// Reclaims since the last run that a worker finished.
    pub reclaim_count: u32,
    /// Whether a reclaimed holder may still be alive, with no later one having fenced it off.
    pub after_reclaim: bool,
    /// What the adaptive interval has come to; none before it has moved, and if the interval is fixed.
    pub adapted_interval: Option<Duration>,
    /// Start of the last run.
    pub last_started_at: Option<Timestamp>,
}

/// A schedule as the registry sends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PutSchedule {
    /// The job meant.
    pub job_id: ImportId,
    /// Decides which of two schedules is newer.
    pub generation: i64,
    /// The schedule.
    pub schedule: Schedule,
    /// "Try again": forget failures and run now.
    pub resume: bool,
}

impl Job {
    /// The job after a schedule that it did not know: the first one, or a newer one. None if it changes nothing.
    #[must_use]
    pub fn after(known: Option<&Self>, put: &PutSchedule, now: Timestamp) -> Option<Self> {
        let Some(known) = known else { return Some(Self::first(put, now)) };
        if put.generation <= known.generation {
            return None;
        }
        let mut job = Self { generation: put.generation, schedule: put.schedule.clone(), ..known.clone() };
        if put.resume
            || put.schedule.wanted == ScheduleState::Deleted
            || known.schedule.wanted == ScheduleState::Deleted
        {
            job.failure_count = 0;
            job.reclaim_count = 0;
        }
        if (put.schedule.update_interval, put.schedule.bounds)
            != (known.schedule.update_interval, known.schedule.bounds)
        {
            job.adapted_interval = None;
        }
        job.state = known.state_after(put, now);
        if let (JobState::Running(_), true, ScheduleState::Active) = (&job.state, put.resume, put.schedule.wanted) {
            // "Now" is after this run: it may be failing for the very reason that was just mended.
            job.request = job.request.or(Some(RunRequest { at: now, by: "resume".to_owned() }));
        }
        if matches!(job.state, JobState::Stopped { .. }) || put.schedule.wanted != ScheduleState::Active {
            job.request = None;
        }
        Some(job)
    }

    fn first(put: &PutSchedule, now: Timestamp) -> Self {
        let state = match put.schedule.wanted {
            ScheduleState::Active => JobState::Waiting { due_at: now },
            ScheduleState::Suspended | ScheduleState::Deleted => JobState::Stopped { reason: None },
        };
        Self {
            job_id: put.job_id.clone(),
            generation: put.generation,
            schedule: put.schedule.clone(),
            state,
            request: None,
            failure_count: 0,
            reclaim_count: 0,
            after_reclaim: false,
            adapted_interval: None,
            last_started_at: None,
        }
    }

    /// From start to start, as things are.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.adapted_interval.unwrap_or(self.schedule.update_interval)
    }

    fn state_after(&self, put: &PutSchedule, now: Timestamp) -> JobState {
        match (&self.state, put.schedule.wanted) {
            // The lease goes on; its end looks at the schedule again.
            (JobState::Running(lease), _) => JobState::Running(*lease),
            (_, ScheduleState::Deleted) => JobState::Stopped { reason: None },
            (JobState::Stopped { reason }, ScheduleState::Suspended) => {
                JobState::Stopped { reason: reason.filter(|_| !put.resume) }
            }
            (JobState::Waiting { .. }, ScheduleState::Suspended) => JobState::Stopped { reason: None },
            (_, ScheduleState::Active) if put.resume => JobState::Waiting { due_at: now },
            // Given up by the queue: a change of the definition alone is no reason to go on.
            (JobState::Stopped { reason: Some(reason) }, ScheduleState::Active) => {
                JobState::Stopped { reason: Some(*reason) }
            }
            (JobState::Stopped { reason: None }, ScheduleState::Active) => JobState::Waiting {
                due_at: self.due_by_interval(put.schedule.update_interval).map_or(now, |d| d.max(now)),
            },
            // A shorter interval counts at once; a longer one from the next run on.
            (JobState::Waiting { due_at }, ScheduleState::Active) => {
                let sooner = self.due_by_interval(put.schedule.update_interval).filter(|_| self.failure_count == 0);
                JobState::Waiting { due_at: sooner.map_or(*due_at, |sooner| sooner.min(*due_at)) }
            }
        }
    }

    /// One interval after the last start; none if it never ran.
    fn due_by_interval(&self, interval: Duration) -> Option<Timestamp> {
        self.last_started_at.and_then(|start| start.checked_add(interval).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hour * 3600).unwrap()
    }

    fn put(generation: i64, wanted: ScheduleState) -> PutSchedule {
        let schedule = Schedule {
            wanted,
            update_interval: 6 * HOUR,
            bounds: None,
            rcs_type: RcsType::Git,
            source_host: String::new(),
            owner: String::new(),
        };
        PutSchedule { job_id: "a".parse().unwrap(), generation, schedule, resume: false }
    }

    fn resume(generation: i64) -> PutSchedule {
        PutSchedule { resume: true, ..put(generation, ScheduleState::Active) }
    }

    fn job() -> Job {
        Job::after(None, &put(1, ScheduleState::Active), at(0)).unwrap()
    }

    fn stopped(reason: StopReason) -> Job {
        Job { state: JobState::Stopped { reason: Some(reason) }, failure_count: 5, reclaim_count: 1, ..job() }
    }

    fn running() -> Job {
        let lease = LeaseRow { run_id: RunId(1), fencing_token: FencingToken(1), expires_at: at(1) };
        Job { state: JobState::Running(lease), last_started_at: Some(at(0)), ..job() }
    }

    #[test]
    fn a_new_job_is_due_at_once() {
        assert_eq!(job().state, JobState::Waiting { due_at: at(0) });
    }

    #[test]
    fn an_older_or_equal_generation_changes_nothing() {
        let known = Job::after(Some(&job()), &put(5, ScheduleState::Suspended), at(1)).unwrap();
        assert_eq!(Job::after(Some(&known), &resume(5), at(2)), None);
        assert_eq!(Job::after(Some(&known), &put(4, ScheduleState::Active), at(2)), None);
    }

    #[test]
    fn a_job_that_the_queue_stopped_stays_stopped_without_resume() {
        let edited =
            Job::after(Some(&stopped(StopReason::FailureLimit)), &put(2, ScheduleState::Active), at(1)).unwrap();
        assert_eq!(edited.state, JobState::Stopped { reason: Some(StopReason::FailureLimit) });
        assert_eq!(edited.failure_count, 5);
    }

    #[test]
    fn resume_forgets_failures_and_is_due_now() {
        let resumed = Job::after(Some(&stopped(StopReason::PermanentFailure)), &resume(2), at(3)).unwrap();
        assert_eq!(resumed.state, JobState::Waiting { due_at: at(3) });
        assert_eq!((resumed.failure_count, resumed.reclaim_count), (0, 0));
    }

    #[test]
    fn an_approved_job_keeps_its_rhythm() {
        let ran = Job { state: JobState::Stopped { reason: None }, last_started_at: Some(at(0)), ..job() };
        let early = Job::after(Some(&ran), &put(2, ScheduleState::Active), at(1)).unwrap();
        assert_eq!(early.state, JobState::Waiting { due_at: at(6) });
        let late = Job::after(Some(&ran), &put(2, ScheduleState::Active), at(9)).unwrap();
        assert_eq!(late.state, JobState::Waiting { due_at: at(9) });
    }

    #[test]
    fn a_shorter_interval_counts_at_once_and_a_longer_one_does_not_delay() {
        let ran = Job { state: JobState::Waiting { due_at: at(6) }, last_started_at: Some(at(0)), ..job() };
        let with = |interval| {
            let mut put = put(2, ScheduleState::Active);
            put.schedule.update_interval = interval;
            Job::after(Some(&ran), &put, at(1)).unwrap().state
        };
        assert_eq!(with(2 * HOUR), JobState::Waiting { due_at: at(2) });
        assert_eq!(with(12 * HOUR), JobState::Waiting { due_at: at(6) });
    }

    #[test]
    fn a_running_job_goes_on_whatever_is_wanted() {
        for wanted in [ScheduleState::Active, ScheduleState::Suspended, ScheduleState::Deleted] {
            let changed = Job::after(Some(&running()), &put(2, wanted), at(1)).unwrap();
            assert_eq!(changed.state, running().state);
        }
    }

    #[test]
    fn resume_while_running_asks_for_one_more_run() {
        let resumed = Job::after(Some(&running()), &resume(2), at(1)).unwrap();
        assert!(resumed.request.is_some());
    }

    fn any_put() -> impl Strategy<Value = PutSchedule> {
        let wanted =
            prop_oneof![Just(ScheduleState::Active), Just(ScheduleState::Suspended), Just(ScheduleState::Deleted)];
        (1i64..20, wanted, any::<bool>())
            .prop_map(|(generation, wanted, resume)| PutSchedule { resume, ..put(generation, wanted) })
    }

    /// What the CHECK constraints of the table ask for.
    fn is_storable(job: &Job) -> bool {
        match &job.state {
            JobState::Waiting { .. } => job.schedule.wanted == ScheduleState::Active,
            JobState::Running(_) => true,
            JobState::Stopped { reason } => {
                job.request.is_none() && (job.schedule.wanted != ScheduleState::Active || reason.is_some())
            }
        }
    }

    proptest! {
        #[test]
        fn schedules_in_any_order_end_with_the_newest_and_are_always_storable(
            puts in proptest::collection::vec(any_put(), 1..12),
            start in prop_oneof![Just(running()), Just(stopped(StopReason::CrashLoop)), Just(job())],
        ) {
            let start = Job { generation: 0, ..start };
            let mut job = start;
            for put in &puts {
                if let Some(next) = Job::after(Some(&job), put, at(1)) {
                    job = next;
                }
                prop_assert!(is_storable(&job), "{:?}", job);
            }
            let newest = puts.iter().map(|put| put.generation).max();
            prop_assert_eq!(Some(job.generation), newest);
        }
    }
}
