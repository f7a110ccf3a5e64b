//! The stories: what codeimport promises, through its real programs on loopback.
//!
//! Each test is named for the claim it shows. None waits for a clock: they wait for what a process does, hold it
//! at failpoints, or look again until it is so.

#![allow(clippy::needless_update, reason = "messages are completed, so that a field that is added breaks no story")]

mod bad_input;
mod bzr_import;
mod command_line;
mod convert;
mod cvs_import;
mod cvs_killed;
mod git_import;
mod grpc_surface;
mod hg_import;
mod hg_options;
mod hg_protected;
mod killed;
mod lease_loss;
mod lists;
mod outages;
mod owned_events;
mod queue_bad_input;
mod queue_migrations;
mod review;
mod soak;
#[path = "../../../crates/codeimport-convert/tests/it/sshd.rs"]
mod sshd;
mod support;
mod svn_import;
mod svn_options;
mod svn_protected;
mod terminal;
mod tls;
mod up;
