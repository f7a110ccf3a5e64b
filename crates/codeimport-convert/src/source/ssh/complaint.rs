//! What `ssh` says on standard error, as outcomes. Pure.
//!
//! It has sentences only, which it does not translate, and which have been the same for two decades.

use codeimport_core::Outcome;

/// Sentences with what they mean; the first that occurs decides.
const SENTENCES: [(&[&str], Outcome, &str); 5] = [
    (
        &["HOST IDENTIFICATION HAS CHANGED"],
        Outcome::Forbidden,
        "shows another host key than the known one: find out why, and correct the known hosts",
    ),
    (
        &["Host key verification failed"],
        Outcome::Forbidden,
        "is on a host whose key is not known: check the key, and add it to the known hosts",
    ),
    (&["Permission denied ("], Outcome::Authentication, "does not let the SSH key in"),
    (&["Could not resolve hostname"], Outcome::Unavailable, "is on a host whose name nobody knows"),
    (
        &["Connection refused", "Connection timed out", "Connection closed", "Connection reset", "No route to host"],
        Outcome::Unavailable,
        "cannot be reached, or broke the connection",
    ),
];

/// The failure that a message tells of, as an outcome and the end of a sentence that begins with the source; none for a
/// message that tells of none.
pub(in crate::source) fn complaint(stderr: &str) -> Option<(Outcome, &'static str)> {
    let occurs = |(sentences, ..): &&(&[&str], Outcome, &str)| sentences.iter().any(|words| stderr.contains(words));
    SENTENCES.iter().find(occurs).map(|(_, outcome, words)| (*outcome, *words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sentence_has_its_outcome() {
        let cases = [
            ("ada@host: Permission denied (publickey).", Some(Outcome::Authentication)),
            ("No ED25519 host key is known\nHost key verification failed.", Some(Outcome::Forbidden)),
            ("ssh: connect to host h port 22: Connection refused", Some(Outcome::Unavailable)),
            ("Welcome", None),
        ];
        for (stderr, outcome) in cases {
            assert_eq!(complaint(stderr).map(|(outcome, _)| outcome), outcome, "{stderr}");
        }
    }
}
