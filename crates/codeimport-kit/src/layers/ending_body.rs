//! A stream of messages that somebody else may end early, with a status of their choice.

use futures_util::future::BoxFuture;
use http_body::Frame;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{Status, body::Body, codegen::Bytes};

/// Ends with the status that `end` returns, unless the stream ends before.
pub(super) struct EndingBody {
    inner: Body,
    end: BoxFuture<'static, Status>,
    over: bool,
}

impl EndingBody {
    pub(super) fn wrap(inner: Body, end: impl Future<Output = Status> + Send + 'static) -> Body {
        Body::new(Self { inner, end: Box::pin(end), over: false })
    }
}

impl http_body::Body for EndingBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        // What is ready is sent, even late: the last message of a call that just made it must not be lost.
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let Poll::Ready(status) = self.end.as_mut().poll(cx) else { return Poll::Pending };
        self.over = true;
        let (parts, ()) = status.into_http::<()>().into_parts();
        Poll::Ready(Some(Ok(Frame::trailers(parts.headers))))
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.inner.is_end_stream()
    }
}
