//! A companion program that lives as long as its handle.
//!
//! A guard thread starts it and stays until it has ended: "die with the parent" follows the *thread* that started
//! the child (prctl(2), `PR_SET_PDEATHSIG`), and a thread of a pool may end long before the process does.

use crate::{Command, Output, SubprocessError, drain::Tail, group::Group, launch};
use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, SyncSender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often the guard looks whether it is to end the program. The program's own end is noticed at once.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A running companion. Dropping it ends the program and waits for that.
pub struct Daemon {
    pid: u32,
    log: Arc<Tail>,
    stop: SyncSender<()>,
    guard: Option<JoinHandle<io::Result<Output>>>,
}

impl Daemon {
    pub(crate) fn start(command: Command) -> Result<Self, SubprocessError> {
        let program = command.name();
        let (started, start) = mpsc::sync_channel(1);
        let (stop, stopped) = mpsc::sync_channel(1);
        let guard = thread::Builder::new()
            .name(format!("guard-{program}"))
            .spawn(move || {
                let (group, log) = match open(&command) {
                    Ok(opened) => opened,
                    Err(error) => {
                        // The receiver waits for exactly this message.
                        let _ = started.send(Err(error));
                        return Err(io::Error::other("program was not started"));
                    }
                };
                let _ = started.send(Ok((group.pid(), log.clone())));
                guard(group, &log, &command, &stopped)
            })
            .map_err(|source| SubprocessError::Start { program: program.clone(), source })?;
        let gone = |_| SubprocessError::Start { program, source: io::Error::other("guard thread ended early") };
        let (pid, log) = start.recv().map_err(gone)??;
        Ok(Self { pid, log, stop, guard: Some(guard) })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The last 16 KiB of what it wrote to standard output and standard error, without credentials.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.log.text()
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| !guard.is_finished())
    }

    /// Asks it to end, waits for its grace period, kills what is left, and tells how it ended. Its output is in
    /// [`Output::stderr`].
    ///
    /// # Errors
    ///
    /// If the system lost track of it.
    pub fn stop(mut self) -> io::Result<Output> {
        self.end()
    }

    fn end(&mut self) -> io::Result<Output> {
        // A full channel or a gone guard: the end is on its way already.
        let _ = self.stop.try_send(());
        let Some(guard) = self.guard.take() else { return Err(io::Error::other("program was stopped before")) };
        guard.join().unwrap_or_else(|_| Err(io::Error::other("guard thread panicked")))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.guard.is_some()
            && let Err(error) = self.end()
        {
            tracing::warn!(process.pid = self.pid, error = %error, "companion program did not end properly");
        }
    }
}

fn open(command: &Command) -> Result<(Group, Arc<Tail>), SubprocessError> {
    let mut job = launch::launch(command)?;
    let pipes: Vec<_> = [job.stdout.take(), job.stderr.take()].into_iter().flatten().collect();
    let opened = Group::new(job).and_then(|group| Ok((group, Arc::new(Tail::start(pipes)?))));
    opened.map_err(|source| SubprocessError::Start { program: command.name(), source })
}

/// Waits until the program has ended or is to end.
fn guard(group: Group, log: &Tail, command: &Command, stopped: &mpsc::Receiver<()>) -> io::Result<Output> {
    let status = loop {
        if group.wait_ended(LOOK_INTERVAL)? {
            break group.reap()?;
        }
        match stopped.recv_timeout(Duration::ZERO) {
            Err(RecvTimeoutError::Timeout) if !command.cancel.is_cancelled() => {}
            // A handle that is gone without a word leaves nobody who could want the program.
            _ => break group.end(command.end_signal, command.grace)?,
        }
    };
    Ok(Output { code: status.code(), signal: status.signal(), stdout: Vec::new(), stderr: log.finish() })
}
