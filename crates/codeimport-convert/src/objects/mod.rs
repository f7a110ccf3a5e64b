//! Writes Git objects: the one writer that all conversions feed.
//!
//! [`ObjectStore`] hashes on the caller's thread, because the caller needs the id at once to build trees, and leaves
//! compression and writing to a few others. Objects go into one pack per batch, at zlib's fastest level and without
//! deltas: measured, compression is where the time of every conversion goes, and a later repack makes small what was
//! made fast. What was written can be read back at once, also from the pack that is still being written.
//!
//! Memory does not grow with the repository: what was used lately is in a ring of one size (`recent`), and finished packs
//! are asked on the disk (`packs`), as is where in the unfinished one an object lies (`written`). That an object is nowhere is told
//! without looking (`filter`).
//!
//! Nothing is visible to other readers of the repository before [`ObjectStore::flush`].

mod commit;
mod filter;
mod index;
mod named_rows;
mod pack;
mod packs;
mod recent;
mod store;
mod written;

pub(crate) use commit::{encode_commit, encode_commit_of};
pub(crate) use store::{ObjectStore, StoreError};

use gix::ObjectId;
use gix::objs::Kind;
use sha1::{Digest as _, Sha1};

/// The id of an object: SHA-1 over `<kind> <length>\0<content>`.
#[must_use]
pub(crate) fn object_id(kind: Kind, content: &[u8]) -> ObjectId {
    let mut hasher = Sha1::new();
    hasher.update(kind.as_bytes());
    hasher.update(format!(" {}\0", content.len()));
    hasher.update(content);
    ObjectId::Sha1(hasher.finalize().into())
}
