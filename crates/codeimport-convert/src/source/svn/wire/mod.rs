//! How a Subversion repository is asked: each question goes the quickest way that the address has, else to Subversion's
//! own programs.
//!
//! ```text
//!   client    which way a question goes; svn and svnrdump, run without anybody's configuration
//!   ra_svn    svn:// without a program: info, log, and history as records
//!   dav       http(s):// without a program: info, and log
//!   dump      what svnrdump prints, as records
//!   tunnel    svn+ssh:// for the programs; classify: what they say, as outcomes
//!   log       the log in pieces
//! ```

mod classify;
mod client;
mod dav;
mod dump;
mod info;
mod log;
mod ra_svn;
mod tunnel;

pub(super) use classify::classify;
pub(super) use client::{Client, LONG};
pub(super) use dump::DumpReader;
pub(super) use info::Info;
pub(super) use log::LogQuestion;
#[cfg(test)]
pub(super) use log::parse as parse_log;
pub(super) use ra_svn::Replay;
#[cfg(fuzzing)]
pub(super) use ra_svn::follow_bytes;
