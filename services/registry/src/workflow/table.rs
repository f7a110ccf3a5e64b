//! The table of transitions: what can be done with an import, who may do it, and what it does to the schedule. Pure.
//!
//! docs/review.md shows the same table to people; a test compares the two.

use codeimport_core::ReviewStatus::{self, Failing, Invalid, New, Reviewed, Suspended};
use std::fmt;

/// What somebody is towards an import.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// Anybody who may call.
    Requester,
    /// Who looks after it, or is of the team that does.
    Owner,
    /// Who reviews imports.
    Operator,
    /// The services themselves.
    System,
}

/// What can be done with an import.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Transition {
    /// Define one of one's own.
    Define,
    /// Define one that somebody else will own.
    DefineForOthers,
    /// Change name or labels.
    Describe,
    /// Change how often it runs.
    Reschedule,
    /// Change what is read or written.
    Redirect,
    /// Change the owner.
    HandOver,
    /// Change the assignee.
    Assign,
    /// Say what from outside may start it.
    SetTrigger,
    /// Write a note.
    Note,
    /// Let it run.
    Approve,
    /// Pause it.
    Suspend,
    /// Say that it shall not be run.
    Reject,
    /// Let it wait for a review again.
    Reopen,
    /// Start it afresh.
    TryAgain,
    /// The queue stopped it.
    GiveUp,
    /// Delete it.
    Delete,
}

/// What a transition does to the schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing.
    None,
    /// The queue is told; what is due stays due.
    Told,
    /// Counters at zero, due now, if the import may run.
    FreshStart,
    /// Active again; a fresh start if the queue had stopped it.
    Active,
    /// No further run starts; one under way may finish.
    Paused,
    /// A run under way is cancelled.
    Gone,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What is done.
    pub transition: Transition,
    /// In which statuses it can be done; for new imports it is empty.
    pub from: &'static [ReviewStatus],
    /// Who may do it.
    pub roles: &'static [Role],
    /// The status after it, if it is another.
    pub to: &'static str,
    /// What becomes of the schedule.
    pub effect: Effect,
}

const ANY: &[ReviewStatus] = &[New, Reviewed, Suspended, Invalid, Failing];
const EVERYBODY: &[Role] = &[Role::Requester, Role::Owner, Role::Operator];
const OWNER: &[Role] = &[Role::Owner, Role::Operator];
const OPERATOR: &[Role] = &[Role::Operator];
const SYSTEM: &[Role] = &[Role::System];

/// The table.
pub const RULES: [Rule; 16] = {
    use Transition as T;
    const BY_POLICY: &str = "REVIEWED or NEW, by policy";
    const IF_UNAPPROVED: &str = "NEW, if policy does not approve the source";
    [
        rule(T::Define, &[], EVERYBODY, BY_POLICY, Effect::FreshStart),
        rule(T::DefineForOthers, &[], OWNER, BY_POLICY, Effect::FreshStart),
        rule(T::Describe, ANY, OWNER, "", Effect::None),
        rule(T::Reschedule, ANY, OWNER, "", Effect::Told),
        rule(T::Redirect, ANY, OWNER, IF_UNAPPROVED, Effect::FreshStart),
        rule(T::HandOver, ANY, OWNER, "", Effect::Told),
        rule(T::Assign, ANY, OPERATOR, "", Effect::None),
        rule(T::SetTrigger, ANY, OWNER, "", Effect::None),
        rule(T::Note, ANY, EVERYBODY, "", Effect::None),
        rule(T::Approve, &[New, Suspended, Invalid], OPERATOR, "REVIEWED", Effect::Active),
        rule(T::Suspend, &[New, Reviewed, Invalid, Failing], OWNER, "SUSPENDED", Effect::Paused),
        rule(T::Reject, &[New, Reviewed, Suspended, Failing], OPERATOR, "INVALID", Effect::Paused),
        rule(T::Reopen, &[Reviewed, Suspended, Invalid, Failing], OPERATOR, "NEW", Effect::Paused),
        rule(T::TryAgain, &[Reviewed, Failing], EVERYBODY, "REVIEWED", Effect::FreshStart),
        rule(T::GiveUp, &[Reviewed], SYSTEM, "FAILING", Effect::Paused),
        rule(T::Delete, ANY, OWNER, "", Effect::Gone),
    ]
};

const fn rule(
    transition: Transition,
    from: &'static [ReviewStatus],
    roles: &'static [Role],
    to: &'static str,
    effect: Effect,
) -> Rule {
    Rule { transition, from, roles, to, effect }
}

