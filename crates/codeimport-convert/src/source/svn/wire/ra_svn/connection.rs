//! Bytes to and from an svn server, as items, with an end to every wait.

use super::item::Item;
use codeimport_subprocess::Cancel;
use std::io::{self, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

/// How often a waiting reader looks whether it may go on waiting.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Longest time to connect and log in. Whoever needs longer is left to Subversion's own programs, with their time-outs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most memory that one item may take: first for answers of a few hundred bytes, then for whole properties.
const SHORT_ANSWER: usize = 256 << 10;
const LONG_ANSWER: usize = 256 << 20;

/// Between the socket and the parser.
const BUFFER: usize = 64 << 10;

/// A connection that gives up when nothing comes for too long, or when the run is cancelled.
pub(crate) struct Connection {
    input: BufReader<Wire>,
    budget: usize,
}

impl Connection {
    /// Connects to the first address of a host that answers.
    pub(crate) fn open(host: &str, port: u16, idle_timeout: Duration, cancel: &Cancel) -> io::Result<Self> {
        let limit = Limit::At(Instant::now() + PATIENCE.min(idle_timeout));
        let mut failure = io::ErrorKind::NotFound.into();
        for address in (host, port).to_socket_addrs()? {
            match connect(&address, limit, cancel) {
                Ok(stream) => {
                    let wire = Wire { stream, limit, cancel: cancel.clone(), received: 0 };
                    let input = BufReader::with_capacity(BUFFER, wire);
                    return Ok(Self { input, budget: SHORT_ANSWER });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// From now on it is silence that counts, not time, and answers may be long.
    pub(crate) fn expect_history(&mut self, idle_timeout: Duration) {
        self.input.get_mut().limit = Limit::Silence { longest: idle_timeout, since: Instant::now() };
        self.budget = LONG_ANSWER;
    }

    /// Sends a few hundred bytes, which fit into the socket's buffer.
    pub(crate) fn send(&mut self, text: &str) -> io::Result<()> {
        self.input.get_mut().stream.write_all(text.as_bytes())
    }

    /// The next item.
    pub(crate) fn receive(&mut self) -> io::Result<Item> {
        Item::read(&mut self.input, self.budget)
    }

    /// Bytes that came so far.
    pub(crate) fn received(&self) -> u64 {
        self.input.get_ref().received
    }
}

fn connect(address: &SocketAddr, limit: Limit, cancel: &Cancel) -> io::Result<TcpStream> {
    let left = limit.left();
    if left.is_zero() || cancel.is_cancelled() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let stream = TcpStream::connect_timeout(address, left)?;
    stream.set_read_timeout(Some(LOOK_INTERVAL))?;
    stream.set_write_timeout(Some(LOOK_INTERVAL))?;
    // Question and answer: nothing is gained by waiting for more to send.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// How long is waited.
#[derive(Clone, Copy)]
enum Limit {
    /// Until then, whatever comes.
    At(Instant),
    /// As long as something comes.
    Silence { longest: Duration, since: Instant },
}

impl Limit {
    fn left(self) -> Duration {
        match self {
            Self::At(end) => end.saturating_duration_since(Instant::now()),
            Self::Silence { longest, since } => longest.saturating_sub(since.elapsed()),
        }
    }

    fn something_came(&mut self) {
        if let Self::Silence { since, .. } = self {
            *since = Instant::now();
        }
    }
}

/// The socket, read with an eye on the limit.
struct Wire {
    stream: TcpStream,
    limit: Limit,
    cancel: Cancel,
    received: u64,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.cancel.is_cancelled() || self.limit.left().is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match self.stream.read(buffer) {
                Ok(count) => {
                    self.limit.something_came();
                    self.received += u64::try_from(count).unwrap_or_default();
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
