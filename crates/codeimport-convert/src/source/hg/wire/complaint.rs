//! What `hg` and `ssh` say on standard error, and hgweb instead of an answer, as outcomes. Pure.

use crate::ConvertError;
use crate::source::ssh::complaint;
use codeimport_core::{Outcome, SourceUrl, Stage};

/// Mercurial's sentences with what they mean; the first that occurs decides. Ours start it in English.
const SENTENCES: [(&[&str], Outcome, &str); 4] = [
    (
        &["uses the largefiles extension", "unknown to this Mercurial: largefiles"],
        Outcome::UnsupportedFeature,
        "keeps files outside of the repository (largefiles)",
    ),
    (
        &["features unknown to this Mercurial"],
        Outcome::UnsupportedFeature,
        "needs something that the Mercurial of this machine does not have",
    ),
    (&["not found", "no such file"], Outcome::Invalid, "has no Mercurial repository there"),
    (&["abort: "], Outcome::RemoteBroken, "cannot be read by Mercurial itself"),
];

/// The failure that a message tells of; none for a message that tells of none.
pub(super) fn classify(url: &SourceUrl, stage: Stage, stderr: &str) -> Option<ConvertError> {
    let known = SENTENCES.iter().find(|(sentences, ..)| sentences.iter().any(|sentence| stderr.contains(sentence)));
    let (outcome, words) = complaint(stderr).or_else(|| known.map(|(_, outcome, words)| (*outcome, *words)))?;
    let text = format!("The Mercurial source {url} {words}.");
    Some(ConvertError::new(outcome, stage, text).caused_by(stderr.to_owned()))
}

/// The failure that a server tells of where an answer should be.
pub(super) fn refusal(url: &SourceUrl, stage: Stage, said: &str) -> ConvertError {
    classify(url, stage, said).unwrap_or_else(|| {
        let text = format!("The Mercurial server of {url} refuses to answer: {}.", said.trim().trim_end_matches('.'));
        ConvertError::new(Outcome::RemoteBroken, stage, text)
    })
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
            ("\nThis repository uses the largefiles extension.\n", Some(Outcome::UnsupportedFeature)),
            ("abort: repository requires features unknown to this Mercurial: lfs", Some(Outcome::UnsupportedFeature)),
            ("not trusting file /r/.hg/hgrc", None),
        ];
        for (stderr, outcome) in cases {
            assert_eq!(classify(&url, Stage::Probe, stderr).map(|error| error.outcome), outcome, "{stderr}");
        }
    }
}
