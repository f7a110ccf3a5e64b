//! A running process together with its process group.
//!
//! The invariant: the group is only signalled while its leader is not reaped yet. Until then the leader's number,
//! which is the group's number too, cannot have been given to anybody else.

use crate::Signal;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, kill_process_group, pidfd_open},
};
use std::{
    io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};
use subprocess::{ExitStatus, Job};

/// A process group that was started here and not reaped yet.
pub(crate) struct Group {
    job: Job,
    pid: Pid,
    exit: OwnedFd,
    reaped: bool,
}

impl Group {
    /// Takes over a process just started.
    ///
    /// # Errors
    ///
    /// If the kernel cannot watch processes (Linux before 5.3); the process is killed then.
    pub(crate) fn new(job: Job) -> io::Result<Self> {
        // A live child's number is positive; 0 or less would be a bug of the kernel.
        let pid = i32::try_from(job.pid()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(exit) => Ok(Self { job, pid, exit, reaped: false }),
            Err(error) => {
                job.kill()?;
                Err(error.into())
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.job.pid()
    }

    /// Waits for the leader's end, at most this long, without reaping it. Tells whether it has ended.
    pub(crate) fn wait_ended(&self, at_most: Duration) -> io::Result<bool> {
        let mut fds = [PollFd::new(&self.exit, PollFlags::IN)];
        let timeout = Timespec::try_from(at_most).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut fds, Some(&timeout)) {
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Signals the whole group. That nobody is left to hear it is fine.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process_group(self.pid, signal) {
            tracing::debug!(process.pid = self.pid(), error = %error, "process group was not signalled");
        }
    }

    /// Asks the group to end, waits, then kills what is left of it, and reaps the leader.
    pub(crate) fn end(self, ask: Signal, grace: Duration) -> io::Result<ExitStatus> {
        self.signal(ask);
        let deadline = Instant::now() + grace;
        while !self.wait_ended(deadline.saturating_duration_since(Instant::now()))? && Instant::now() < deadline {}
        self.reap()
    }

    /// Kills what is left of the group, and reaps the leader.
    pub(crate) fn reap(mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::KILL);
        self.reaped = true;
        self.job.wait()
    }
}

impl Drop for Group {
    /// For error paths: dropping a live job waits for it, so it must not be alive.
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(Signal::KILL);
        }
    }
}
