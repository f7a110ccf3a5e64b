//! The conversion engine: from a foreign repository to Git.
//!
//! A library of its own: no RPC, no database, no async. Everything blocks; a service calls it from
//! `spawn_blocking`. The caller drives the stages, one call each, so that it can prove between them that it still
//! may go on:
//!
//! ```text
//!   Source::probe ----> Watermark          is there anything new?
//!   Target::read  ----> TargetSnapshot     what does the target have, and who wrote it?
//!   Source::fetch ----> SourceState        all objects are in the Cache now
//!   Target::publish --> Published          one atomic push, compare-and-swap, with the state ref
//!   scan::new_commits -> ScannedCommit     what is new, for whoever wants to know
//! ```
//!
//! What must outlive a run is in the target itself ([`ImportState`]). The [`Cache`] makes a run faster, never more
//! right: it may vanish between any two calls' runs.

mod cache;
mod digest;
mod error;
mod findings;
#[cfg(fuzzing)]
pub mod fuzzing;
mod git;
mod line_ends;
mod local;
mod map;
mod merge;
mod objects;
mod preview;
mod recall;
mod refs;
mod rows;
pub mod scan;
mod scratch;
mod shadow;
mod source;
mod target;
mod verify;
mod watch;

pub use cache::Cache;
pub use codeimport_subprocess::Cancel;
pub use digest::{options_digest, refs_digest};
pub use error::ConvertError;
pub use findings::{Finding, FindingKind, Findings};
pub use gix::{ObjectId, bstr::BString};
pub use local::{LocalRun, LocalTarget};
pub use map::{CommitMap, MapEntry, read_map};
pub use preview::Preview;
pub use refs::{Carried, Refs, SourceState, Watermark};
pub use source::{
    BzrOptions, CvsOptions, HgOptions, InvalidSshPath, Login, Recognized, Source, SourceOptions, Ssh, SvnOptions,
    open_source, rcs_of_address, recognize, supported_types, tool_versions,
};
pub use target::{BACKUPS, Holder, ImportState, PublishError, Published, STATE_REF, Target, TargetSnapshot};
pub use verify::{Difference, Mismatch, Scope, Verdict, Verification, verify};
pub use watch::{Observer, Progress, Watch};

/// Version of this converter, as recorded in the target. An upgrade never rewrites published refs by itself.
pub const CONVERTER_VERSION: &str = env!("CARGO_PKG_VERSION");
