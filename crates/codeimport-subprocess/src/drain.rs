//! Empties a program's output pipes in threads of their own, into bounded memory.
//!
//! A program whose pipe nobody empties stops for ever; so reading goes on even when nothing more is kept.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Write as _},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

/// How much of standard error is kept: its last 16 KiB. Enough for any last words, and for a log line.
const TAIL_LIMIT: usize = 16 << 10;

/// How long a dead program's pipes may stay open. Only a process that left its group can hold one; it is not worth
/// a hanging run.
const LEFT_OPEN: Duration = Duration::from_secs(2);

/// Reads to the end, keeping the beginning.
pub(crate) struct Head {
    kept: Arc<Mutex<Vec<u8>>>,
    overflowed: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl Head {
    /// Starts to read. At most `limit` bytes are kept.
    pub(crate) fn start(pipe: File, limit: usize) -> io::Result<Self> {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let overflowed = Arc::new(AtomicBool::new(false));
        let (store, flag) = (kept.clone(), overflowed.clone());
        let ended = read_in_thread("subprocess-stdout", pipe, move |bytes| {
            let mut kept = lock(&store);
            let room = limit - kept.len();
            kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if bytes.len() > room {
                flag.store(true, Ordering::Release);
            }
        })?;
        Ok(Self { kept, overflowed, ended })
    }

    /// Whether more came than may.
    pub(crate) fn overflowed(&self) -> bool {
        self.overflowed.load(Ordering::Acquire)
    }

    /// Waits for the end of the pipe; tells whether more came than may, and what was kept.
    pub(crate) fn finish(self) -> (bool, Vec<u8>) {
        wait_ended(&self.ended);
        (self.overflowed(), std::mem::take(&mut lock(&self.kept)))
    }
}

/// Reads to the end, keeping the last bytes, which can be looked at meanwhile.
pub(crate) struct Tail {
    kept: Arc<Mutex<VecDeque<u8>>>,
    ended: Mutex<Vec<Receiver<()>>>,
}

impl Tail {
    /// Starts to read these pipes into one tail.
    pub(crate) fn start(pipes: impl IntoIterator<Item = File>) -> io::Result<Self> {
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let read = |pipe| {
            let store = kept.clone();
            read_in_thread("subprocess-stderr", pipe, move |bytes| push_bounded(&mut lock(&store), bytes))
        };
        let ended = pipes.into_iter().map(read).collect::<io::Result<_>>()?;
        Ok(Self { kept, ended: Mutex::new(ended) })
    }

    /// What is there now, as text, without credentials, trimmed.
    pub(crate) fn text(&self) -> String {
        let bytes: Vec<u8> = lock(&self.kept).iter().copied().collect();
        codeimport_core::scrub(String::from_utf8_lossy(&bytes).trim()).into_owned()
    }

    /// Waits for the end of the pipes and returns the text.
    pub(crate) fn finish(&self) -> String {
        lock(&self.ended).iter().for_each(wait_ended);
        self.text()
    }
}

/// Writes to a program's standard input, then closes it. That the program does not read it all is its own affair.
///
/// Nobody waits for this thread: it ends when the program closes its side, at the latest by dying.
pub(crate) fn feed(mut pipe: File, bytes: Vec<u8>) -> io::Result<()> {
    spawn("subprocess-stdin", move || {
        if let Err(error) = pipe.write_all(&bytes) {
            tracing::debug!(error = %error, "program did not read all of its standard input");
        }
    })
}

/// Reads a pipe to its end. The channel hangs up when that is reached; nothing is ever sent.
fn read_in_thread(name: &str, mut pipe: File, take: impl FnMut(&[u8]) + Send + 'static) -> io::Result<Receiver<()>> {
    let (sender, ended) = mpsc::channel();
    spawn(name, move || {
        read_all(&mut pipe, take);
        drop(sender);
    })?;
    Ok(ended)
}

fn wait_ended(ended: &Receiver<()>) {
    if ended.recv_timeout(LEFT_OPEN) == Err(RecvTimeoutError::Timeout) {
        tracing::warn!("program is dead but its output pipe is still open: a process has left its group");
    }
}

fn read_all(pipe: &mut File, mut take: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 << 10];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => take(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(error = %error, "program's output could not be read to its end");
                return;
            }
        }
    }
}

fn push_bounded(kept: &mut VecDeque<u8>, bytes: &[u8]) {
    kept.extend(bytes);
    let excess = kept.len().saturating_sub(TAIL_LIMIT);
    kept.drain(..excess);
}

/// A reader that panicked leaves bytes that are still worth showing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_last_bytes() {
        let mut kept = VecDeque::new();
        push_bounded(&mut kept, &[b'a'; TAIL_LIMIT]);
        push_bounded(&mut kept, b"the end");
        assert_eq!(kept.len(), TAIL_LIMIT);
        assert!(kept.iter().copied().collect::<Vec<u8>>().ends_with(b"aathe end"));
    }
}
