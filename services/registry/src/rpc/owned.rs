//! What credentials and webhooks have in common: they belong to somebody, and texts say what they are.

use super::{Page, PageBounds, convert};
use crate::{
    caller::Caller,
    error::RegistryError,
    owned::{Deed, Kind, OwnedEvent},
    store::Store,
    workflow::{RoleForbids, Transition, table},
};
use codeimport_kit::Violations;
use codeimport_proto::{convert::timestamp_to_wire, registry as wire};

const PAGE: PageBounds = PageBounds { default: 50, max: 500 };

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

/// Which page of the records is wanted, and of what; empty: of all.
pub(super) struct Wanted<'a> {
    pub(super) of: &'a str,
    pub(super) size: i32,
    pub(super) token: &'a str,
}

/// A page of what was done to things that the caller may use, newest first, and the token of the next one.
pub(super) async fn events(
    store: &Store,
    kind: Kind,
    caller: &Caller,
    wanted: Wanted<'_>,
) -> Result<(Vec<wire::OwnedEvent>, String), RegistryError> {
    let (owners, of) = (caller.acts_for(), super::storable(wanted.of));
    let bound_to = format!("events of {} {of:?} {owners:?}", kind.name());
    let mut violations = Violations::new();
    let page = Page::read(wanted.size, wanted.token, PAGE, &bound_to, &mut violations);
    let page = violations.finish_with(page)?;
    let before = page.position.as_deref().and_then(|id| id.parse().ok()).unwrap_or(i64::MAX);
    let mut events = store.list_owned_events(kind, &of, owners.as_deref(), before, page.limit()).await?;
    let next_page_token = page.cut(&mut events, &bound_to, |event| event.event_id.to_string());
    Ok((events.into_iter().map(shown).collect(), next_page_token))
}

fn shown(stored: OwnedEvent) -> wire::OwnedEvent {
    let event = stored.event;
    let deed = match event.deed {
        Deed::Created => wire::OwnedEventType::Created,
        Deed::Updated => wire::OwnedEventType::Updated,
        Deed::Rotated => wire::OwnedEventType::Rotated,
        Deed::Deleted => wire::OwnedEventType::Deleted,
    };
    wire::OwnedEvent {
        event_id: stored.event_id,
        owned_id: event.owned_id,
        r#type: deed.into(),
        actor: event.actor,
        time: Some(timestamp_to_wire(stored.occurred_at)),
        changes: event.changes.into_iter().map(convert::field_change).collect(),
    }
}
