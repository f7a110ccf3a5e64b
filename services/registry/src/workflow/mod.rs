//! The only place where it is decided what becomes of an import: its review status, its schedule, its audit entry. Pure.
//! Who may do what is in the [`table`].
//!
//! ```text
//!   NEW ------> REVIEWED <-----> SUSPENDED
//!    |           |    ^
//!    |           v    | try again
//!    |          FAILING               any ----> INVALID ----> any
//! ```
//!
//! Only [`stop`] leads to FAILING. A *resume* starts the schedule afresh: counters at zero, due now, and whatever the
//! queue still reports of the time before no longer counts. It is the only way out of a stop by the queue, so every
//! way back to REVIEWED resumes an import that was stopped.

pub mod table;

pub use table::{Effect, Role, RoleForbids, Transition};

use crate::{
    audit::{self, EventType, NewEvent},
    caller::Caller,
    credential::NewCredential,
    import::{Definition, Import, Intent},
    policy::Policy,
};
use codeimport_core::{Outcome, ReviewStatus, StopReason};

/// A change to be written, all of it or nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The intent from now on.
    pub intent: Intent,
    /// What the audit trail says about it.
    pub event: NewEvent,
    /// Whether the schedule starts afresh.
    pub resume: bool,
    /// Whether it is the queue that has stopped the schedule.
    pub stopped_by_queue: bool,
    /// A secret that was found in the source's address, and is stored with the intent that names it.
    pub credential: Option<NewCredential>,
}

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

/// A new import. Without an owner it belongs to who defines it.
///
/// # Errors
///
/// [`RoleForbids`], to define it for somebody else.
pub fn create(mut definition: Definition, policy: &Policy, caller: &Caller) -> Result<Decision, RoleForbids> {
    let own = definition.care.owner.is_empty() || definition.care.owner == caller.actor;
    if own {
        definition.care.owner.clone_from(&caller.actor);
    }
    let role = caller.role_towards(&definition.care.owner);
    table::permit(role, if own { Transition::Define } else { Transition::DefineForOthers })?;
    if !definition.care.assignee.is_empty() {
        table::permit(role, Transition::Assign)?;
    }
    let status = policy.first_status(&definition.source);
    let review_reason = if status.runs() { "approved by policy" } else { "waits for approval" };
    let intent = Intent { definition, status, review_reason: review_reason.to_owned() };
    let event = event(EventType::Created, caller, &intent.review_reason, None, Some(&intent));
    Ok(Decision { resume: intent.status.runs(), intent, event, stopped_by_queue: false, credential: None })
}

/// Another definition; none if it is the same.
///
/// An import that would now read or write something else starts afresh; and if that is nothing that is approved by
/// itself, somebody has to approve it first.
///
/// # Errors
///
/// [`RoleForbids`], if the caller may not make one of the changes.
pub fn update(
    import: &Import,
    definition: Definition,
    policy: &Policy,
    caller: &Caller,
) -> Result<Option<Decision>, RoleForbids> {
    let before = &import.intent;
    if before.definition == definition {
        return Ok(None);
    }
    let role = role_of(caller, import);
    changes(&before.definition, &definition).try_for_each(|transition| table::permit(role, transition))?;
    let same = before.definition.imports_the_same_as(&definition);
    let first = policy.first_status(&definition.source);
    let mut after = Intent { definition, ..before.clone() };
    if !same && matches!(before.status, ReviewStatus::Reviewed | ReviewStatus::Failing) && before.status != first {
        let next = if first.runs() { "is tried again" } else { "waits for approval" };
        after.status = first;
        after.review_reason = format!("source or target was changed: {next}");
    }
    let event = event(EventType::Updated, caller, "", Some(before), Some(&after));
    let resume = !same && after.status.runs();
    Ok(Some(Decision {
        intent: after,
        event,
        resume,
        stopped_by_queue: import.stopped_by_queue && !resume,
        credential: None,
    }))
}

/// Which transitions a change of the definition takes.
fn changes(before: &Definition, after: &Definition) -> impl Iterator<Item = Transition> {
    let described = (&before.display_name, &before.care.labels) != (&after.display_name, &after.care.labels);
    let rescheduled =
        (before.update_interval, before.adaptive_interval) != (after.update_interval, after.adaptive_interval);
    let taken = [
        (described, Transition::Describe),
        (rescheduled, Transition::Reschedule),
        (!before.imports_the_same_as(after), Transition::Redirect),
        (before.care.owner != after.care.owner, Transition::HandOver),
        (before.care.assignee != after.care.assignee, Transition::Assign),
    ];
    taken.into_iter().filter_map(|(is_taken, transition)| is_taken.then_some(transition))
}

