//! What is new in the target, told from the cache: commits with everything that they say about themselves.
//!
//! Works on the cache, which holds the same objects as the target, so nothing is asked of any network. Memory grows with the
//! number of commits walked (their ids), not with what they contain.

mod commit;
mod decode;
mod difference;
mod signature;
mod walk;

pub use commit::ScannedCommit;
pub use signature::ScannedSignature;
pub use walk::{BATCH_LEN, ScannedRef, new_commits, peel_refs};
