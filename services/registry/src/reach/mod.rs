//! What refs lead to, as spans of commit numbers. Pure.
//!
//! Commits of a history are numbered as they were told, oldest first. What a ref leads to is then nearly everything below its
//! tip, so that a few spans say it; and a page of a list is cut out of them without walking the history.
//!
//! - [`Spans`] is such a set, and how it is written into the database.
//! - [`sweep`] finds out which commits each tip leads to.

mod spans;
pub mod sweep;

pub use spans::{Span, Spans, Window};
