//! What can go wrong in the registry, and what callers are told.

use crate::workflow::RoleForbids;
use codeimport_core::{ImportId, ReviewStatus};
use codeimport_kit::{ApiError, Violations};
use codeimport_pg::DbError;
use codeimport_proto::common::ErrorReason;
use std::time::Duration;
use tonic::Status;

/// A failover of the database takes seconds; asking more often only adds load.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What can go wrong between a request and its answer.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The database said no, or nothing.
    #[error(transparent)]
    Db(#[from] DbError),
    /// There is no such import.
    #[error("import {0} does not exist")]
    ImportNotFound(ImportId),
    /// The id wanted is taken.
    #[error("import {0} exists already")]
    ImportAlreadyExists(ImportId),
    /// The source is imported already, by this import.
    #[error("import {0} reads this source already: use it, or say that another one is wanted all the same")]
    SourceAlreadyImported(ImportId),
    /// It changed since the caller read it.
    #[error("import {0} was changed meanwhile")]
    EtagMismatch(ImportId),
    /// Its status does not allow this.
    #[error("import {0} is {1}, which does not allow this")]
    ReviewStatusForbids(ImportId, ReviewStatus),
    /// There is no such credential, or not for the caller.
    #[error("credential {0} does not exist, or belongs to somebody else")]
    CredentialNotFound(String),
    /// Imports use it.
    #[error("credential {0} is used by import {1}: give that another one first")]
    CredentialInUse(String, ImportId),
    /// There is no such webhook, or not for the caller.
    #[error("webhook {0} does not exist, or belongs to somebody else")]
    WebhookNotFound(String),
    /// Nothing from outside starts this import.
    #[error("import {0} has no trigger: create one first")]
    TriggerNotFound(ImportId),
    /// The webhook's log has no such delivery.
    #[error("webhook {0} has no delivery {1}")]
    DeliveryNotFound(String, i64),
    /// The caller's role may not do this.
    #[error(transparent)]
    RoleForbids(#[from] RoleForbids),
    /// A ref leads to this commit, which was not sent.
    #[error("the commit {0}, which a ref leads to, is not stored: send it with PutRevisions first")]
    CommitNotStored(String),
    /// No ref leads to this commit, or it is none.
    #[error("import {0} shows no revision {1}")]
    RevisionNotFound(ImportId, String),
    /// Some of what comes after a cursor was pruned, up to this entry of the trail.
    #[error("events up to {0} are no longer kept: read the imports anew, then watch from now on")]
    EventsGone(i64),
    /// The caller's lease is over, or a later one exists.
    #[error("the lease is lost: stop all writing")]
    LeaseLost,
    /// The token is none that the queue signed.
    #[error("not a lease token of this queue")]
    LeaseTokenInvalid,
    /// Already in the words of the wire.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        let message = error.to_string();
        match error {
            RegistryError::Db(error) => from_db(error),
            RegistryError::ImportNotFound(id) => Self::new(ErrorReason::ImportNotFound, message).with("import_id", id),
            RegistryError::ImportAlreadyExists(id) => {
                Self::new(ErrorReason::ImportAlreadyExists, message).with("import_id", id)
            }
            RegistryError::SourceAlreadyImported(id) => {
                Self::new(ErrorReason::SourceAlreadyImported, message).with("import_id", id)
            }
            RegistryError::EtagMismatch(id) => Self::new(ErrorReason::EtagMismatch, message).with("import_id", id),
            RegistryError::ReviewStatusForbids(id, status) => {
                Self::new(ErrorReason::ReviewStatusForbids, message).with("import_id", id).with("review_status", status)
            }
            RegistryError::CredentialNotFound(id) => {
                Self::new(ErrorReason::CredentialNotFound, message).with("credential_id", id)
            }
            RegistryError::CredentialInUse(id, import_id) => {
                Self::new(ErrorReason::CredentialInUse, message).with("credential_id", id).with("import_id", import_id)
            }
            RegistryError::WebhookNotFound(id) => {
                Self::new(ErrorReason::WebhookNotFound, message).with("webhook_id", id)
            }
            RegistryError::TriggerNotFound(id) => {
                Self::new(ErrorReason::TriggerNotFound, message).with("import_id", id)
            }
            RegistryError::DeliveryNotFound(id, delivery_id) => Self::new(ErrorReason::DeliveryNotFound, message)
                .with("webhook_id", id)
                .with("delivery_id", delivery_id),
            RegistryError::RoleForbids(RoleForbids { role, transition }) => {
                Self::new(ErrorReason::RoleForbids, message).with("role", role).with("transition", transition.words())
            }
            RegistryError::CommitNotStored(id) => {
                Self::new(ErrorReason::CommitNotStored, message).with("commit_id", id)
            }
            RegistryError::RevisionNotFound(import_id, commit_id) => Self::new(ErrorReason::RevisionNotFound, message)
                .with("import_id", import_id)
                .with("commit_id", commit_id),
            RegistryError::EventsGone(kept_after) => {
                Self::new(ErrorReason::EventsGone, message).with("kept_after_event_id", kept_after)
            }
            RegistryError::LeaseLost => Self::new(ErrorReason::LeaseLost, message),
            RegistryError::LeaseTokenInvalid => Self::new(ErrorReason::LeaseTokenInvalid, message),
            RegistryError::Api(error) => error,
        }
    }
}

impl From<RegistryError> for Status {
    fn from(error: RegistryError) -> Self {
        ApiError::from(error).into()
    }
}

fn from_db(error: DbError) -> ApiError {
    if error.is_unavailable() {
        return ApiError::new(ErrorReason::DatabaseUnavailable, "the database cannot be reached")
            .retry_after(RETRY_AFTER)
            .caused_by(error);
    }
    if error.is_contention() {
        return ApiError::new(ErrorReason::Contention, "other changes came in between").caused_by(error);
    }
    if error.unique_violation() == Some("import_target_url_key") {
        // Found out by the database alone: between a look and a write, another import could take the target.
        return Violations::one("import.target.url", "is the target of another import already");
    }
    ApiError::internal(error)
}
