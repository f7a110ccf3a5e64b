//! What happens to an import now, and what a person could do about it, as one sentence. Pure.

use crate::import::Import;
use codeimport_core::ReviewStatus;
use codeimport_proto::queue::{ExplainScheduleResponse, JobState};

/// What the queue says of an import's job.
#[derive(Clone, PartialEq, Debug)]
pub enum JobWord {
    /// It has a job, and explains it.
    Job(Box<ExplainScheduleResponse>),
    /// It has not heard of it yet.
    Unknown,
    /// It cannot be asked now.
    Silent,
}

/// The sentence.
#[must_use]
pub fn what_now(import: &Import, word: &JobWord) -> String {
    let intent = &import.intent;
    match intent.status {
        ReviewStatus::New => "It waits for an operator to approve it.".to_owned(),
        ReviewStatus::Suspended => "It is paused until an operator approves it again.".to_owned(),
        ReviewStatus::Invalid => "It was rejected and will not be run.".to_owned(),
        ReviewStatus::Failing => {
            format!("It was given up: {} Mend the cause, then try it again.", intent.review_reason)
        }
        ReviewStatus::Reviewed => running_words(word),
    }
}

fn running_words(word: &JobWord) -> String {
    match word {
        JobWord::Silent => "It runs when it is due; the queue, which knows when, cannot be asked now.".to_owned(),
        JobWord::Unknown => "It is about to be scheduled.".to_owned(),
        JobWord::Job(explained) => match (explained.job.as_ref().map(|job| job.state()), &explained.explanation) {
            (Some(JobState::Waiting | JobState::Running), Some(explanation)) => explanation.sentence.clone(),
            // The registry follows the queue with a delay of moments.
            _ => "Its schedule is being changed.".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::tests::import;

    #[test]
    fn every_status_has_words_of_its_own() {
        let words: std::collections::BTreeSet<_> =
            ReviewStatus::ALL.iter().map(|status| what_now(&import(*status), &JobWord::Unknown)).collect();
        assert_eq!(words.len(), ReviewStatus::ALL.len());
    }

    #[test]
    fn a_queue_that_is_away_is_told() {
        assert!(what_now(&import(ReviewStatus::Reviewed), &JobWord::Silent).contains("cannot be asked"));
    }
}
