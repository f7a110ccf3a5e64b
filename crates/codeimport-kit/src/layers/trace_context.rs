//! W3C Trace Context (<https://www.w3.org/TR/trace-context/>): reads `traceparent`, opens the call's span, passes on.
//!
//! The ids are on the span of every log line, so that lines of several services can be put together, with or without
//! a tracing backend.

use super::{
    RequestId,
    around::{Around, HttpRequest, HttpResponse},
};
use std::{fmt, future::Future};
use tonic::metadata::MetadataMap;
use tracing::Instrument as _;

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";
/// Longest `tracestate` passed on; the standard asks for at least this much.
const MAX_STATE_LEN: usize = 512;

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Where a call belongs in a distributed trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
    state: Option<String>,
}

impl TraceContext {
    /// The context of the call that this task handles.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// The beginning of a new trace, not sampled.
    #[must_use]
    pub fn root() -> Self {
        // Zero is no id; the chance is 2^-128, and the standard still forbids it.
        Self { trace_id: rand::random::<u128>().max(1), span_id: random_span(), flags: 0, state: None }
    }

    /// A step further within the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: random_span(), ..self.clone() }
    }

    /// Reads a `traceparent` of version 00, or what of a later version looks like it (standard, section 3.2.4).
    fn parse(parent: &str) -> Option<Self> {
        let mut parts = parent.split('-');
        let version = parse_hex(parts.next()?, 2)?;
        let trace_id = parse_hex(parts.next()?, 32)?;
        let span_id = u64::try_from(parse_hex(parts.next()?, 16)?).ok()?;
        let flags = u8::try_from(parse_hex(parts.next()?, 2)?).ok()?;
        let valid = version != 0xff && trace_id != 0 && span_id != 0 && (version != 0 || parts.next().is_none());
        valid.then_some(Self { trace_id, span_id, flags, state: None })
    }

    fn of(request: &HttpRequest) -> Option<Self> {
        let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let mut context = Self::parse(text(PARENT)?)?;
        context.state = text(STATE).filter(|state| state.len() <= MAX_STATE_LEN).map(str::to_owned);
        Some(context)
    }

    pub(crate) fn write(&self, metadata: &mut MetadataMap) {
        let mut put = |name: &'static str, text: &str| {
            if let Ok(value) = text.parse() {
                metadata.insert(name, value);
            }
        };
        put(PARENT, &self.to_string());
        if let Some(state) = &self.state {
            put(STATE, state);
        }
    }
}

impl fmt::Display for TraceContext {
    /// As a `traceparent`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

fn random_span() -> u64 {
    rand::random::<u64>().max(1)
}

/// A number of exactly `len` lower-case hex digits, as the standard wants them.
fn parse_hex(text: &str, len: usize) -> Option<u128> {
    let digits = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (text.len() == len && digits).then(|| u128::from_str_radix(text, 16).ok())?
}

/// The layer.
#[derive(Clone, Debug)]
pub(crate) struct TraceCalls;

impl Around for TraceCalls {
    async fn around<E, F>(
        &self,
        mut request: HttpRequest,
        next: impl FnOnce(HttpRequest) -> F + Send,
    ) -> Result<HttpResponse, E>
    where
        E: Send,
        F: Future<Output = Result<HttpResponse, E>> + Send,
    {
        let trace = TraceContext::of(&request).map_or_else(TraceContext::root, |parent| parent.child());
        let span = tracing::info_span!(
            "rpc",
            rpc.method = request.uri().path(),
            request.id = RequestId::current().as_ref().map(RequestId::as_str),
            trace.id = format_args!("{:032x}", trace.trace_id),
        );
        request.extensions_mut().insert(trace.clone());
        CURRENT.scope(trace, async move { next(request).await }).instrument(span).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_survives_the_wire() {
        assert_eq!(TraceContext::parse(SAMPLE).expect("valid").to_string(), SAMPLE);
        let root = TraceContext::root();
        assert_eq!(TraceContext::parse(&root.to_string()), Some(root));
    }

    #[test]
    fn a_child_stays_in_its_trace() {
        let parent = TraceContext::parse(SAMPLE).expect("valid");
        let child = parent.child();
        assert_eq!((child.trace_id, child.flags), (parent.trace_id, parent.flags));
        assert_ne!(child.span_id, parent.span_id);
    }

    #[test]
    fn malformed_contexts_begin_a_new_trace() {
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::parse(text), None, "{text}");
        }
    }
}
