//! Bytes to and from an svn server, as items, with an end to every wait.

use super::item::{Item, ItemError};
use codeimport_subprocess::Cancel;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

/// How often a waiting reader looks whether it may go on waiting.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Most bytes that one answer may have. A poll is answered in a few hundred.
const MAX_ANSWER: usize = 256 << 10;

/// A connection that gives up at a fixed time, or when the run is cancelled.
pub(super) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    deadline: Instant,
    cancel: Cancel,
}

impl Connection {
    /// Connects to the first address of a host that answers.
    pub(super) fn open(host: &str, port: u16, timeout: Duration, cancel: &Cancel) -> io::Result<Self> {
        let deadline = Instant::now() + timeout;
        let mut failure = io::ErrorKind::NotFound.into();
        for address in (host, port).to_socket_addrs()? {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || cancel.is_cancelled() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match TcpStream::connect_timeout(&address, left) {
                Ok(stream) => return Self::over(stream, deadline, cancel),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn over(stream: TcpStream, deadline: Instant, cancel: &Cancel) -> io::Result<Self> {
        stream.set_read_timeout(Some(LOOK_INTERVAL))?;
        stream.set_write_timeout(Some(LOOK_INTERVAL))?;
        // Question and answer: nothing is gained by waiting for more to send.
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new(), deadline, cancel: cancel.clone() })
    }

    /// Sends a few hundred bytes, which fit into the socket's buffer.
    pub(super) fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(text.as_bytes())
    }

    /// The next item.
    pub(super) fn receive(&mut self) -> io::Result<Item> {
        loop {
            match Item::parse(&self.received) {
                Ok((item, len)) => {
                    self.received.drain(..len);
                    return Ok(item);
                }
                Err(ItemError::Incomplete) if self.received.len() < MAX_ANSWER => self.receive_more()?,
                Err(_) => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    fn receive_more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4 << 10];
        loop {
            if self.cancel.is_cancelled() || Instant::now() > self.deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.received.extend_from_slice(&buffer[..count]);
                    return Ok(());
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
