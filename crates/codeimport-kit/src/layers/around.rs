//! The tower ceremony, once: a layer is an async function around the next one.

use futures_util::future::BoxFuture;
use std::{
    future::Future,
    mem,
    task::{Context, Poll},
};
use tonic::body::Body;
use tower::{Layer, Service};

pub(crate) type HttpRequest = http::Request<Body>;
pub(crate) type HttpResponse = http::Response<Body>;

/// One concern that surrounds every call.
pub(crate) trait Around: Clone + Send + Sync + 'static {
    /// Handles a call with the help of `next`, which is everything further inside.
    fn around<E, F>(
        &self,
        request: HttpRequest,
        next: impl FnOnce(HttpRequest) -> F + Send,
    ) -> impl Future<Output = Result<HttpResponse, E>> + Send
    where
        E: Send,
        F: Future<Output = Result<HttpResponse, E>> + Send;
}

/// Two concerns, the first one around the second: so that however many there are, a service is cloned and a future put on
/// the heap once per call.
impl<A: Around, B: Around> Around for (A, B) {
    async fn around<E, F>(
        &self,
        request: HttpRequest,
        next: impl FnOnce(HttpRequest) -> F + Send,
    ) -> Result<HttpResponse, E>
    where
        E: Send,
        F: Future<Output = Result<HttpResponse, E>> + Send,
    {
        let (outer, inner) = self;
        outer.around(request, move |request| inner.around(request, next)).await
    }
}

/// Puts a concern around services.
#[derive(Clone, Debug)]
pub(crate) struct AroundLayer<A>(pub(crate) A);

impl<A: Clone, S> Layer<S> for AroundLayer<A> {
    type Service = AroundService<A, S>;

    fn layer(&self, inner: S) -> Self::Service {
        AroundService { around: self.0.clone(), inner }
    }
}

/// A service with a concern around it.
#[derive(Clone, Debug)]
pub(crate) struct AroundService<A, S> {
    around: A,
    inner: S,
}

impl<A, S> Service<HttpRequest> for AroundService<A, S>
where
    A: Around,
    S: Service<HttpRequest, Response = HttpResponse> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<HttpResponse, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: HttpRequest) -> Self::Future {
        // The service that was polled ready must take the call; its clone has not been.
        let fresh = self.inner.clone();
        let mut ready = mem::replace(&mut self.inner, fresh);
        let around = self.around.clone();
        Box::pin(async move { around.around(request, move |request| ready.call(request)).await })
    }
}