/// Another review status; none if it is the present one. FAILING cannot be asked for: nobody who calls is the system.
///
/// # Errors
///
/// [`RoleForbids`].
pub fn review(
    import: &Import,
    status: ReviewStatus,
    reason: &str,
    caller: &Caller,
) -> Result<Option<Decision>, RoleForbids> {
    let before = &import.intent;
    let Some(transition) = Transition::of_review(before.status, status) else { return Ok(None) };
    table::permit(role_of(caller, import), transition)?;
    let after = Intent { status, review_reason: reason.to_owned(), ..before.clone() };
    let event = event(EventType::Reviewed, caller, reason, Some(before), Some(&after));
    let resume = status.runs() && import.stopped_by_queue;
    Ok(Some(Decision {
        intent: after,
        event,
        resume,
        stopped_by_queue: import.stopped_by_queue && !resume,
        credential: None,
    }))
}

/// Try again; none if the present status forbids it.
///
/// # Errors
///
/// [`RoleForbids`].
pub fn retry(import: &Import, caller: &Caller) -> Result<Option<Decision>, RoleForbids> {
    let before = &import.intent;
    table::permit(role_of(caller, import), Transition::TryAgain)?;
    if !before.status.may_be_retried() {
        return Ok(None);
    }
    let reason = "tried again";
    let after = Intent { status: ReviewStatus::Reviewed, review_reason: reason.to_owned(), ..before.clone() };
    let event = event(EventType::Retried, caller, reason, Some(before), Some(&after));
    Ok(Some(Decision { intent: after, event, resume: true, stopped_by_queue: false, credential: None }))
}

/// What the audit trail says about a deletion.
///
/// # Errors
///
/// [`RoleForbids`].
pub fn delete(import: &Import, caller: &Caller) -> Result<NewEvent, RoleForbids> {
    table::permit(role_of(caller, import), Transition::Delete)?;
    Ok(event(EventType::Deleted, caller, "", Some(&import.intent), None))
}

/// Whether somebody may write a note.
///
/// # Errors
///
/// [`RoleForbids`].
pub fn note(import: &Import, caller: &Caller) -> Result<(), RoleForbids> {
    table::permit(role_of(caller, import), Transition::Note)
}

/// Whether somebody may decide what from outside starts an import.
///
/// # Errors
///
/// [`RoleForbids`].
pub fn set_trigger(import: &Import, caller: &Caller) -> Result<(), RoleForbids> {
    table::permit(role_of(caller, import), Transition::SetTrigger)
}

