//! The bytes from and to a server: by TCP, or by `cvs server` at the other end of ssh.

use crate::source::wire::{Wire, read_bytes, read_line};
use codeimport_subprocess::{Output, Stream, SubprocessError};
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::net::{Shutdown, TcpStream};

/// A way to a server, open in both directions.
pub(super) enum Connection {
    Tcp { wire: Wire, writer: TcpStream },
    Ssh(Box<Tunnel>),
}

/// A running ssh.
pub(super) struct Tunnel {
    /// What the server says; none once it has ended.
    output: Option<BufReader<Stream>>,
    input: File,
    received: u64,
}

impl Tunnel {
    pub(super) fn new((output, input): (Stream, File)) -> Self {
        Self { output: Some(BufReader::with_capacity(256 << 10, output)), input, received: 0 }
    }

    fn output(&mut self) -> io::Result<&mut BufReader<Stream>> {
        self.output.as_mut().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Connection {
    /// The next line without its end; none at the end of all.
    pub(super) fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Tcp { wire, .. } => wire.line(),
            Self::Ssh(tunnel) => {
                let line = read_line(tunnel.output()?)?;
                tunnel.received += line.as_ref().map_or(0, |line| line.len() as u64 + 1);
                Ok(line)
            }
        }
    }

    /// So many bytes.
    pub(super) fn bytes(&mut self, count: u64) -> io::Result<Vec<u8>> {
        match self {
            Self::Tcp { wire, .. } => wire.bytes(count),
            Self::Ssh(tunnel) => {
                tunnel.received += count;
                read_bytes(tunnel.output()?, count)
            }
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp { writer, .. } => writer.write_all(bytes),
            Self::Ssh(tunnel) => tunnel.input.write_all(bytes),
        }
    }

    /// A second writer, for a thread of its own.
    pub(super) fn writer(&self) -> io::Result<Box<dyn Write + Send>> {
        match self {
            Self::Tcp { writer, .. } => Ok(Box::new(writer.try_clone()?)),
            Self::Ssh(tunnel) => Ok(Box::new(tunnel.input.try_clone()?)),
        }
    }

    /// Breaks off, so that no writer waits any more.
    pub(super) fn hang_up(&mut self) {
        match self {
            Self::Tcp { writer, .. } => drop(writer.shutdown(Shutdown::Both)),
            // A program whose stream is dropped is ended.
            Self::Ssh(tunnel) => drop(tunnel.output.take()),
        }
    }

    /// How ssh ended, once nothing more comes; none by TCP, and if it was asked before.
    pub(super) fn ended(&mut self) -> Option<Result<Output, SubprocessError>> {
        match self {
            Self::Tcp { .. } => None,
            Self::Ssh(tunnel) => Some(tunnel.output.take()?.into_inner().finish()),
        }
    }

    /// Bytes that came so far.
    pub(super) fn received(&self) -> u64 {
        match self {
            Self::Tcp { wire, .. } => wire.received(),
            Self::Ssh(tunnel) => tunnel.received,
        }
    }
}
