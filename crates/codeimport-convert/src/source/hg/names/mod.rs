//! Refs for what Mercurial names: branches, their further heads, bookmarks, tags. Pure.

mod refs;
mod tags;

pub(super) use refs::{Branch, DEFAULT_BRANCH, Named, escape, refs};
pub(super) use tags::{Tags, read_tags};
