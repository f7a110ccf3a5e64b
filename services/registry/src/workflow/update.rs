//! What becomes of an import whose definition is changed. Pure.

use super::{Decision, event, role_of};
use crate::{
    caller::Caller,
    import::{Definition, Import, Intent},
    policy::Policy,
    workflow::{RoleForbids, Transition, table},
};
use codeimport_core::{EventType, ReviewStatus};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{caller::tests::caller, import::tests::import, workflow::create};
    use ReviewStatus::{Failing, New, Reviewed};

    /// Who owns the import that tests start from.
    fn owner() -> Caller {
        caller("robin", &[])
    }

    fn only_listed() -> Policy {
        Policy { auto_approve_prefixes: vec!["https://listed".to_owned()], ..Policy::default() }
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
}
