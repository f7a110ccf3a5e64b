//! Keeps the caller's deadline: answers DEADLINE_EXCEEDED when `grpc-timeout` runs out, and lets handlers see it.
//!
//! tonic has a timer of its own, which answers CANCELLED, and only until the response begins. Ours waits a little
//! less, so that it comes first, and goes on through the stream of a response.

use super::{
    around::{Around, HttpRequest, HttpResponse},
    ending_body::EndingBody,
};
use crate::ApiError;
use codeimport_proto::common::ErrorReason;
use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::{Request, Status};

const HEADER: &str = "grpc-timeout";
/// How much of the caller's time is left for the answer's way back, and to come before tonic's timer: a fiftieth, but
/// no less than a busy machine needs to wake up, and never more than half.
const SHARE: u32 = 50;
const LEAST_MARGIN: Duration = Duration::from_millis(50);

tokio::task_local! {
    static CURRENT: Deadline;
}

/// When the caller stops waiting.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline of the call that this task handles; none if its caller set none.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|deadline| *deadline).ok()
    }

    /// The deadline of a request; none if its caller set none.
    #[must_use]
    pub fn of<T>(request: &Request<T>) -> Option<Self> {
        request.extensions().get().copied()
    }

    /// Time left; zero once it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The point in time, on the runtime's monotonic clock.
    #[must_use]
    pub fn instant(&self) -> Instant {
        self.0
    }

    /// Completes when it passes, with the status that says so.
    async fn passed(self) -> Status {
        sleep_until(self.0).await;
        expired()
    }

    fn after(timeout: Duration) -> Option<Self> {
        let margin = (timeout / SHARE).max(LEAST_MARGIN).min(timeout / 2);
        Instant::now().checked_add(timeout - margin).map(Self)
    }
}

/// Reads a `grpc-timeout`: at most 8 digits and a unit (gRPC over HTTP/2, "Requests"). None if it is malformed.
fn parse_timeout(text: &str) -> Option<Duration> {
    let (unit_at, unit) = text.char_indices().next_back()?;
    let digits = &text[..unit_at];
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(number * 3600)),
        'M' => Some(Duration::from_secs(number * 60)),
        'S' => Some(Duration::from_secs(number)),
        'm' => Some(Duration::from_millis(number)),
        'u' => Some(Duration::from_micros(number)),
        'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

fn expired() -> Status {
    ApiError::new(ErrorReason::DeadlineExpired, "the caller's deadline passed; the call may have taken effect").into()
}

/// The layer.
#[derive(Clone, Debug)]
pub(crate) struct EnforceDeadline;

impl Around for EnforceDeadline {
    async fn around<E, F>(
        &self,
        mut request: HttpRequest,
        next: impl FnOnce(HttpRequest) -> F + Send,
    ) -> Result<HttpResponse, E>
    where
        E: Send,
        F: Future<Output = Result<HttpResponse, E>> + Send,
    {
        let header = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
        let Some(deadline) = header.and_then(parse_timeout).and_then(Deadline::after) else {
            return next(request).await;
        };
        request.extensions_mut().insert(deadline);
        let handled = CURRENT.scope(deadline, async move { next(request).await });
        match timeout_at(deadline.0, handled).await {
            Ok(answered) => answered.map(|response| response.map(|body| EndingBody::wrap(body, deadline.passed()))),
            Err(_) => Ok(expired().into_http()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_the_protocol_writes_them() {
        let cases = [
            ("1H", Duration::from_secs(3600)),
            ("2M", Duration::from_secs(120)),
            ("30S", Duration::from_secs(30)),
            ("500m", Duration::from_millis(500)),
            ("99999999u", Duration::from_micros(99_999_999)),
            ("0n", Duration::ZERO),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_timeout(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn malformed_timeouts_are_none() {
        for text in ["", "S", "1", "-1S", "+1S", "123456789S", "1s", "1.5S", "1ü"] {
            assert_eq!(parse_timeout(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_longest_timeout_does_not_overflow() {
        let timeout = parse_timeout("99999999H").expect("well-formed");
        assert!(Deadline::after(timeout).is_none_or(|deadline| deadline.remaining() > Duration::from_secs(3600)));
    }
}
