//! A TCP connection that neither hangs nor outlives its run.

use crate::SourceOptions;
use crate::source::fault::{Fault, FaultSlot};
use codeimport_subprocess::Cancel;
use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs as _},
    time::{Duration, Instant},
};

/// Port of `git://` (IANA).
pub(super) const GIT_PORT: u16 = 9418;

/// How often a waiting reader looks whether it may go on waiting.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Connects to the first address of a host that answers.
pub(super) fn connect(
    host: &str,
    port: u16,
    options: &SourceOptions,
    faults: &FaultSlot,
    cancel: &Cancel,
) -> io::Result<(WatchedStream, WatchedStream)> {
    // An IPv6 address stands in brackets in a URL, and without them everywhere else.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = first_that_answers(host, port, options, cancel).map_err(|fault| faults.record(fault))?;
    stream.set_read_timeout(Some(LOOK_INTERVAL))?;
    stream.set_write_timeout(Some(options.idle_timeout))?;
    let watched = |stream| WatchedStream {
        stream,
        idle_timeout: options.idle_timeout,
        faults: faults.clone(),
        cancel: cancel.clone(),
    };
    Ok((watched(stream.try_clone()?), watched(stream)))
}

fn first_that_answers(host: &str, port: u16, options: &SourceOptions, cancel: &Cancel) -> Result<TcpStream, Fault> {
    let unreachable = |error: io::Error| Fault::unreachable(&error);
    let mut failure = Fault::Unreachable("the name has no address".to_owned());
    for address in (host, port).to_socket_addrs().map_err(unreachable)? {
        if cancel.is_cancelled() {
            return Err(Fault::Cancelled);
        }
        match TcpStream::connect_timeout(&address, options.connect_timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = unreachable(error),
        }
    }
    Err(failure)
}

/// A stream whose reads end when the run is cancelled or the other side says nothing for too long.
pub(super) struct WatchedStream {
    stream: TcpStream,
    idle_timeout: Duration,
    faults: FaultSlot,
    cancel: Cancel,
}

impl Read for WatchedStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let began = Instant::now();
        loop {
            if self.cancel.is_cancelled() {
                return Err(self.faults.record(Fault::Cancelled));
            }
            match self.stream.read(buffer) {
                Err(error) if is_timeout(&error) && began.elapsed() < self.idle_timeout => {}
                Err(error) if is_timeout(&error) => return Err(self.faults.record(Fault::Silent(self.idle_timeout))),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(self.faults.record(Fault::unreachable(&error)));
                }
                read => return read,
            }
        }
    }
}

impl Write for WatchedStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.write(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ if is_timeout(&error) => self.faults.record(Fault::Silent(self.idle_timeout)),
            // A server that has said why it hangs up (an ERR line) is heard by the next read, not drowned by this.
            _ => error,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
