//! Refs as values: what a source has, and what a target should have.

use crate::Findings;
use gix::{ObjectId, bstr::BString};
use std::{collections::BTreeMap, fmt};

/// Full ref names with the objects they point to, in order of the names' bytes. An annotated tag's ref points to the tag.
pub type Refs = BTreeMap<BString, ObjectId>;

/// What a source has, once its objects are in the cache.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceState {
    /// The position in the source's history that this is.
    pub watermark: Watermark,
    /// The refs that the target should have, after the filter.
    pub refs: Refs,
    /// Commits that were published and that the source has no longer, by the names that keep them (`BACKUPS`). Such a ref is made,
    /// and never moved or deleted.
    pub backups: Refs,
    /// Full name of the default branch, if the source names one. It need not be among `refs`.
    pub default_branch: Option<BString>,
    /// Bytes received to get there.
    pub received_bytes: u64,
    /// What the source's next run needs to go on from here, to be kept in the target.
    pub carried: Option<Carried>,
    /// What could not be shown, or is odd.
    pub findings: Findings,
    /// Whether this is all there is. If not, the next run goes on.
    pub complete: bool,
}

/// What a source's next run needs, whichever worker it is on: objects in the cache, published with the state ref.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Carried {
    /// A tree that only the source's own module can read.
    pub tree: ObjectId,
    /// A commit that has to stay reachable although no ref of the import names it.
    pub kept: Option<ObjectId>,
}

/// A position in a source's history, as opaque text.
///
/// Equal watermarks of the same source with the same options mean: nothing new. For Git it is a digest of all refs,
/// for Subversion it would be the youngest revision.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Watermark(pub String);

impl fmt::Display for Watermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
