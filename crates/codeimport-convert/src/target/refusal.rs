//! A target that says no, in words of git: outcome and a sentence. Pure.
//!
//! git tells what happened in English sentences that have been the same for two decades (the environment pins the
//! language). Where none of them is known, the words themselves are shown.

use super::Target;
use crate::ConvertError;
use codeimport_core::{Outcome, Stage};

/// What git says, what it means, and what a person is told; the target's address stands in between.
struct Rule {
    says: &'static [&'static str],
    outcome: Outcome,
    before: &'static str,
    after: &'static str,
}

/// Looked through in this order: the first that matches counts.
const RULES: [Rule; 6] = [
    Rule {
        says: &["could not read Username", "Authentication failed", "terminal prompts disabled"],
        outcome: Outcome::Authentication,
        before: "The target",
        after: "asks for a user name",
    },
    Rule {
        says: &["hook declined", "denyNonFastForwards", "deletion prohibited", "protected branch"],
        outcome: Outcome::Forbidden,
        before: "The target",
        after: "refuses these changes by a rule of its own",
    },
    Rule {
        says: &["does not support --atomic"],
        outcome: Outcome::UnsupportedFeature,
        before: "The target",
        after: "cannot take an atomic push",
    },
    Rule {
        says: &["not found", "does not appear to be a git repository", "not a git repository", "no such repository"],
        outcome: Outcome::Invalid,
        before: "There is no repository at the target",
        after: "",
    },
    Rule {
        says: &["denied", "not exported", "returned error: 403", "service not enabled"],
        outcome: Outcome::Forbidden,
        before: "The target",
        after: "does not let itself be read and written",
    },
    Rule {
        says: &[
            "unable to connect",
            "unable to look up",
            "unable to access",
            "Could not resolve",
            "Connection refused",
            "Connection reset",
            "Failed to connect",
            "timed out",
            "hung up",
            "early EOF",
        ],
        outcome: Outcome::Unavailable,
        before: "The target",
        after: "cannot be reached",
    },
];

/// Longest quotation of a target's own words, in characters.
const MAX_QUOTE_LEN: usize = 300;

impl Target {
    /// Explains what git said about this target.
    pub(super) fn refusal(&self, words: &str) -> ConvertError {
        let rule = RULES.iter().find(|rule| rule.says.iter().any(|said| words.contains(said)));
        let (outcome, before, after) = rule
            .map_or((Outcome::Failure, "The target", "refuses in a way that codeimport does not know"), |rule| {
                (rule.outcome, rule.before, rule.after)
            });
        let text = format!("{} ({}).", [before, self.url.as_str(), after].join(" ").trim_end(), quote(words));
        ConvertError::new(outcome, Stage::Publish, text).caused_by(words.to_owned())
    }
}

/// The line that says most: the first that a ref was refused with, or else the first fatal one.
fn quote(words: &str) -> String {
    let telling = |line: &&str| ["! ", "fatal:", "error:"].iter().any(|mark| line.contains(mark));
    let line = words.lines().find(telling).or_else(|| words.lines().next()).unwrap_or("without a word");
    let quoted: String = line.trim().trim_end_matches('.').chars().take(MAX_QUOTE_LEN).collect();
    if quoted.is_empty() { "without a word".to_owned() } else { quoted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_core::TargetUrl;

    fn refusal(words: &str) -> (Outcome, String) {
        let target = Target::new(TargetUrl::parse("https://host/x.git").expect("valid"));
        let error = target.refusal(words);
        (error.outcome, error.message)
    }

    #[test]
    fn each_refusal_has_its_own_outcome() {
        let cases = [
            ("fatal: could not read Username for 'https://host'", Outcome::Authentication),
            ("! x:refs/heads/a [remote rejected] (pre-receive hook declined)", Outcome::Forbidden),
            ("fatal: the receiving end does not support --atomic push", Outcome::UnsupportedFeature),
            ("fatal: repository 'https://host/x.git/' not found", Outcome::Invalid),
            ("fatal: remote error: access denied or repository not exported: /x.git", Outcome::Forbidden),
            ("fatal: unable to connect to host:\nhost[0: 127.0.0.1]: errno=Connection refused", Outcome::Unavailable),
            ("something new", Outcome::Failure),
            ("", Outcome::Failure),
        ];
        for (words, outcome) in cases {
            assert_eq!(refusal(words).0, outcome, "{words}");
        }
    }

    #[test]
    fn the_targets_own_words_are_told_without_credentials() {
        let (_, message) = refusal("hint: many words\nfatal: unable to access 'https://me:secret@host/x.git/': gone\n");
        assert!(message.contains("'https://***@host/x.git/': gone"), "{message}");
        assert!(!message.contains("hint"), "{message}");
    }
}
