//! What every handler may ask about its caller.

use std::collections::BTreeSet;
use tonic::Request;

/// The header in which a caller says who acts.
const ACTOR_HEADER: &str = "codeimport-actor";

/// The header in which a caller says what they are: names, separated by commas.
const ROLES_HEADER: &str = "codeimport-roles";

/// Most roles of one caller that are read.
const MAX_ROLES: usize = 100;

/// Longest name of an actor that is kept, in characters.
const MAX_ACTOR_CHARS: usize = 200;

/// Who acts, by their own claim: "anonymous" if they do not say. Cut to 200 characters; control characters are
/// dropped, because the name ends up in tables that people read.
#[must_use]
pub fn actor<T>(request: &Request<T>) -> String {
    let claimed = request.metadata().get(ACTOR_HEADER).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let name = short_name(&claimed.unwrap_or_default());
    if name.is_empty() { "anonymous".to_owned() } else { name }
}

/// What the caller is, by their own claim: the names of roles and teams. Cut as the actor is.
#[must_use]
pub fn roles<T>(request: &Request<T>) -> BTreeSet<String> {
    let claimed = request.metadata().get(ROLES_HEADER).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let names: BTreeSet<_> = claimed.unwrap_or_default().split(',').take(MAX_ROLES).map(short_name).collect();
    names.into_iter().filter(|name| !name.is_empty()).collect()
}

fn short_name(claimed: &str) -> String {
    claimed.trim().chars().filter(|c| !c.is_control()).take(MAX_ACTOR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_actor(value: &'static str) -> Request<()> {
        with(ACTOR_HEADER, value)
    }

    fn with(header: &'static str, value: &'static str) -> Request<()> {
        let mut request = Request::new(());
        request.metadata_mut().insert(header, value.parse().expect("header value"));
        request
    }

    #[test]
    fn roles_are_names_between_commas() {
        let names = roles(&with(ROLES_HEADER, " operator, kernel team,,"));
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["kernel team", "operator"]);
        assert!(roles(&Request::new(())).is_empty());
    }

    #[test]
    fn who_does_not_say_is_anonymous() {
        assert_eq!(actor(&Request::new(())), "anonymous");
        assert_eq!(actor(&with_actor("  ")), "anonymous");
    }

    #[test]
    fn a_long_name_is_cut() {
        let long: &'static str = "x".repeat(500).leak();
        assert_eq!(actor(&with_actor("robin")), "robin");
        assert_eq!(actor(&with_actor(long)).len(), MAX_ACTOR_CHARS);
    }
}
