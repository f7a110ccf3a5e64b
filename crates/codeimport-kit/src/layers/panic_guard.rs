//! Turns a panic in a handler into INTERNAL: one bad request must not take the others with it.
//!
//! What panicked, and where, is logged by the hook that `telemetry` installs, inside the call's span.

use super::around::{Around, HttpRequest, HttpResponse};
use crate::ApiError;
use codeimport_proto::common::ErrorReason;
use futures_util::FutureExt as _;
use http_body::Frame;
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{Status, body::Body, codegen::Bytes};

/// The layer.
#[derive(Clone, Debug)]
pub(crate) struct PanicGuard;

impl Around for PanicGuard {
    async fn around<E, F>(
        &self,
        request: HttpRequest,
        next: impl FnOnce(HttpRequest) -> F + Send,
    ) -> Result<HttpResponse, E>
    where
        E: Send,
        F: Future<Output = Result<HttpResponse, E>> + Send,
    {
        // A handler shares only what is guarded by locks or lives in the database; a poisoned lock would show.
        let handled = AssertUnwindSafe(async move { next(request).await }).catch_unwind().await;
        match handled {
            Ok(answered) => answered.map(|response| response.map(|body| Body::new(GuardedBody { inner: Some(body) }))),
            Err(_) => Ok(panicked().into_http()),
        }
    }
}

fn panicked() -> Status {
    metrics::counter!("grpc_server_panics_total").increment(1);
    let message = "internal error: the handler panicked; the log has it under the request id";
    ApiError::new(ErrorReason::Internal, message).into()
}

/// A stream of messages whose producer may panic halfway: ends with INTERNAL then.
struct GuardedBody {
    /// None after a panic: a producer that has unwound must not be polled again.
    inner: Option<Body>,
}

impl http_body::Body for GuardedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(inner) = self.inner.as_mut() else { return Poll::Ready(None) };
        match catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx))) {
            Ok(polled) => polled,
            Err(_) => {
                self.inner = None;
                let (parts, ()) = panicked().into_http::<()>().into_parts();
                Poll::Ready(Some(Ok(Frame::trailers(parts.headers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }
}
