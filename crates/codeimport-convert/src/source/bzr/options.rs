//! How a Bazaar branch is converted.

use serde::{Deserialize, Serialize};

/// Options of a Bazaar source. They decide the ids of commits, so they stay what they were at the first run.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BzrOptions {
    /// Whether commits end with what Git has no field for: further authors, bugs, and the revision's id in Bazaar.
    pub trailers: bool,
}
