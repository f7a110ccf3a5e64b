//! One request with its answer, in the three pieces that gix handles separately.
//!
//! gix takes the pieces first and fills them later, so the request goes out when the first piece of the answer is
//! asked for. Requests are lists of wants and haves: they fit into memory.

use super::client::Sender;
use crate::source::http::{Body, Head, read_buffered};
use reqwest::blocking::RequestBuilder;
use std::{
    io::{self, BufRead, Cursor, Read, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A request, or its answer.
pub(super) struct Exchange(Mutex<State>);

enum State {
    Unsent { sender: Sender, request: RequestBuilder, body: Vec<u8> },
    Answered { head: Option<Head>, body: Option<Body> },
    Failed,
}

impl Exchange {
    pub(super) fn unsent(sender: Sender, request: RequestBuilder) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Unsent { sender, request, body: Vec::new() })))
    }

    pub(super) fn answered(head: Head, body: Body) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Answered { head: Some(head), body: Some(body) })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a piece of the answer; sends the request first if that has not happened.
    fn take<T>(&self, piece: impl FnOnce(&mut Option<Head>, &mut Option<Body>) -> Option<T>) -> io::Result<T> {
        let mut state = self.state();
        if let State::Unsent { .. } = *state {
            let State::Unsent { sender, request, body } = std::mem::replace(&mut *state, State::Failed) else {
                return Err(already_gone());
            };
            let (head, body) = sender.send(request.body(body))?;
            *state = State::Answered { head: Some(head), body: Some(body) };
        }
        match &mut *state {
            State::Answered { head, body } => piece(head, body).ok_or_else(already_gone),
            State::Unsent { .. } | State::Failed => Err(already_gone()),
        }
    }
}

fn already_gone() -> io::Error {
    io::Error::other("this request has failed, or its answer was read already")
}

/// The request's body, as long as it is being written.
pub(in crate::source::git) struct RequestBody(Arc<Exchange>);

impl RequestBody {
    pub(super) fn new(exchange: Arc<Exchange>) -> Self {
        Self(exchange)
    }
}

impl Write for RequestBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.0.state() {
            State::Unsent { body, .. } => body.write(bytes),
            State::Answered { .. } | State::Failed => Err(already_gone()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The answer's headers, line by line.
pub(in crate::source::git) struct AnswerHead {
    exchange: Arc<Exchange>,
    lines: Option<Cursor<Vec<u8>>>,
}

impl AnswerHead {
    pub(super) fn new(exchange: &Arc<Exchange>) -> Self {
        Self { exchange: Arc::clone(exchange), lines: None }
    }
}

impl BufRead for AnswerHead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let lines = match self.lines.take() {
            Some(lines) => lines,
            None => Cursor::new(self.exchange.take(|head, _| head.take())?.lines()),
        };
        self.lines.insert(lines).fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if let Some(lines) = &mut self.lines {
            lines.consume(count);
        }
    }
}

impl Read for AnswerHead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

/// The answer's body.
pub(in crate::source::git) struct AnswerBody {
    exchange: Arc<Exchange>,
    body: Option<Body>,
}

impl AnswerBody {
    pub(super) fn new(exchange: &Arc<Exchange>) -> Self {
        Self { exchange: Arc::clone(exchange), body: None }
    }
}

impl BufRead for AnswerBody {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let body = match self.body.take() {
            Some(body) => body,
            None => self.exchange.take(|_, body| body.take())?,
        };
        self.body.insert(body).fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if let Some(body) = &mut self.body {
            body.consume(count);
        }
    }
}

impl Read for AnswerBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}
