//! The whole of a foreign repository at one revision, as Git trees that can be edited.
//!
//! A *shadow tree* holds everything below the root of the source: trunk, branches, tags, side by side, with what Git
//! cannot say kept in a form that it can store (see [`publish`](Publisher)). One root tree per source revision makes every
//! copy "from revision R" a look-up, every delta's base a blob, and every later run independent of the worker.
//!
//! - [`ShadowTree`]: edits cost in proportion to the paths touched; what was not touched is not even read.
//! - [`change_files`]: edits for sources that only have files.
//! - [`Publisher`]: the same subtree as Git users should see it.

mod dir;
mod entry;
mod files;
mod publish;
mod tree;

pub(crate) use entry::{Entry, EntryKind};
pub(crate) use files::change_files;
pub(crate) use publish::{Present, Publisher, Shown, is_link_target};
pub(crate) use tree::{Detached, ShadowError, ShadowTree};

/// Name of the entry in which a directory's own properties are kept. No source has such a name: Subversion refuses
/// control characters in paths.
pub(crate) const PROPS_ENTRY: &[u8] = b"\x01props";
