//! Counts and times every call, by the names that most gRPC dashboards expect:
//!
//! - `grpc_server_started_total`
//! - `grpc_server_handled_total`, with `grpc_code` ("OK", "NotFound", …)
//! - `grpc_server_handling_seconds`, until the last byte of the answer
//!
//! A call whose caller went away is `Canceled`.

use super::{
    around::{Around, HttpRequest, HttpResponse},
    known_methods::{MethodLabels, labels_of},
};
use http::HeaderMap;
use http_body::Frame;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};
use tonic::{Code, Status, body::Body, codegen::Bytes};

/// The layer.
#[derive(Clone, Debug)]
pub(crate) struct CountCalls;

impl Around for CountCalls {
    async fn around<E, F>(
        &self,
        request: HttpRequest,
        next: impl FnOnce(HttpRequest) -> F + Send,
    ) -> Result<HttpResponse, E>
    where
        E: Send,
        F: Future<Output = Result<HttpResponse, E>> + Send,
    {
        let mut call = Call::start(labels_of(request.uri().path()));
        let response = next(request).await?;
        if let Some(code) = code_in(response.headers()) {
            call.end(code);
            return Ok(response);
        }
        Ok(response.map(|inner| Body::new(CountedBody { inner, call })))
    }
}

/// One call, counted as handled exactly once.
struct Call {
    labels: MethodLabels,
    started: Instant,
    ended: bool,
}

impl Call {
    fn start(labels: MethodLabels) -> Self {
        metrics::counter!("grpc_server_started_total",
            "grpc_type" => labels.kind, "grpc_service" => labels.service, "grpc_method" => labels.method)
        .increment(1);
        Self { labels, started: Instant::now(), ended: false }
    }

    fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let MethodLabels { kind, service, method } = self.labels;
        metrics::counter!("grpc_server_handled_total", "grpc_type" => kind, "grpc_service" => service,
            "grpc_method" => method, "grpc_code" => code_name(code))
        .increment(1);
        metrics::histogram!("grpc_server_handling_seconds", "grpc_type" => kind, "grpc_service" => service,
            "grpc_method" => method)
        .record(self.started.elapsed());
    }
}

impl Drop for Call {
    /// Nobody polls a call any more that its caller has given up.
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// Waits for the status in the trailers.
struct CountedBody {
    inner: Body,
    call: Call,
}

impl http_body::Body for CountedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(code) = frame.trailers_ref().and_then(code_in) {
                    self.call.end(code);
                }
            }
            Poll::Ready(Some(Err(status))) => self.call.end(status.code()),
            // The protocol wants trailers; a body that ends without them is broken.
            Poll::Ready(None) => self.call.end(Code::Unknown),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}

fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|value| Code::from_bytes(value.as_bytes()))
}

/// The names of Go's gRPC, which dashboards know.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
