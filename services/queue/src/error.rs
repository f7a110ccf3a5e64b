//! From the store's errors to the published ones.

use crate::store::StoreError;
use codeimport_kit::ApiError;
use codeimport_pg::DbError;
use codeimport_proto::common::ErrorReason;
use std::{sync::Arc, time::Duration};

/// How long a caller should wait for a database that is away: about one restart's share.
const DATABASE_RETRY: Duration = Duration::from_secs(1);

/// The answer to a call that the store did not carry out.
pub(crate) fn api_error(error: StoreError) -> ApiError {
    match error {
        StoreError::LeaseLost => lease_lost(),
        StoreError::JobNotFound(job_id) => {
            ApiError::new(ErrorReason::JobNotFound, format!("the queue has no job {job_id}")).with("job_id", job_id)
        }
        StoreError::JobStopped(job_id) => {
            let message = format!("job {job_id} is stopped: approve or retry its import first");
            ApiError::new(ErrorReason::JobStopped, message).with("job_id", job_id)
        }
        StoreError::RunNotFound(run_id) => {
            ApiError::new(ErrorReason::RunNotFound, format!("the queue has no run {run_id}")).with("run_id", run_id)
        }
        StoreError::WorkerNotFound(worker_id) => {
            ApiError::new(ErrorReason::WorkerNotFound, format!("the queue has no worker {worker_id}"))
                .with("worker_id", worker_id)
        }
        StoreError::Moved => contention(StoreError::Moved),
        StoreError::NotCarriedOut(_) => draining(),
        StoreError::Db(error) => database_error(error),
    }
}

fn lease_lost() -> ApiError {
    ApiError::new(ErrorReason::LeaseLost, "the lease is not held any more: stop all writing; nothing was recorded")
}

/// The token is none of ours.
pub(crate) fn lease_token_invalid() -> ApiError {
    ApiError::new(ErrorReason::LeaseTokenInvalid, "the lease token was not signed by this queue")
}

/// The process stops; another replica answers.
pub(crate) fn draining() -> ApiError {
    ApiError::new(ErrorReason::Draining, "the queue is shutting down: another replica answers")
        .retry_after(DATABASE_RETRY)
}

fn database_error(error: Arc<DbError>) -> ApiError {
    if error.is_unavailable() {
        return ApiError::new(ErrorReason::DatabaseUnavailable, "the queue's database cannot be reached")
            .caused_by(error)
            .retry_after(DATABASE_RETRY);
    }
    if error.is_contention() {
        return contention(error);
    }
    ApiError::internal(error)
}

fn contention(cause: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    ApiError::new(ErrorReason::Contention, "concurrent changes collided: repeat the call").caused_by(cause)
}
