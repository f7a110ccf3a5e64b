//! Reads a Subversion dump stream of version 2 or 3, as `svnrdump` and `svnadmin dump` write it (Subversion's
//! `notes/dump-load-format.txt`).
//!
//! ```text
//! headers, empty line, properties, text, empty line       of a revision, then of each node it touches
//! ```
//!
//! Only the form is read here: nothing is applied, no text is held longer than its record. The stream comes from a
//! server, so lengths are bounded before memory is given to them.

mod headers;
mod reader;

pub(crate) use reader::DumpReader;
