//! What to run, and within which bounds.

use crate::{Cancel, Daemon, Output, Signal, Stream, SubprocessError, User, launch, run};
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

/// Time-out of a command that names none. Whoever moves a lot of data knows better and says so.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// Limit of standard output of a command that names none: 64 MiB.
pub const DEFAULT_STDOUT_LIMIT: usize = 64 << 20;

/// How long a program has to clean up between SIGTERM and SIGKILL, unless it is told otherwise.
const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// A program to run, with its bounds.
///
/// The environment is cleared, then set to: the parent's `PATH`, `HOME=/nonexistent`, `LC_ALL=C.UTF-8`, `TZ=UTC`, and
/// Git without system and global configuration and without prompts.
#[derive(Clone, Debug)]
pub struct Command {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) stdin: Option<Vec<u8>>,
    pub(crate) timeout: Duration,
    pub(crate) grace: Duration,
    pub(crate) stdout_limit: usize,
    pub(crate) cancel: Cancel,
    pub(crate) user: Option<User>,
    pub(crate) end_signal: Signal,
    pub(crate) orphan_signal: Signal,
}

impl Command {
    /// A command for a program: a path, or a name that is looked up in `PATH`.
    #[must_use]
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: None,
            stdin: None,
            timeout: DEFAULT_TIMEOUT,
            grace: DEFAULT_GRACE,
            stdout_limit: DEFAULT_STDOUT_LIMIT,
            cancel: Cancel::new(),
            user: None,
            end_signal: Signal::TERM,
            orphan_signal: Signal::KILL,
        }
    }

    /// Adds an argument. Everybody on the machine can read it: no credentials.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable beside, or instead of, the pinned ones.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn cwd(mut self, dir: impl AsRef<Path>) -> Self {
        self.cwd = Some(dir.as_ref().to_owned());
        self
    }

    /// Gives bytes to read. Without this, standard input is at its end from the start.
    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = Some(bytes);
        self
    }

    /// Limits how long [`run`](Self::run) takes; [`DEFAULT_TIMEOUT`] otherwise. A [`Daemon`] has no time-out.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long the program may go on after it was asked to end, before it is killed; 5 s otherwise.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Limits standard output, in bytes; [`DEFAULT_STDOUT_LIMIT`] otherwise.
    #[must_use]
    pub fn stdout_limit(mut self, bytes: usize) -> Self {
        self.stdout_limit = bytes;
        self
    }

    /// Ends the program once the flag is raised.
    #[must_use]
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Runs the program as another user, with that user's groups and nothing of root's. Only root can; needs
    /// `setpriv` (util-linux).
    #[must_use]
    pub fn run_as(mut self, user: User) -> Self {
        self.user = Some(user);
        self
    }

    /// The signal that asks the program to end; SIGTERM otherwise.
    #[must_use]
    pub fn end_signal(mut self, signal: Signal) -> Self {
        self.end_signal = signal;
        self
    }

    /// The signal that the program gets if this process dies first: SIGTERM, SIGINT, SIGQUIT or SIGHUP; SIGKILL
    /// otherwise. Kept on a best effort: it
    /// needs `setpriv` (util-linux), which every Debian has.
    #[must_use]
    pub fn orphan_signal(mut self, signal: Signal) -> Self {
        self.orphan_signal = signal;
        self
    }

    /// Runs the program to its end.
    ///
    /// Whatever it left running in its process group is killed before this returns.
    ///
    /// # Errors
    ///
    /// [`SubprocessError`] if it could not be started or had to be ended. That it failed by itself is no error: see
    /// [`Output::success`].
    pub fn run(self) -> Result<Output, SubprocessError> {
        run::run(self)
    }

    /// Starts the program and gives its standard output to read while it runs. A silence longer than `idle_timeout` ends
    /// it, as does [`timeout`](Self::timeout).
    ///
    /// # Errors
    ///
    /// [`SubprocessError::NotFound`] and [`SubprocessError::Start`].
    pub fn stream(self, idle_timeout: Duration) -> Result<Stream, SubprocessError> {
        Stream::start(self, idle_timeout)
    }

    /// As [`stream`](Self::stream), for a program that is spoken with: gives besides what its standard input is written to. Its end
    /// comes when that is dropped. Writing fails once the program is gone, and waits while it does not read: what takes long, a
    /// thread of its own should write.
    ///
    /// # Errors
    ///
    /// [`SubprocessError::NotFound`] and [`SubprocessError::Start`].
    pub fn converse(self, idle_timeout: Duration) -> Result<(Stream, File), SubprocessError> {
        Stream::converse(self, idle_timeout)
    }

    /// Starts the program and leaves it running until the handle is dropped.
    ///
    /// # Errors
    ///
    /// [`SubprocessError::NotFound`] and [`SubprocessError::Start`].
    pub fn start(self) -> Result<Daemon, SubprocessError> {
        Daemon::start(self)
    }

    /// The program's name, for messages.
    pub(crate) fn name(&self) -> String {
        launch::display_name(&self.program)
    }
}
