//! How a Subversion repository is asked: each question goes the quickest way that the address has, else to Subversion's
//! own programs.
//!
//! ```text
//!   client    which way a question goes; svn and svnrdump, run without anybody's configuration
//!   ra_svn    svn:// without a program: info, log, and history as records
//!   dav       http(s):// without a program: the same
//!   editor    what a server says while it replays a revision, as records; normal: the one form of properties
//!   dump      what svnrdump prints, as records
//!   tunnel    svn+ssh:// for the programs; classify: what they say, as outcomes
//!   log       the log in pieces
//! ```

mod classify;
mod client;
mod dav;
mod dump;
mod editor;
mod info;
mod log;
mod normal;
mod ra_svn;
mod tunnel;

pub(super) use classify::classify;
pub(super) use client::{Client, LONG};
pub(super) use dump::DumpReader;
pub(super) use info::Info;
pub(super) use log::LogQuestion;
#[cfg(test)]
pub(super) use log::parse as parse_log;
#[cfg(fuzzing)]
pub(super) use {dav::follow_bytes as follow_report, ra_svn::follow_bytes as follow_replay};
