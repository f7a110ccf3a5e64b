//! What a source has, told before anything is converted.

use std::time::Duration;

/// What a source has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Preview {
    /// Where its history stands.
    pub position: String,
    /// What would be taken for a branch, in words.
    pub layout: String,
    /// How many of a hundred changes lie in what the layout takes for branches and tags; none if there is no choice.
    pub layout_confidence: Option<u8>,
    /// Branches there are now.
    pub branches: Vec<String>,
    /// Tags there are now.
    pub tags: Vec<String>,
    /// Revisions in all; none if only the history itself could tell.
    pub revision_count: Option<u64>,
    /// Account and number of its revisions, busiest first.
    pub authors: Vec<(String, u64)>,
    /// What may surprise.
    pub odd: Vec<String>,
    /// How long a first conversion takes, roughly.
    pub estimated: Option<Duration>,
}
