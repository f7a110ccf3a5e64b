//! Ends calls that are still under way when a stopping server's grace is over: UNAVAILABLE, reason DRAINING, so that
//! callers try another replica and do not have to guess from a broken connection.

use super::{
    around::{Around, HttpRequest, HttpResponse},
    ending_body::EndingBody,
};
use crate::{ApiError, Shutdown};
use codeimport_proto::common::ErrorReason;
use std::{future::Future, time::Duration};
use tonic::Status;

/// Another replica answers at once; this is for the caller who has only us.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The layer; the signal says that the grace is over.
#[derive(Clone, Debug)]
pub(crate) struct CutOff(pub(crate) Shutdown);

fn draining() -> Status {
    ApiError::new(ErrorReason::Draining, "the server stops; the call may have taken effect")
        .retry_after(RETRY_AFTER)
        .into()
}

impl Around for CutOff {
    async fn around<E, F>(
        &self,
        request: HttpRequest,
        next: impl FnOnce(HttpRequest) -> F + Send,
    ) -> Result<HttpResponse, E>
    where
        E: Send,
        F: Future<Output = Result<HttpResponse, E>> + Send,
    {
        let response = tokio::select! {
            // A call that is done when the signal comes is done.
            biased;
            answered = async move { next(request).await } => answered?,
            () = self.0.drained() => return Ok(draining().into_http()),
        };
        let over = self.0.clone();
        let end = async move {
            over.drained().await;
            draining()
        };
        Ok(response.map(|body| EndingBody::wrap(body, end)))
    }
}
