//! What a finished run means for its import. Pure; the queue's words are translated here and nowhere else.

use crate::{
    audit::{self, NewEvent},
    import::{Import, RunHistory},
    workflow::Stop,
};
use codeimport_core::{EventType, ImportId, Outcome, StopReason};
use codeimport_proto::{
    convert::{stop_reason_from_wire, timestamp_from_wire},
    queue as wire,
};
use jiff::Timestamp;

/// What the registry takes from a run event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunEffect {
    /// The import that was run.
    pub import_id: ImportId,
    /// The run.
    pub run_id: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// What it had to say.
    pub message: String,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Generation of the schedule that was in force.
    pub generation: i64,
    /// Counted failures in a row, with this run.
    pub consecutive_failure_count: i32,
    /// Why the queue stopped the schedule with this run, if it did.
    pub stop_reason: Option<StopReason>,
}

impl RunEffect {
    /// Reads an event; none if it makes no sense here, and then it has no effect.
    #[must_use]
    pub fn from_wire(event: &wire::RunEvent) -> Option<Self> {
        let run = event.run.as_ref()?;
        Some(Self {
            import_id: run.job_id.parse().ok()?,
            run_id: run.run_id,
            outcome: run.domain_outcome()?,
            message: run.message.clone(),
            finished_at: run.finish_time.as_ref().and_then(timestamp_from_wire),
            generation: event.generation,
            consecutive_failure_count: event.consecutive_failure_count.max(0),
            stop_reason: stop_reason_from_wire(event.stop_reason),
        })
    }

    /// Whether it is about this import, and not about an earlier one of the same id.
    #[must_use]
    pub fn is_about(&self, import: &Import) -> bool {
        self.generation >= import.created_generation && self.run_id > import.history.last_run_id
    }

    /// The history with this run. Failures from before the last resume no longer count.
    #[must_use]
    pub fn history_after(&self, import: &Import) -> RunHistory {
        let before = &import.history;
        let stale = self.generation < import.resumed_generation;
        let count = if stale { before.consecutive_failure_count } else { self.consecutive_failure_count };
        RunHistory {
            last_run_id: self.run_id,
            last_outcome: Some(self.outcome),
            last_message: self.message.clone(),
            last_success_at: self.finished_at.filter(|_| self.outcome.is_success()).or(before.last_success_at),
            consecutive_failure_count: count,
            failing_since: if count == 0 { None } else { before.failing_since.or(self.finished_at) },
        }
    }

    /// The stop, if the queue stopped the schedule with this run.
    #[must_use]
    pub fn stop(&self) -> Option<Stop> {
        self.stop_reason.map(|reason| Stop {
            reason,
            generation: self.generation,
            run_id: self.run_id,
            outcome: self.outcome,
            message: self.message.clone(),
            consecutive_failure_count: self.consecutive_failure_count,
        })
    }

    /// What the audit trail says about it: that it ended, and what that means where it means something.
    #[must_use]
    pub fn events(&self, before: &RunHistory) -> Vec<NewEvent> {
        let name = |outcome: Option<Outcome>| outcome.map(Outcome::name).unwrap_or_default().to_owned();
        let changes = [
            audit::change("last_run_id", before.last_run_id.to_string(), self.run_id.to_string()),
            audit::change("last_outcome", name(before.last_outcome), name(Some(self.outcome))),
        ];
        let changes = changes.into_iter().flatten().collect();
        let finished = NewEvent::of_run(EventType::RunFinished, self.run_id, self.message.clone(), changes);
        let news = self.news(before).map(|(news, why)| NewEvent::of_run(news, self.run_id, why, Vec::new()));
        [Some(finished), news].into_iter().flatten().collect()
    }

