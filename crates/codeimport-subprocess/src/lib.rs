//! The only place of codeimport that starts another program.
//!
//! A program started here cannot surprise: its environment is pinned ([`Command`] says to what), its standard
//! input is closed unless something is given, it ends after a time-out, its output is bounded, and when it ends,
//! for whatever reason, its whole process group ends with it. What it writes to standard error is kept as a
//! bounded tail with credentials taken out.
//!
//! - [`Command::run`] runs a program to its end. A non-zero exit is an [`Output`], not an error.
//! - [`Command::stream`] gives the output of a program to read while it runs; [`Command::converse`] also takes words.
//! - [`Command::start`] starts a companion that lives as long as its [`Daemon`] handle, such as a database.
//!
//! Everything here blocks: call it from `spawn_blocking` or from a thread of its own. What it does *not* do: hold
//! back a program that leaves its process group on purpose (`setsid`), limit memory, or hide argv. So never put a
//! credential into an argument.

mod cancel;
mod command;
mod daemon;
mod drain;
mod environment;
mod error;
mod group;
mod launch;
mod run;
mod stream;
mod user;

pub use cancel::Cancel;
pub use command::{Command, DEFAULT_STDOUT_LIMIT, DEFAULT_TIMEOUT};
pub use daemon::Daemon;
pub use error::SubprocessError;
pub use run::Output;
pub use rustix::process::Signal;
pub use stream::Stream;
pub use user::{User, current_user_is_root};
