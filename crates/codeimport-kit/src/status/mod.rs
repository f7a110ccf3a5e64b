//! Errors on the wire: one mapping from reasons to gRPC codes and details, and the way back.
//!
//! Handlers return [`ApiError`]; `From<ApiError> for tonic::Status` is the only place where a status is made.

mod reason;
mod violations;

pub use reason::{code_of, reason_name};
pub use violations::Violations;

use crate::RequestId;
use codeimport_proto::common::ErrorReason;
use std::{collections::HashMap, fmt, time::Duration};
use tonic::{Code, Status, metadata::MetadataMap};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

/// The `domain` of every `google.rpc.ErrorInfo` that codeimport sends.
pub const ERROR_DOMAIN: &str = "codeimport";

/// Read by gRPC libraries that retry by themselves (gRFC A6); applications read `RetryInfo`.
const PUSHBACK_TRAILER: &str = "grpc-retry-pushback-ms";

/// Why a call is refused or failed: a published reason, a sentence for people, and facts for programs.
#[derive(Debug)]
pub struct ApiError(Box<Parts>);

/// Boxed, because every handler's `Result` carries one.
#[derive(Debug)]
struct Parts {
    reason: ErrorReason,
    message: String,
    metadata: HashMap<String, String>,
    violations: Vec<FieldViolation>,
    retry_after: Option<Duration>,
    cause: Option<String>,
}

impl ApiError {
    /// An error with a reason and a sentence for the caller. The sentence must contain no secret.
    #[must_use]
    pub fn new(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            reason,
            message: message.into(),
            metadata: HashMap::new(),
            violations: Vec::new(),
            retry_after: None,
            cause: None,
        }))
    }

    /// A bug. The caller learns only the request id; `cause` goes to the log, with all its sources.
    #[must_use]
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(ErrorReason::Internal, "internal error; the log has it under the request id").caused_by(cause)
    }

    /// Adds what lies behind the error, for the log only.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.0.cause = Some(format!("{:#}", cause.into()));
        self
    }

    /// Adds a fact for programs: `("import_id", id)`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.0.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Tells the caller how long to wait before trying again.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    pub(crate) fn with_violations(mut self, violations: Vec<FieldViolation>) -> Self {
        self.0.violations = violations;
        self
    }

    /// The reason, for code that branches on it.
    #[must_use]
    pub fn reason(&self) -> ErrorReason {
        self.0.reason
    }

    /// The facts for programs.
    #[must_use]
    pub fn metadata(&self) -> &HashMap<String, String> {
        &self.0.metadata
    }

    /// The sentence for the caller.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What is wrong, field by field; empty unless the reason is FIELD_VIOLATION.
    #[must_use]
    pub fn violations(&self) -> &[FieldViolation] {
        &self.0.violations
    }
}

impl Parts {
    fn log(&self) {
        let reason = reason_name(self.reason);
        let cause = self.cause.as_deref().unwrap_or_default();
        match (code_of(self.reason), &self.cause) {
            (Code::Internal, _) => {
                tracing::error!(error.reason = reason, error.cause = cause, "a call failed by a bug");
            }
            (_, Some(_)) => {
                tracing::warn!(error.reason = reason, error.cause = cause, "a call failed: {}", self.message);
            }
            (_, None) => tracing::debug!(error.reason = reason, "a call was refused: {}", self.message),
        }
    }

    fn details(&mut self) -> ErrorDetails {
        let metadata = std::mem::take(&mut self.metadata);
        let mut details = ErrorDetails::with_error_info(reason_name(self.reason), ERROR_DOMAIN, metadata);
        if !self.violations.is_empty() {
            details.set_bad_request(std::mem::take(&mut self.violations));
        }
        if let Some(delay) = self.retry_after {
            details.set_retry_info(Some(delay));
        }
        if let Some(id) = RequestId::current() {
            details.set_request_info(id.as_str(), "");
        }
        details
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", reason_name(self.0.reason), self.0.message)
    }
}

impl std::error::Error for ApiError {}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        let mut error = error.0;
        error.log();
        let mut trailers = MetadataMap::new();
        if let Some(delay) = error.retry_after {
            let millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            trailers.insert(PUSHBACK_TRAILER, millis.into());
        }
        let details = error.details();
        Self::with_error_details_and_metadata(code_of(error.reason), error.message, details, trailers)
    }
}

/// The reason that a status carries; none if it does not come from a codeimport service.
#[must_use]
pub fn reason_of(status: &Status) -> Option<ErrorReason> {
    let info = status.get_details_error_info()?;
    if info.domain != ERROR_DOMAIN {
        return None;
    }
    reason::reason_from_name(&info.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_wire() {
        for reason in reason::all() {
            let status = Status::from(ApiError::new(reason, "why"));
            assert_eq!(reason_of(&status), Some(reason));
            assert_eq!(status.code(), code_of(reason));
        }
    }

    #[test]
    fn a_foreign_status_has_no_reason() {
        assert_eq!(reason_of(&Status::not_found("x")), None);
        let details = ErrorDetails::with_error_info("LEASE_LOST", "example.org", HashMap::new());
        assert_eq!(reason_of(&Status::with_error_details(Code::Aborted, "x", details)), None);
    }

    #[test]
    fn a_delay_is_told_to_applications_and_to_libraries() {
        let error = ApiError::new(ErrorReason::Draining, "stopping").retry_after(Duration::from_millis(1500));
        let status = Status::from(error);
        let info = status.get_details_retry_info().expect("RetryInfo");
        assert_eq!(info.retry_delay, Some(Duration::from_millis(1500)));
        assert_eq!(status.metadata().get(PUSHBACK_TRAILER).expect("trailer"), "1500");
    }

    #[test]
    fn the_text_of_a_bug_stays_inside() {
        let status = Status::from(ApiError::internal(anyhow::anyhow!("password is hunter2")));
        assert!(!format!("{status:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn an_error_names_its_request() {
        let status = RequestId::scope("r-1", async { Status::from(ApiError::new(ErrorReason::Internal, "x")) }).await;
        assert_eq!(status.get_details_request_info().expect("RequestInfo").request_id, "r-1");
    }
}