fn role_of(caller: &Caller, import: &Import) -> Role {
    caller.role_towards(&import.intent.definition.care.owner)
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

fn event(
    event_type: EventType,
    caller: &Caller,
    reason: &str,
    before: Option<&Intent>,
    after: Option<&Intent>,
) -> NewEvent {
    NewEvent::by(&caller.actor, event_type, reason, audit::changes(before, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audit::SYSTEM, caller::tests::caller, import::tests::import};
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

    /// Who owns the import that tests start from.
    fn owner() -> Caller {
        caller("robin", &[])
    }

    fn operator() -> Caller {
        caller("olga", &[])
    }

    fn only_listed() -> Policy {
        Policy { auto_approve_prefixes: vec!["https://listed".to_owned()], ..Policy::default() }
    }

    #[test]
    fn a_person_may_set_every_status_from_every_other() {
        for from in ReviewStatus::ALL {
            for to in ReviewStatus::ALL.iter().filter(|status| status.may_be_requested()) {
                let decision = review(&import(*from), *to, "because", &operator()).expect("permitted");
                assert_eq!(decision.is_some(), from != to, "{from} -> {to}");
                let Some(decision) = decision else { continue };
                assert_eq!((decision.intent.status, decision.event.event_type), (*to, EventType::Reviewed));
                assert_eq!(decision.resume, *from == Failing && *to == Reviewed, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn approval_after_a_suspension_is_no_fresh_start_unless_the_queue_had_stopped() {
        assert!(!review(&import(Suspended), Reviewed, "", &operator()).expect("permitted").expect("a change").resume);
        let stopped = Import { stopped_by_queue: true, ..import(Suspended) };
        let decision = review(&stopped, Reviewed, "", &operator()).expect("permitted").expect("a change");
        assert!(decision.resume && !decision.stopped_by_queue);
        let rejected = review(&stopped, Invalid, "", &operator()).expect("permitted").expect("a change");
        assert!(!rejected.resume && rejected.stopped_by_queue, "the stop is not forgotten");
    }

    #[test]
    fn only_reviewed_and_failing_imports_can_be_retried() {
        for status in ReviewStatus::ALL {
            let decision = retry(&import(*status), &caller("anybody", &[])).expect("permitted");
            assert_eq!(decision.is_some(), matches!(status, Reviewed | Failing), "{status}");
            assert!(decision.is_none_or(|d| d.resume && d.intent.status == Reviewed));
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

    #[test]
    fn a_new_source_is_tried_at_once_and_a_new_name_is_not() {
        let before = import(Reviewed);
        let mut definition = before.intent.definition.clone();
        assert_eq!(update(&before, definition.clone(), &Policy::default(), &owner()), Ok(None));
        definition.display_name = "new".to_owned();
        let renamed =
            update(&before, definition.clone(), &Policy::default(), &owner()).expect("permitted").expect("a change");
        assert!(!renamed.resume);
        definition.source.url = "https://host/b.git".to_owned();
        let moved = update(&before, definition, &Policy::default(), &owner()).expect("permitted").expect("a change");
        assert!(moved.resume && moved.intent.status == Reviewed);
        let mut mended = import(Failing).intent.definition;
        mended.source.url = "https://host/b.git".to_owned();
        let mended =
            update(&import(Failing), mended, &Policy::default(), &owner()).expect("permitted").expect("a change");
        assert!(mended.resume && mended.intent.status == Reviewed, "a new address is a new chance");
    }

    #[test]
    fn a_source_that_nobody_approved_does_not_run_by_an_update() {
        for status in [Reviewed, Failing] {
            let before = import(status);
            let mut definition = before.intent.definition.clone();
            definition.source.url = "https://unlisted/x".to_owned();
            let decision = update(&before, definition, &only_listed(), &owner()).expect("permitted").expect("a change");
            assert_eq!((decision.intent.status, decision.resume), (New, false), "{status}");
        }
        let created = create(import(New).intent.definition, &only_listed(), &owner()).expect("permitted");
        assert_eq!((created.intent.status, created.resume), (New, false));
    }

    #[test]
    fn nobody_changes_the_import_of_another_but_everybody_may_try_it_again() {
        let (stranger, failing) = (caller("mallory", &["other-team"]), import(Failing));
        assert!(delete(&failing, &stranger).is_err());
        for status in [Reviewed, Suspended, Invalid, New].into_iter().filter(|status| *status != Reviewed) {
            assert!(review(&failing, status, "", &stranger).is_err(), "{status}");
        }
        assert!(matches!(review(&failing, Reviewed, "", &stranger), Ok(Some(_))), "the same as to try again");
        assert!(matches!(retry(&failing, &stranger), Ok(Some(_))));
        let mut definition = failing.intent.definition.clone();
        definition.care.owner = "mallory".to_owned();
        let taken = update(&failing, definition.clone(), &Policy::default(), &stranger).expect_err("forbidden");
        assert_eq!((taken.role, taken.transition), (Role::Requester, Transition::HandOver));
        assert!(matches!(update(&failing, definition, &Policy::default(), &owner()), Ok(Some(_))));
    }

    #[test]
    fn every_changed_field_takes_a_transition() {
        let before = import(Reviewed).intent.definition;
        let changed = |change: &dyn Fn(&mut Definition)| {
            let mut after = before.clone();
            change(&mut after);
            changes(&before, &after).collect::<Vec<_>>()
        };
        assert_eq!(changed(&|d| d.display_name.push('x')), [Transition::Describe]);
        assert_eq!(changed(&|d| drop(d.care.labels.insert("a".to_owned(), String::new()))), [Transition::Describe]);
        assert_eq!(changed(&|d| d.update_interval = Some(std::time::Duration::MAX)), [Transition::Reschedule]);
        assert_eq!(changed(&|d| d.source.author_map.push('x')), [Transition::Redirect]);
        assert_eq!(changed(&|d| d.source.credential_id.push('x')), [Transition::Redirect]);
        assert_eq!(changed(&|d| d.target_url.push('x')), [Transition::Redirect]);
        assert_eq!(changed(&|d| d.care.owner.push('x')), [Transition::HandOver]);
        assert_eq!(changed(&|d| d.care.assignee.push('x')), [Transition::Assign]);
    }

    #[test]
    fn an_import_for_somebody_else_is_defined_by_operators_or_their_team() {
        let mut definition = import(New).intent.definition;
        definition.care.owner = "kernel".to_owned();
        let create = |actor, roles: &[&str]| create(definition.clone(), &Policy::default(), &caller(actor, roles));
        assert!(create("mallory", &[]).is_err());
        assert!(create("robin", &["kernel"]).is_ok_and(|decision| decision.intent.definition.care.owner == "kernel"));
        assert!(create("olga", &[]).is_ok());
    }
}
