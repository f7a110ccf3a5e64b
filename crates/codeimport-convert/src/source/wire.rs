//! Bytes from a server over TCP, with an end to every wait.

use codeimport_subprocess::Cancel;
use std::io::{self, BufRead as _, BufReader, Read};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

/// How often a waiting reader looks whether it may go on waiting.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Longest line: a log message may be one.
const LONGEST_LINE: u64 = 16 << 20;

/// What is read: a socket that gives up when nothing comes for too long, or when the run is cancelled.
pub(in crate::source) struct Wire {
    input: BufReader<Patient>,
}

struct Patient {
    stream: TcpStream,
    longest_silence: Duration,
    last: Instant,
    cancel: Cancel,
    received: u64,
}

impl Wire {
    /// Connects to the first address of a host that answers; gives the end that is written to besides.
    pub(in crate::source) fn open(
        (host, port): (&str, u16),
        connect_timeout: Duration,
        longest_silence: Duration,
        cancel: &Cancel,
    ) -> io::Result<(Self, TcpStream)> {
        let mut failure = io::ErrorKind::NotFound.into();
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, connect_timeout) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(LOOK_INTERVAL))?;
                    stream.set_write_timeout(Some(longest_silence))?;
                    stream.set_nodelay(true)?;
                    let writer = stream.try_clone()?;
                    let last = Instant::now();
                    let patient = Patient { stream, longest_silence, last, cancel: cancel.clone(), received: 0 };
                    return Ok((Self { input: BufReader::with_capacity(256 << 10, patient) }, writer));
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// The next line without its end; none at the end of all.
    pub(in crate::source) fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        read_line(&mut self.input)
    }

    /// So many bytes.
    pub(in crate::source) fn bytes(&mut self, count: u64) -> io::Result<Vec<u8>> {
        read_bytes(&mut self.input, count)
    }

    /// What is read, for parsers of their own.
    pub(in crate::source) fn input(&mut self) -> &mut impl io::BufRead {
        &mut self.input
    }

    /// Bytes that came so far.
    pub(in crate::source) fn received(&self) -> u64 {
        self.input.get_ref().received
    }
}

/// The next line without its end; none at the end of all.
pub(in crate::source) fn read_line(input: &mut impl io::BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    input.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// So many bytes. Memory is taken as they come, not as they are promised.
pub(in crate::source) fn read_bytes(input: &mut impl io::BufRead, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = input.take(count).read_to_end(&mut bytes)?;
    if read as u64 == count { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.cancel.is_cancelled() || self.last.elapsed() > self.longest_silence {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match self.stream.read(buffer) {
                Ok(count) => {
                    self.last = Instant::now();
                    self.received += count as u64;
                    return Ok(count);
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
