//! A reader that ends a piece that gets too long: whoever reads until a character comes holds all before it.

use std::io::{self, BufRead, Read};

/// Gives what is allowed, then an error.
pub(super) struct Bounded<R> {
    input: R,
    allowed: usize,
    received: u64,
}

impl<R> Bounded<R> {
    /// Nothing is allowed yet.
    pub(super) fn new(input: R) -> Self {
        Self { input, allowed: 0, received: 0 }
    }

    /// Allows a number of bytes, from here on.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.allowed = bytes;
    }

    /// Bytes received so far.
    pub(super) fn received(&self) -> u64 {
        self.received
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let arrived = self.input.fill_buf()?;
        if self.allowed == 0 && !arrived.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a piece without an end"));
        }
        Ok(&arrived[..arrived.len().min(self.allowed)])
    }

    fn consume(&mut self, count: usize) {
        self.allowed -= count;
        self.received += count as u64;
        self.input.consume(count);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        crate::source::http::read_buffered(self, buffer)
    }
}
