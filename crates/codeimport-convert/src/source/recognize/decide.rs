//! All answers -> one system, or what to tell a person. Pure.

use crate::ConvertError;
use codeimport_core::{Outcome, RcsType, Stage};
use std::collections::BTreeMap;

/// What a server said to a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// What this system says.
    Known,
    /// A status that is no success.
    Status(u16),
    /// Anything else, in a few words.
    Other(String),
}

impl Answer {
    fn words(&self) -> String {
        match self {
            Self::Known => "yes".to_owned(),
            Self::Status(status) => format!("HTTP {status}"),
            Self::Other(words) => words.clone(),
        }
    }
}

/// Decides.
///
/// # Errors
///
/// A sentence with all answers: none is that of a system, or those of several are.
pub(super) fn decide(url: &str, answers: &[(RcsType, Answer)]) -> Result<RcsType, ConvertError> {
    let known: BTreeMap<&str, RcsType> =
        answers.iter().filter(|(_, answer)| *answer == Answer::Known).map(|(rcs, _)| (rcs.name(), *rcs)).collect();
    match known.values().collect::<Vec<_>>()[..] {
        [rcs] => Ok(*rcs),
        [] => Err(unknown(url, answers)),
        [..] => {
            let names = known.keys().copied().collect::<Vec<_>>().join(" and as ");
            let text = format!("{url} answers as {names}: say with --rcs which one is meant.");
            Err(ConvertError::new(Outcome::Invalid, Stage::Probe, text))
        }
    }
}

fn unknown(url: &str, answers: &[(RcsType, Answer)]) -> ConvertError {
    let is_all = |wanted: &[u16]| {
        let is_one = |answer: &Answer| matches!(answer, Answer::Status(status) if wanted.contains(status));
        !answers.is_empty() && answers.iter().all(|(_, answer)| is_one(answer))
    };
    let outcome = match () {
        () if is_all(&[429]) => Outcome::Throttled,
        () if is_all(&[401, 403]) => Outcome::Authentication,
        () if is_all(&[500, 502, 503, 504]) => Outcome::Unavailable,
        () => Outcome::Invalid,
    };
    let told: Vec<_> = answers.iter().map(|(rcs, answer)| format!("{rcs}: {}", answer.words())).collect();
    let text = format!(
        "{url} answers as none of the systems that are imported from ({}). Check the address, or say with --rcs what it is.",
        told.join("; ")
    );
    ConvertError::new(outcome, Stage::Probe, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(statuses: [u16; 5]) -> Vec<(RcsType, Answer)> {
        let of = [RcsType::Git, RcsType::Subversion, RcsType::Mercurial, RcsType::Bazaar, RcsType::Bazaar];
        of.into_iter().zip(statuses.map(Answer::Status)).collect()
    }

    #[test]
    fn one_system_is_it_whatever_the_others_are_answered() {
        for place in 0..5 {
            let mut answers = statuses([404, 405, 200, 404, 500]);
            answers[place].1 = Answer::Known;
            assert_eq!(decide("http://h/r", &answers).expect("one"), answers[place].0);
        }
        let mut both = statuses([404; 5]);
        (both[3].1, both[4].1) = (Answer::Known, Answer::Known);
        assert_eq!(decide("http://h/r", &both).expect("one by both its ways"), RcsType::Bazaar);
    }

    #[test]
    fn several_are_told_by_their_names() {
        let mut answers = statuses([404; 5]);
        (answers[0].1, answers[1].1) = (Answer::Known, Answer::Known);
        let error = decide("http://h/r", &answers).expect_err("two");
        assert_eq!(error.outcome, Outcome::Invalid);
        assert!(error.message.contains("git and as svn"), "{}", error.message);
    }

    #[test]
    fn of_none_every_answer_is_told_and_whose_trouble_it_is() {
        let cases = [
            ([404, 405, 404, 404, 404], Outcome::Invalid),
            ([401, 401, 401, 401, 401], Outcome::Authentication),
            ([429; 5], Outcome::Throttled),
            ([503, 502, 503, 500, 503], Outcome::Unavailable),
            ([503, 502, 503, 404, 503], Outcome::Invalid),
        ];
        for (told, outcome) in cases {
            let error = decide("http://h/r", &statuses(told)).expect_err("none");
            assert_eq!(error.outcome, outcome, "{told:?}");
            assert!(error.message.contains(&format!("svn: HTTP {}", told[1])), "{}", error.message);
        }
    }
}
