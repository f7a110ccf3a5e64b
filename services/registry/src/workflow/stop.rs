//! What it means for an import that the queue has given up. Pure.

use super::Decision;
use crate::{
    audit::{self, NewEvent},
    import::{Import, Intent},
};
use codeimport_core::{EventType, Outcome, ReviewStatus, StopReason};

/// What the queue says with a stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stop {
    /// Why.
    pub reason: StopReason,
    /// Generation of the schedule that was in force.
    pub generation: i64,
    /// The last run.
    pub run_id: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// What it had to say.
    pub message: String,
    /// Counted failures in a row.
    pub consecutive_failure_count: i32,
}

/// What a stop means for an import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StopVerdict {
    /// It was resumed meanwhile: the stop is about the time before.
    Stale,
    /// It does not run anyway, by a person's word, which stands. Remembered, because only a resume starts it again.
    Noted,
    /// It is FAILING from now on.
    Failing(Box<Decision>),
}

/// The queue has stopped the schedule.
#[must_use]
pub fn stop(import: &Import, stop: &Stop) -> StopVerdict {
    if stop.generation < import.resumed_generation {
        return StopVerdict::Stale;
    }
    let before = &import.intent;
    if !before.status.runs() {
        return StopVerdict::Noted;
    }
    let after = Intent { status: ReviewStatus::Failing, review_reason: reason_of(stop), ..before.clone() };
    let changes = audit::changes(Some(before), Some(&after));
    let event = NewEvent::of_run(EventType::Reviewed, stop.run_id, after.review_reason.clone(), changes);
    StopVerdict::Failing(Box::new(Decision {
        intent: after,
        event,
        resume: false,
        stopped_by_queue: true,
        credential: None,
    }))
}

/// For the person who has to mend it, as sentences: what happened, what was said, what to do.
fn reason_of(stop: &Stop) -> String {
    let decided = match stop.reason {
        StopReason::FailureLimit => format!("Stopped after {} failures in a row.", stop.consecutive_failure_count),
        StopReason::PermanentFailure => "Stopped, because trying again cannot help.".to_owned(),
        StopReason::CrashLoop => "Stopped, because run after run lost its worker; see the workers' logs.".to_owned(),
    };
    let advice = stop.outcome.advice().filter(|_| stop.reason != StopReason::CrashLoop);
    let said = Some(stop.message.as_str()).filter(|message| !message.is_empty());
    [Some(decided.as_str()), said, advice].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audit::SYSTEM, import::tests::import};
    use ReviewStatus::{Failing, Invalid, New, Reviewed, Suspended};

    fn stop_at(generation: i64) -> Stop {
        Stop {
            reason: StopReason::PermanentFailure,
            generation,
            run_id: 7,
            outcome: Outcome::Invalid,
            message: "There is no repository.".to_owned(),
            consecutive_failure_count: 1,
        }
    }

    #[test]
    fn a_stop_makes_a_running_import_failing_and_says_why() {
        let StopVerdict::Failing(decision) = stop(&import(Reviewed), &stop_at(5)) else { panic!("not failing") };
        assert_eq!((decision.intent.status, decision.event.actor.as_str()), (Failing, SYSTEM));
        assert!(decision.stopped_by_queue && !decision.resume);
        let expected = "Stopped, because trying again cannot help. There is no repository. Check the URL";
        assert!(decision.intent.review_reason.starts_with(expected), "{}", decision.intent.review_reason);
    }

    #[test]
    fn a_stop_of_the_time_before_the_last_resume_is_stale() {
        assert_eq!(stop(&import(Reviewed), &stop_at(4)), StopVerdict::Stale);
    }

    #[test]
    fn a_persons_word_outlives_a_stop() {
        for status in [New, Suspended, Invalid, Failing] {
            assert_eq!(stop(&import(status), &stop_at(9)), StopVerdict::Noted, "{status}");
        }
    }
}
