//! Gives every call a name: the caller's, or a new one. It comes back in the response and goes on with outgoing calls.

use super::around::{Around, HttpRequest, HttpResponse};
use std::{future::Future, sync::Arc};
use tonic::metadata::MetadataMap;
use uuid::Uuid;

const HEADER: &str = "x-request-id";
/// Longest id taken from a caller; a longer one is replaced. It is written into every log line.
const MAX_LEN: usize = 128;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// Names one call in log lines, errors and the calls that follow from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id of the call that this task handles; none outside of a handler, and in tasks that it has spawned.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// A new id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7().to_string().into())
    }

    /// The id as text: printable ASCII without spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn write(&self, metadata: &mut MetadataMap) {
        if let Ok(value) = self.0.parse() {
            metadata.insert(HEADER, value);
        }
    }

    /// Runs a future as if it handled the call `id`.
    #[cfg(test)]
    pub(crate) async fn scope<T>(id: &str, future: impl Future<Output = T>) -> T {
        CURRENT.scope(Self(id.into()), future).await
    }

    /// The caller's id, if it is fit for a log line.
    fn of(request: &HttpRequest) -> Option<Self> {
        let text = request.headers().get(HEADER)?.to_str().ok()?;
        let fits = (1..=MAX_LEN).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.into()))
    }
}

/// The layer.
#[derive(Clone, Debug)]
pub(crate) struct NameCalls;

impl Around for NameCalls {
    async fn around<E, F>(
        &self,
        mut request: HttpRequest,
        next: impl FnOnce(HttpRequest) -> F + Send,
    ) -> Result<HttpResponse, E>
    where
        E: Send,
        F: Future<Output = Result<HttpResponse, E>> + Send,
    {
        let id = RequestId::of(&request).unwrap_or_else(RequestId::generate);
        request.extensions_mut().insert(id.clone());
        let mut response = CURRENT.scope(id.clone(), async move { next(request).await }).await?;
        if let Ok(value) = id.as_str().parse() {
            response.headers_mut().insert(HEADER, value);
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::body::Body;

    fn id_from(header: &str) -> Option<RequestId> {
        RequestId::of(&http::Request::builder().header(HEADER, header).body(Body::empty()).expect("request"))
    }

    #[test]
    fn a_decent_id_is_kept() {
        assert_eq!(id_from("abc-1").expect("kept").as_str(), "abc-1");
    }

    #[test]
    fn an_id_that_would_spoil_a_log_line_is_replaced() {
        for header in ["", "a b", "a\tb", &"x".repeat(MAX_LEN + 1)] {
            assert_eq!(id_from(header), None, "{header:?}");
        }
    }
}
