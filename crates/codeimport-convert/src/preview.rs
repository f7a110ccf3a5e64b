//! What a source has, told before anything is converted.

use std::{ops::RangeInclusive, time::Duration};

/// What a source has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Preview {
    /// Where its history stands.
    pub position: String,
    /// What would be taken for a branch: for Subversion a layout as it can be given back.
    pub layout: String,
    /// How sure it is that the layout is meant, in percent; none if it was not found out.
    pub layout_confidence: Option<u8>,
    /// Why this layout, in sentences.
    pub layout_reasons: Vec<String>,
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
    /// How long a first conversion takes, from at least to probably at most. Large texts and a slow network add to it.
    pub estimated: Option<RangeInclusive<Duration>>,
}