    /// What people want to hear of a run that went well.
    fn news(&self, before: &RunHistory) -> Option<(EventType, String)> {
        let failed = before.failing_since.is_some() || before.last_outcome.is_some_and(Outcome::is_counted);
        match (self.outcome.is_success(), before.last_success_at) {
            (false, _) => None,
            (true, None) => Some((EventType::FirstSuccess, String::new())),
            (true, Some(_)) if failed => {
                let since = before.failing_since.map(|time| format!("failed since {time}"));
                Some((EventType::Recovered, since.unwrap_or_default()))
            }
            (true, Some(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::tests::import;
    use codeimport_core::ReviewStatus;

    fn effect(outcome: Outcome, generation: i64) -> RunEffect {
        RunEffect {
            import_id: "a".parse().expect("valid"),
            run_id: 8,
            outcome,
            message: "text".to_owned(),
            finished_at: Some(Timestamp::UNIX_EPOCH),
            generation,
            consecutive_failure_count: 3,
            stop_reason: None,
        }
    }

    #[test]
    fn only_a_success_moves_the_time_of_the_last_success() {
        for outcome in Outcome::ALL {
            let history = effect(*outcome, 9).history_after(&import(ReviewStatus::Reviewed));
            assert_eq!(history.last_success_at.is_some(), outcome.is_success(), "{outcome}");
            assert_eq!((history.last_run_id, history.last_outcome), (8, Some(*outcome)));
        }
    }

    #[test]
    fn failing_begins_with_the_first_failure_and_ends_with_the_last() {
        let later = |effect: RunEffect| RunEffect { finished_at: Some(Timestamp::MAX), ..effect };
        let mut import = import(ReviewStatus::Reviewed);
        import.history = effect(Outcome::Failure, 9).history_after(&import);
        assert_eq!(import.history.failing_since, Some(Timestamp::UNIX_EPOCH));
        import.history = later(effect(Outcome::Failure, 9)).history_after(&import);
        assert_eq!(import.history.failing_since, Some(Timestamp::UNIX_EPOCH), "the first one");
        let good = RunEffect { consecutive_failure_count: 0, ..later(effect(Outcome::Partial, 9)) };
        assert_eq!(good.history_after(&import).failing_since, None);
    }

    #[test]
    fn failures_of_the_time_before_a_resume_are_not_counted() {
        let import = import(ReviewStatus::Reviewed);
        let count =
            |generation: i64| effect(Outcome::Failure, generation).history_after(&import).consecutive_failure_count;
        assert_eq!(count(import.resumed_generation - 1), 0);
        assert_eq!(count(import.resumed_generation), 3);
    }

    #[test]
    fn the_first_success_and_the_one_after_failures_are_news() {
        let news = |before: &RunHistory, outcome| {
            let events = effect(outcome, 9).events(before);
            assert_eq!(events[0].event_type, EventType::RunFinished);
            events.get(1).map(|event| event.event_type)
        };
        let never = RunHistory { last_outcome: Some(Outcome::Failure), ..RunHistory::default() };
        assert_eq!(news(&never, Outcome::Success), Some(EventType::FirstSuccess));
        assert_eq!(news(&never, Outcome::Partial), None, "not in step yet");
        let well = RunHistory { last_success_at: Some(Timestamp::UNIX_EPOCH), ..RunHistory::default() };
        assert_eq!(news(&well, Outcome::Success), None, "no news");
        let failing = RunHistory { failing_since: Some(Timestamp::UNIX_EPOCH), ..well.clone() };
        assert_eq!(news(&failing, Outcome::NoChange), Some(EventType::Recovered));
        assert_eq!(news(&failing, Outcome::Failure), None);
        let tried_again = RunHistory { last_outcome: Some(Outcome::Invalid), ..well };
        assert_eq!(news(&tried_again, Outcome::Success), Some(EventType::Recovered), "counters were reset");
    }

    #[test]
    fn events_of_an_earlier_import_or_run_are_not_about_this_one() {
        let mut import = import(ReviewStatus::Reviewed);
        assert!(!effect(Outcome::Success, import.created_generation - 1).is_about(&import));
        assert!(effect(Outcome::Success, import.created_generation).is_about(&import));
        import.history.last_run_id = 8;
        assert!(!effect(Outcome::Success, import.created_generation).is_about(&import));
    }

    #[test]
    fn an_event_that_makes_no_sense_has_no_effect() {
        let run = |job_id: &str, outcome: i32| wire::Run { job_id: job_id.to_owned(), outcome, ..Default::default() };
        let read = |run: Option<wire::Run>| RunEffect::from_wire(&wire::RunEvent { run, ..Default::default() });
        assert_eq!(read(None), None);
        assert_eq!(read(Some(run("No Id", 1))), None);
        assert_eq!(read(Some(run("a", 9_999))), None);
        assert!(read(Some(run("a", 1))).is_some());
    }
}
