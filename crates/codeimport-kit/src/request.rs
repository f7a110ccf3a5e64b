//! What every handler may ask about its caller.

use tonic::Request;

/// The header in which a caller says who acts.
const ACTOR_HEADER: &str = "codeimport-actor";

/// Longest name of an actor that is kept, in characters.
const MAX_ACTOR_CHARS: usize = 200;

/// Who acts, by their own claim: "anonymous" if they do not say. Cut to 200 characters; control characters are
/// dropped, because the name ends up in tables that people read.
#[must_use]
pub fn actor<T>(request: &Request<T>) -> String {
    let claimed = request.metadata().get(ACTOR_HEADER).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let name: String =
        claimed.unwrap_or_default().trim().chars().filter(|c| !c.is_control()).take(MAX_ACTOR_CHARS).collect();
    if name.is_empty() { "anonymous".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_actor(value: &'static str) -> Request<()> {
        let mut request = Request::new(());
        request.metadata_mut().insert(ACTOR_HEADER, value.parse().expect("header value"));
        request
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
