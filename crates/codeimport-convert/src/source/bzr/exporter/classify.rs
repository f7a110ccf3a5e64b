//! What Bazaar says is wrong -> outcome and a sentence. Pure.

use crate::ConvertError;
use crate::source::bzr::stream::Failure;
use codeimport_core::{Outcome, SourceUrl, Stage};

/// What a failure means for a source.
pub(super) fn classify(url: &SourceUrl, stage: Stage, failure: &Failure) -> ConvertError {
    let (outcome, text) = match failure.meaning.as_str() {
        "missing" => (Outcome::Invalid, format!("There is no Bazaar branch at {url}.")),
        "elsewhere" => {
            let text = "refers to another place, where nobody has approved to import from: give that address.";
            (Outcome::Invalid, format!("{url} {text} {}.", sentence(&failure.text)))
        }
        "format" => (
            Outcome::UnsupportedFeature,
            format!("{url} has a format that brz cannot read: {}.", sentence(&failure.text)),
        ),
        "refused" => (Outcome::Authentication, format!("{} refuses to let {url} be read.", url.host())),
        "unreachable" => (Outcome::Unavailable, format!("{url} cannot be read just now: {}.", sentence(&failure.text))),
        "disk" => (Outcome::Failure, format!("The worker's disk: {}.", sentence(&failure.text))),
        _ => (Outcome::RemoteBroken, format!("{url} cannot be read as it is: {}.", sentence(&failure.text))),
    };
    ConvertError::new(outcome, stage, text).caused_by(format!("{}: {}", failure.kind, failure.text))
}

/// The first line, without its full stop.
fn sentence(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default().trim_end_matches(['.', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_core::RcsType;

    #[test]
    fn each_meaning_has_the_outcome_that_says_whose_trouble_it_is() {
        let url = SourceUrl::parse(RcsType::Bazaar, "bzr://host/x").expect("valid");
        let cases = [
            ("missing", Outcome::Invalid),
            ("elsewhere", Outcome::Invalid),
            ("format", Outcome::UnsupportedFeature),
            ("refused", Outcome::Authentication),
            ("unreachable", Outcome::Unavailable),
            ("disk", Outcome::Failure),
            ("broken", Outcome::RemoteBroken),
            ("", Outcome::RemoteBroken),
        ];
        for (meaning, outcome) in cases {
            let failure =
                Failure { meaning: meaning.to_owned(), kind: "Error".to_owned(), text: "said.\nmore".to_owned() };
            let error = classify(&url, Stage::Fetch, &failure);
            assert_eq!(error.outcome, outcome, "{meaning}");
            assert!(error.message.ends_with('.') && !error.message.contains(".."), "{}", error.message);
        }
    }
}
