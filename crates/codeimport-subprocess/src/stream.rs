//! A program whose output is read while it runs: for streams too large to keep.
//!
//! The reader's thread is the one that waits, so it is also the one that notices a time-out, a silence, or the
//! cancel flag; each read looks.

use crate::drain::{Tail, feed};
use crate::{Command, Output, SubprocessError, group::Group, launch};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    fs::File,
    io::{self, Read},
    time::{Duration, Instant},
};

/// How often the flags are looked at while nothing arrives. What arrives is read at once.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How long a program that has closed its standard output may take to end.
const LAST_BREATH: Duration = Duration::from_secs(10);

/// A running program, as the reader of its standard output. Dropping it kills the program with its group.
///
/// The end of the stream does not tell how the program ended: always ask [`finish`](Self::finish) before trusting what
/// was read.
pub struct Stream {
    program: String,
    group: Group,
    stdout: File,
    stderr: Tail,
    command: Command,
    idle_timeout: Duration,
    started: Instant,
    last_byte: Instant,
    stopped: Option<Stopped>,
}

/// Why the reading was given up.
#[derive(Clone, Copy)]
enum Stopped {
    TimedOut(Duration),
    Cancelled,
}

impl Stream {
    pub(crate) fn start(mut command: Command, idle_timeout: Duration) -> Result<Self, SubprocessError> {
        // A program that is given nothing has no pipe.
        let bytes = command.stdin.as_mut().map(std::mem::take);
        let (stream, stdin) = Self::open(command, idle_timeout)?;
        if let Some((pipe, bytes)) = stdin.zip(bytes) {
            feed(pipe, bytes).map_err(|source| SubprocessError::Start { program: stream.program.clone(), source })?;
        }
        Ok(stream)
    }

    pub(crate) fn converse(command: Command, idle_timeout: Duration) -> Result<(Self, File), SubprocessError> {
        // Nothing yet, but by a pipe.
        let (stream, stdin) = Self::open(command.stdin(Vec::new()), idle_timeout)?;
        match stdin {
            Some(stdin) => Ok((stream, stdin)),
            None => Err(SubprocessError::Start { program: stream.program, source: missing() }),
        }
    }

    fn open(command: Command, idle_timeout: Duration) -> Result<(Self, Option<File>), SubprocessError> {
        let program = command.name();
        let start_error = |source| SubprocessError::Start { program: program.clone(), source };
        let mut job = launch::launch(&command)?;
        let (stdin, stdout, stderr) = (job.stdin.take(), job.stdout.take(), job.stderr.take());
        let group = Group::new(job).map_err(start_error)?;
        let stdout = stdout.ok_or_else(missing).map_err(start_error)?;
        let stderr = stderr.ok_or_else(missing).and_then(|pipe| Tail::start([pipe])).map_err(start_error)?;
        let now = Instant::now();
        let stream =
            Self { program, group, stdout, stderr, command, idle_timeout, started: now, last_byte: now, stopped: None };
        Ok((stream, stdin))
    }

    /// Waits for the program's end and tells how it ended; [`Output::stdout`] is empty. To be called when the stream
    /// has ended, or when no more of it is wanted: a program that still writes is ended.
    ///
    /// # Errors
    ///
    /// [`SubprocessError::TimedOut`] and [`SubprocessError::Cancelled`] if that is why the stream ended.
    pub fn finish(self) -> Result<Output, SubprocessError> {
        let Self { program, group, stdout, stderr, command, stopped, .. } = self;
        // Closed first: a program that still writes then ends by itself, with an error of its own.
        drop(stdout);
        let wait_error = |source| SubprocessError::Wait { program: program.clone(), source };
        let ended = match stopped {
            None => group.wait_ended(LAST_BREATH).map_err(wait_error)?,
            Some(_) => false,
        };
        let status = if ended { group.reap() } else { group.end(command.end_signal, command.grace) };
        let status = status.map_err(wait_error)?;
        let stderr = stderr.finish();
        match stopped {
            Some(Stopped::TimedOut(after)) => Err(SubprocessError::TimedOut { program, after, stderr_tail: stderr }),
            Some(Stopped::Cancelled) => Err(SubprocessError::Cancelled { program }),
            None => Ok(Output { code: status.code(), signal: status.signal(), stdout: Vec::new(), stderr }),
        }
    }

