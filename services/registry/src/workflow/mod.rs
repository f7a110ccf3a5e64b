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

mod stop;
pub mod table;
mod update;

pub use stop::{Stop, StopVerdict, stop};
pub use table::{Effect, Role, RoleForbids, Transition};
pub use update::update;

use crate::{
    audit::{self, NewEvent},
    caller::Caller,
    credential::NewCredential,
    import::{Definition, Import, Intent},
    policy::Policy,
};
use codeimport_core::{EventType, ReviewStatus};

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
    use crate::{caller::tests::caller, import::tests::import};
    use ReviewStatus::{Failing, Invalid, New, Reviewed, Suspended};

    /// Who owns the import that tests start from.
    fn owner() -> Caller {
        caller("robin", &[])
    }

    fn operator() -> Caller {
        caller("olga", &[])
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
    fn an_import_for_somebody_else_is_defined_by_operators_or_their_team() {
        let mut definition = import(New).intent.definition;
        definition.care.owner = "kernel".to_owned();
        let create = |actor, roles: &[&str]| create(definition.clone(), &Policy::default(), &caller(actor, roles));
        assert!(create("mallory", &[]).is_err());
        assert!(create("robin", &["kernel"]).is_ok_and(|decision| decision.intent.definition.care.owner == "kernel"));
        assert!(create("olga", &[]).is_ok());
    }
}
