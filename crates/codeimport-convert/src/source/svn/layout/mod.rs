//! Which paths are branches and tags. Pure.
//!
//! ```text
//!   places    which branch a path belongs to, and its ref's name; ref_part: what of a path a ref cannot have
//!   survey    a log, added up; detect: the layout that it suggests
//! ```

mod detect;
mod places;
mod ref_part;
mod survey;

pub(super) use detect::{Detected, detect};
pub(super) use places::Places;
pub(in crate::source) use ref_part::escape;
pub(super) use survey::Survey;
