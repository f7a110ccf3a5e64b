//! Runs a program to its end, whichever end that is.

use crate::{
    Command, SubprocessError,
    drain::{self, Head, Tail},
    group::Group,
    launch,
};
use std::{
    io,
    time::{Duration, Instant},
};
use subprocess::{ExitStatus, Job};

/// How often a running program's flags (cancel, output limit) are looked at. The program's end is noticed at once.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What a program that ended by itself left behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    /// Its exit code; none if a signal ended it.
    pub code: Option<u32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// All it wrote to standard output.
    pub stdout: Vec<u8>,
    /// The last 16 KiB of its standard error, as text, without credentials, trimmed.
    pub stderr: String,
}

impl Output {
    /// Whether it exited with 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// Standard output as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// How it ended, for people: `exit code 128`, `signal 9`.
    #[must_use]
    pub fn status_text(&self) -> String {
        match (self.code, self.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "unknown status".to_owned(),
        }
    }
}

/// Why the waiting ended.
enum Ended {
    ByItself,
    TimedOut,
    Cancelled,
    OutputTooLarge,
}

/// The process and what reads its pipes.
struct Running {
    group: Group,
    stdout: Head,
    stderr: Tail,
}

pub(crate) fn run(mut command: Command) -> Result<Output, SubprocessError> {
    let started = Instant::now();
    let program = command.name();
    let wait_error = |source| SubprocessError::Wait { program: program.clone(), source };
    let job = launch::launch(&command)?;
    let running = attach(job, &mut command).map_err(wait_error)?;
    let ended = wait(&running, &command, started).map_err(wait_error)?;

    let Running { group, stdout, stderr } = running;
    let status = match ended {
        Ended::ByItself => group.reap(),
        Ended::TimedOut | Ended::Cancelled | Ended::OutputTooLarge => group.end(command.end_signal, command.grace),
    };
    let status = status.map_err(wait_error)?;
    let stderr = stderr.finish();
    // Taken after the end, for a program that wrote too much with its last breath.
    let (overflowed, stdout) = stdout.finish();
    tracing::debug!(process.name = program, process.status = %status, elapsed = ?started.elapsed(), "program ended");
    match ended {
        Ended::TimedOut => Err(SubprocessError::TimedOut { program, after: command.timeout, stderr_tail: stderr }),
        Ended::Cancelled => Err(SubprocessError::Cancelled { program }),
        Ended::OutputTooLarge => Err(SubprocessError::OutputTooLarge { program, limit: command.stdout_limit }),
        Ended::ByItself if overflowed => Err(SubprocessError::OutputTooLarge { program, limit: command.stdout_limit }),
        Ended::ByItself => Ok(output(status, stdout, stderr)),
    }
}

/// Puts a reader on each pipe, so that the program never waits for us.
fn attach(mut job: Job, command: &mut Command) -> io::Result<Running> {
    let missing = || io::Error::other("a pipe that was asked for is missing");
    let stdout = job.stdout.take().ok_or_else(missing)?;
    let stderr = job.stderr.take().ok_or_else(missing)?;
    let stdin = job.stdin.take();
    let group = Group::new(job)?;
    if let (Some(pipe), Some(bytes)) = (stdin, command.stdin.take()) {
        drain::feed(pipe, bytes)?;
    }
    Ok(Running { group, stdout: Head::start(stdout, command.stdout_limit)?, stderr: Tail::start([stderr])? })
}

fn wait(running: &Running, command: &Command, started: Instant) -> io::Result<Ended> {
    loop {
        let left = command.timeout.saturating_sub(started.elapsed());
        if running.group.wait_ended(left.min(LOOK_INTERVAL))? {
            return Ok(Ended::ByItself);
        }
        if command.cancel.is_cancelled() {
            return Ok(Ended::Cancelled);
        }
        if running.stdout.overflowed() {
            return Ok(Ended::OutputTooLarge);
        }
        if left.is_zero() {
            return Ok(Ended::TimedOut);
        }
    }
}

fn output(status: ExitStatus, stdout: Vec<u8>, stderr: String) -> Output {
    Output { code: status.code(), signal: status.signal(), stdout, stderr }
}
