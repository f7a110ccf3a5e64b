//! The Git repository that is written: any that may be pushed to.
//!
//! ```text
//!   read      what does the target have?
//!   state     what did the last run leave there, and under which lease?
//!   claim     a new holder's first word, after a reclaim
//!   plan      wanted refs - present refs = updates, in an order that Git accepts      (pure)
//!   publish   plan -> atomic pushes, compare-and-swap on everything
//!   push      one push, as a command and its answer; transaction: the same where cache and target are one
//!   refusal   what git says -> outcome and sentence                                          (pure)
//!   local     a repository on the worker's own disk: creation, refs, HEAD
//! ```
//!
//! Within the filter the target belongs to the import: refs that the source does not have are deleted. Refs that the
//! filter does not take, other than the state ref and backups of what a source has lost, are never touched.

mod claim;
mod local;
mod plan;
mod publish;
mod push;
mod read;
mod refusal;
mod state;
mod transaction;

pub use publish::{PublishError, Published};
pub use read::TargetSnapshot;
pub use state::{BACKUPS, Holder, ImportState, STATE_REF};
pub(crate) use transaction::remove_abandoned_locks;

use codeimport_core::TargetUrl;

/// A target, by its address.
#[derive(Clone, Debug)]
pub struct Target {
    url: TargetUrl,
}

impl Target {
    /// The target at an address. Nothing is asked of it yet.
    #[must_use]
    pub fn new(url: TargetUrl) -> Self {
        Self { url }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &TargetUrl {
        &self.url
    }
}
