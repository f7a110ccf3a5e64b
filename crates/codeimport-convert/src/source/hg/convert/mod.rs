//! What a server sends -> Git objects.
//!
//! ```text
//!   receive  a changegroup: texts worked out and checked, files stored
//!   trees    manifests -> trees, by what changed
//!   commits  changesets -> commits
//!   who      users and dates as Git writes them      pure
//! ```

mod commits;
mod receive;
mod trees;
mod who;

pub(super) use commits::commit_all;
pub(super) use receive::{Received, receive};
pub(super) use trees::build_trees;