/// A role that may not do this.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("as {role} you may not {}: ask {}", .transition.words(), rule_of(*.transition).whom_to_ask())]
pub struct RoleForbids {
    /// What the caller is.
    pub role: Role,
    /// What they wanted.
    pub transition: Transition,
}

impl Rule {
    fn whom_to_ask(&self) -> &'static str {
        if self.roles.contains(&Role::Owner) { "its owner or an operator" } else { "an operator" }
    }
}

/// The line of a transition.
#[must_use]
pub fn rule_of(transition: Transition) -> &'static Rule {
    // Every transition has a line, at its own place: a test sees to it.
    &RULES[transition as usize]
}

/// Whether a role may do this at all.
///
/// # Errors
///
/// [`RoleForbids`].
pub fn permit(role: Role, transition: Transition) -> Result<(), RoleForbids> {
    if rule_of(transition).roles.contains(&role) { Ok(()) } else { Err(RoleForbids { role, transition }) }
}

impl Transition {
    /// What it takes to bring an import from one status to another; none if it is the same one.
    #[must_use]
    pub fn of_review(from: ReviewStatus, to: ReviewStatus) -> Option<Self> {
        if from == to {
            return None;
        }
        Some(match to {
            Reviewed if from == Failing => Self::TryAgain,
            Reviewed => Self::Approve,
            Suspended => Self::Suspend,
            Invalid => Self::Reject,
            New => Self::Reopen,
            Failing => Self::GiveUp,
        })
    }

    /// For people: what one does.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Define => "define an import",
            Self::DefineForOthers => "define an import that somebody else owns",
            Self::Describe => "change its name or labels",
            Self::Reschedule => "change how often it runs",
            Self::Redirect => "change its source, target or ref filter",
            Self::HandOver => "give it another owner",
            Self::Assign => "assign it to an operator",
            Self::SetTrigger => "create, rotate or delete its trigger",
            Self::Note => "write a note",
            Self::Approve => "approve it",
            Self::Suspend => "suspend it",
            Self::Reject => "reject it",
            Self::Reopen => "let it wait for a review again",
            Self::TryAgain => "try it again",
            Self::GiveUp => "give it up",
            Self::Delete => "delete it",
        }
    }
}

impl Effect {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Told => "changed; what is due stays due",
            Self::FreshStart => "counters at zero, due now, if it may run",
            Self::Active => "active; as *try it again* if the queue had stopped it",
            Self::Paused => "no further run starts; one under way may finish",
            Self::Gone => "gone; a run under way is cancelled",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requester => "requester",
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::System => "system",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transition_has_one_line_at_its_own_place() {
        for (i, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.transition as usize, i);
        }
    }

    #[test]
    fn every_way_between_two_statuses_is_a_transition_that_starts_there() {
        for from in ReviewStatus::ALL {
            for to in ReviewStatus::ALL {
                let Some(transition) = Transition::of_review(*from, *to) else { continue };
                let listed = rule_of(transition).from.contains(from);
                assert_eq!(listed, transition != Transition::GiveUp || *from == Reviewed, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn only_the_system_gives_up_and_it_does_nothing_else() {
        for rule in RULES {
            assert_eq!(rule.roles.contains(&Role::System), rule.transition == Transition::GiveUp);
            assert_eq!(rule.roles.contains(&Role::Operator), rule.transition != Transition::GiveUp);
        }
    }

    #[test]
    fn the_table_for_people_says_the_same() {
        let shown = include_str!("../../../../docs/review.md");
        for rule in RULES {
            let line = line(&rule);
            assert!(shown.contains(&line), "docs/review.md lacks the line\n{line}");
        }
        let lines = shown.lines().filter(|line| line.starts_with("| ") && line.contains(" yes ")).count();
        assert_eq!(lines, RULES.len(), "lines that are no transitions");
    }

    fn line(rule: &Rule) -> String {
        let may = |role| if rule.roles.contains(&role) { "yes" } else { "no" };
        let from: Vec<_> = rule.from.iter().map(|status| status.name().to_uppercase()).collect();
        let from = match from.len() {
            0 => "a new one".to_owned(),
            5 => "any".to_owned(),
            _ => from.join(", "),
        };
        let to = if rule.to.is_empty() { "as it is" } else { rule.to };
        let (requester, owner) = (may(Role::Requester), may(Role::Owner));
        let (operator, system) = (may(Role::Operator), may(Role::System));
        let (words, effect) = (rule.transition.words(), rule.effect.words());
        format!("| {words} | {from} | {requester} | {owner} | {operator} | {system} | {to} | {effect} |")
    }
}
