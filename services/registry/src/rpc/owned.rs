//! What credentials and webhooks have in common: they belong to somebody, and texts say what they are.

use crate::{
    caller::Caller,
    workflow::{RoleForbids, Transition, table},
};

/// Of a description or a name.
pub(super) const MAX_TEXT_CHARS: usize = 200;

/// Nothing is given away but to a team of one's own, or by an operator.
pub(super) fn owner_or_caller(caller: &Caller, owner: String) -> Result<String, RoleForbids> {
    if owner.is_empty() || owner == caller.actor {
        return Ok(caller.actor.clone());
    }
    table::permit(caller.role_towards(&owner), Transition::DefineForOthers).map(|()| owner)
}

/// The text is not repeated: it may be a secret.
pub(super) fn line(text: &str, max_chars: usize) -> Result<String, String> {
    if text.chars().count() > max_chars {
        Err(format!("is longer than {max_chars} characters"))
    } else if text.chars().any(char::is_control) {
        Err("contains a control character".to_owned())
    } else {
        Ok(text.to_owned())
    }
}