    fn check(&mut self) -> io::Result<()> {
        if self.command.cancel.is_cancelled() {
            self.stopped = Some(Stopped::Cancelled);
        } else if self.last_byte.elapsed() > self.idle_timeout {
            self.stopped = Some(Stopped::TimedOut(self.idle_timeout));
        } else if self.started.elapsed() > self.command.timeout {
            self.stopped = Some(Stopped::TimedOut(self.command.timeout));
        }
        match self.stopped {
            Some(_) => Err(io::ErrorKind::TimedOut.into()),
            None => Ok(()),
        }
    }
}

fn missing() -> io::Error {
    io::Error::other("a pipe that was asked for is missing")
}

impl Read for Stream {
    /// Reads what is there, waiting for it. An error says that the reading was given up; [`Stream::finish`] says why.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.check()?;
            let mut fds = [PollFd::new(&self.stdout, PollFlags::IN)];
            let interval = Timespec::try_from(LOOK_INTERVAL).map_err(|_| io::ErrorKind::InvalidInput)?;
            match poll(&mut fds, Some(&interval)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => {
                    let count = self.stdout.read(buffer)?;
                    self.last_byte = Instant::now();
                    return Ok(count);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cancel;
    use std::io::Write as _;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Command {
        Command::new("sh").args(["-c", script])
    }

    #[test]
    fn what_is_written_can_be_read_while_the_program_runs() {
        let mut stream = shell("echo first; exec cat /dev/zero").stream(LONG).expect("started");
        let mut first = [0; 6];
        stream.read_exact(&mut first).expect("written");
        assert_eq!(&first, b"first\n");
        let end = stream.finish().expect("ended");
        assert!(!end.success(), "nobody read on: {}", end.status_text());
    }

    #[test]
    fn what_the_program_is_given_to_read_it_can_read_to_its_end() {
        let mut stream = Command::new("cat").stdin(b"words".to_vec()).stream(LONG).expect("started");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("readable");
        assert!(text == "words" && stream.finish().expect("ended").success());
    }

    #[test]
    fn a_program_can_be_spoken_with_until_its_input_ends() {
        let (mut stream, mut stdin) = shell("read a; echo $a; cat; echo end").converse(LONG).expect("started");
        let mut said = [0; 4];
        for words in [b"one\n", b"two\n"] {
            stdin.write_all(words).expect("it reads");
            stream.read_exact(&mut said).expect("it answers");
            assert_eq!(&said, words);
        }
        drop(stdin);
        stream.read_exact(&mut said).expect("it answers");
        assert!(&said == b"end\n" && stream.finish().expect("ended").success());
    }

    #[test]
    fn the_end_of_the_stream_is_not_taken_for_success() {
        let mut stream = shell("echo half; echo 'lost https://me:pw@host' >&2; exit 3").stream(LONG).expect("started");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("readable");
        let end = stream.finish().expect("ended");
        assert_eq!((text.as_str(), end.code), ("half\n", Some(3)));
        assert_eq!(end.stderr, "lost https://***@host");
    }

    #[test]
    fn silence_ends_the_program() {
        let mut stream = shell("echo x; exec sleep 600").stream(Duration::from_millis(100)).expect("started");
        let read = stream.read_to_end(&mut Vec::new());
        assert!(read.is_err());
        assert!(matches!(stream.finish(), Err(SubprocessError::TimedOut { .. })));
    }

    #[test]
    fn the_cancel_flag_ends_the_program() {
        let cancel = Cancel::new();
        let mut stream = shell("exec sleep 600").cancel(cancel.clone()).stream(LONG).expect("started");
        cancel.cancel();
        assert!(stream.read(&mut [0]).is_err());
        assert!(matches!(stream.finish(), Err(SubprocessError::Cancelled { .. })));
    }
}
