//! Who calls, and what they are towards an import. Pure.
//!
//! Name and roles are claims of the request. Rights follow from them only where something in front of the registry is
//! trusted to have checked them.

use crate::{audit::SYSTEM, workflow::Role};
use codeimport_kit::{actor, roles};
use std::collections::BTreeSet;
use tonic::Request;

/// The role that makes an operator, and the name that stands for everybody.
const OPERATOR: &str = "operator";
const EVERYBODY: &str = "*";

/// Who has which rights, as it is configured.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rights {
    /// Names of operators; `*` for everybody.
    pub operators: BTreeSet<String>,
    /// Whether the claims of a request are believed.
    pub trust_claims: bool,
}

/// Who calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// For the audit trail.
    pub actor: String,
    is_operator: bool,
    /// The names under which imports may be theirs.
    names: BTreeSet<String>,
}

impl Rights {
    /// Whether nobody can be an operator.
    #[must_use]
    pub fn leave_nobody(&self) -> bool {
        !self.trust_claims && !self.operators.contains(EVERYBODY)
    }

    /// Who sends a request.
    #[must_use]
    pub fn caller<T>(&self, request: &Request<T>) -> Caller {
        self.caller_named(actor(request), roles(request))
    }

    fn caller_named(&self, actor: String, roles: BTreeSet<String>) -> Caller {
        let mut names = roles;
        names.insert(actor.clone());
        names.retain(|_| self.trust_claims);
        let named = names.contains(OPERATOR) || !names.is_disjoint(&self.operators);
        // The trail must not tell of the system where a person has acted.
        let actor = if actor == SYSTEM { format!("{actor:?}") } else { actor };
        Caller { actor, is_operator: named || self.operators.contains(EVERYBODY), names }
    }
}

impl Caller {
    /// Names of whom the caller may act for; none for everybody.
    #[must_use]
    pub fn acts_for(&self) -> Option<Vec<String>> {
        (!self.is_operator).then(|| self.names.iter().cloned().collect())
    }

    /// What the caller is towards what somebody owns.
    #[must_use]
    pub fn role_towards(&self, owner: &str) -> Role {
        if self.is_operator {
            Role::Operator
        } else if self.names.contains(owner) {
            Role::Owner
        } else {
            Role::Requester
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Somebody who is trusted to be who they say.
    pub(crate) fn caller(actor: &str, roles: &[&str]) -> Caller {
        let rights = Rights { operators: BTreeSet::from(["olga".to_owned()]), trust_claims: true };
        rights.caller_named(actor.to_owned(), roles.iter().map(|role| (*role).to_owned()).collect())
    }

    #[test]
    fn roles_follow_from_names_and_teams() {
        assert_eq!(caller("robin", &[]).role_towards("robin"), Role::Owner);
        assert_eq!(caller("robin", &["kernel"]).role_towards("kernel"), Role::Owner);
        assert_eq!(caller("robin", &["kernel"]).role_towards("ada"), Role::Requester);
        assert_eq!(caller("olga", &[]).role_towards("ada"), Role::Operator);
        assert_eq!(caller("robin", &["operator"]).role_towards("ada"), Role::Operator);
    }

    #[test]
    fn claims_that_are_not_trusted_give_no_rights() {
        let rights = Rights { operators: BTreeSet::from(["olga".to_owned()]), trust_claims: false };
        let claimed = rights.caller_named("olga".to_owned(), BTreeSet::from(["operator".to_owned()]));
        assert_eq!(claimed.role_towards("olga"), Role::Requester);
        assert!(rights.leave_nobody());
    }

    #[test]
    fn nobody_can_pass_for_the_system_in_the_trail() {
        assert_ne!(caller(SYSTEM, &[]).actor, SYSTEM);
    }
}
