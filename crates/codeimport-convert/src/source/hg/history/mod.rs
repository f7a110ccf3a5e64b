//! What was converted: node -> Git object, for changesets, manifests and files, and what deltas on them need.
//!
//! ```text
//!   log         records that are only ever added, in pieces that never change once full
//!   changesets  node, commit, parents, text
//!   files       node, blob, what stood before the content
//!   manifests   node, tree, delta
//!   stored      all of them as a Git tree, for the next run
//! ```

mod changesets;
mod files;
mod log;
mod manifests;
mod stored;

pub(super) use changesets::{Changesets, KnownChangeset};
pub(super) use files::{Files, KnownFile};
pub(super) use manifests::Manifests;
pub(super) use stored::{Decisions, HgState};

/// All of it.
#[derive(Default)]
pub(super) struct History {
    pub(super) changesets: Changesets,
    pub(super) files: Files,
    pub(super) manifests: Manifests,
}
