//! What `hg` and `ssh` say on standard error, as outcomes. Pure.

use crate::ConvertError;
use codeimport_core::{Outcome, SourceUrl, Stage};

/// Sentences with what they mean; the first that occurs decides. Ours start both programs in English.
const SENTENCES: [(&[&str], Outcome, &str); 7] = [
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
    (&["not found", "no such file"], Outcome::Invalid, "has no Mercurial repository there"),
    (&["abort: "], Outcome::RemoteBroken, "cannot be read by Mercurial itself"),
];

/// The failure that a message tells of; none for a message that tells of none.
pub(super) fn classify(url: &SourceUrl, stage: Stage, stderr: &str) -> Option<ConvertError> {
    let (_, outcome, words) =
        SENTENCES.iter().find(|(sentences, ..)| sentences.iter().any(|sentence| stderr.contains(sentence)))?;
    let text = format!("The Mercurial source {url} {words}.");
    Some(ConvertError::new(*outcome, stage, text).caused_by(stderr.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_core::RcsType;

    #[test]
    fn each_sentence_has_its_outcome() {
        let url = SourceUrl::parse(RcsType::Mercurial, "https://host/r").expect("valid");
        let cases = [
            ("remote: ada@host: Permission denied (publickey).", Some(Outcome::Authentication)),
            ("abort: repository /r not found!", Some(Outcome::Invalid)),
            ("abort: data/f.i@123: no match found", Some(Outcome::RemoteBroken)),
            ("not trusting file /r/.hg/hgrc", None),
        ];
        for (stderr, outcome) in cases {
            assert_eq!(classify(&url, Stage::Probe, stderr).map(|error| error.outcome), outcome, "{stderr}");
        }
    }
}
