//! A thread that waits for the server, and a reader that may stop waiting for the thread.
//!
//! Blocking HTTP cannot be interrupted. So the waiting is done by a thread that nobody has to join: when its reader is
//! gone it ends with its next piece, at the latest after the client's own time-out.

use super::head::Head;
use crate::source::fault::{Fault, FaultSlot};
use codeimport_subprocess::Cancel;
use reqwest::blocking::{RequestBuilder, Response};
use std::{
    io::{self, BufRead, Cursor, Read},
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread,
    time::{Duration, Instant},
};

/// How often a waiting reader looks whether it may go on waiting.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// How much of an answer may wait for its reader: 16 pieces of 64 KiB.
const CHUNKS_AHEAD: usize = 16;
const CHUNK_LEN: usize = 64 * 1024;

type Piece<T> = Result<T, Fault>;

/// How long a reader waits, and what makes it stop.
#[derive(Clone)]
pub(in crate::source) struct Patience {
    pub(in crate::source) idle_timeout: Duration,
    pub(in crate::source) faults: FaultSlot,
    pub(in crate::source) cancel: Cancel,
}

/// Sends a request and waits for the head of its answer.
pub(in crate::source) fn send(request: RequestBuilder, patience: Patience) -> io::Result<(Head, Body)> {
    start(request)?.answer(patience)
}

/// Sends a request, whose answer is waited for later.
pub(in crate::source) fn start(request: RequestBuilder) -> io::Result<Sent> {
    let (head_tx, head) = mpsc::sync_channel(1);
    let (chunk_tx, chunks) = mpsc::sync_channel(CHUNKS_AHEAD);
    thread::Builder::new().name("source-http".to_owned()).spawn(move || carry_out(request, &head_tx, &chunk_tx))?;
    Ok(Sent { arrived: None, head, chunks })
}

/// A request under way. What of its answer comes before somebody waits for it is kept, up to some pieces.
pub(in crate::source) struct Sent {
    /// The head, once it was waited for.
    arrived: Option<Head>,
    head: Receiver<Piece<Head>>,
    chunks: Receiver<Piece<Vec<u8>>>,
}

impl Sent {
    /// Waits for the head of the answer.
    pub(in crate::source) fn head(&mut self, patience: &Patience) -> io::Result<&Head> {
        let head = match self.arrived.take() {
            Some(head) => head,
            None => patience
                .next(&self.head)?
                .ok_or_else(|| patience.faults.record(Fault::Unreachable("the connection broke".to_owned())))?,
        };
        Ok(self.arrived.insert(head))
    }

    /// The answer, as far as it has arrived.
    pub(in crate::source) fn answer(mut self, patience: Patience) -> io::Result<(Head, Body)> {
        self.head(&patience)?;
        let body = Body { chunks: self.chunks, chunk: Cursor::new(Vec::new()), patience };
        self.arrived.map(|head| (head, body)).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Patience {
    /// The next piece; none once the thread is done.
    fn next<T>(&self, pieces: &Receiver<Piece<T>>) -> io::Result<Option<T>> {
        let began = Instant::now();
        loop {
            match pieces.recv_timeout(LOOK_INTERVAL) {
                Ok(Ok(piece)) => return Ok(Some(piece)),
                Ok(Err(fault)) => return Err(self.faults.record(fault)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) if self.cancel.is_cancelled() => {
                    return Err(self.faults.record(Fault::Cancelled));
                }
                Err(RecvTimeoutError::Timeout) if began.elapsed() > self.idle_timeout => {
                    return Err(self.faults.record(Fault::Silent(self.idle_timeout)));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// The body of an answer, as far as it has arrived.
pub(in crate::source) struct Body {
    chunks: Receiver<Piece<Vec<u8>>>,
    chunk: Cursor<Vec<u8>>,
    patience: Patience,
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.chunk.fill_buf()?.is_empty()
            && let Some(chunk) = self.patience.next(&self.chunks)?
        {
            self.chunk = Cursor::new(chunk);
        }
        self.chunk.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.chunk.consume(count);
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

/// What the thread does. Ends early if nobody listens any more.
fn carry_out(request: RequestBuilder, head_tx: &SyncSender<Piece<Head>>, chunk_tx: &SyncSender<Piece<Vec<u8>>>) {
    match request.send() {
        Err(error) => drop(head_tx.send(Err(fault_of(&error)))),
        Ok(mut response) => {
            if head_tx.send(Ok(Head::of(&response))).is_ok() {
                pump(&mut response, chunk_tx);
            }
        }
    }
}

fn pump(response: &mut Response, chunk_tx: &SyncSender<Piece<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK_LEN];
        let piece = match response.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => {
                chunk.truncate(count);
                Ok(chunk)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(Fault::unreachable(&error)),
        };
        let failed = piece.is_err();
        if chunk_tx.send(piece).is_err() || failed {
            return;
        }
    }
}

fn fault_of(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::Unreachable("it did not answer in time".to_owned());
    }
    Fault::unreachable(error)
}

/// `read` by means of `fill_buf`.
pub(in crate::source) fn read_buffered(reader: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
    let available = reader.fill_buf()?;
    let count = available.len().min(buffer.len());
    buffer[..count].copy_from_slice(&available[..count]);
    reader.consume(count);
    Ok(count)
}
