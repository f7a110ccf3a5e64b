//! GetImport: the import as stored, and what the queue says of it, if it says so at once.

use super::convert;
use crate::{
    error::RegistryError,
    store::Store,
    what_now::{JobWord, what_now},
};
use codeimport_core::ImportId;
use codeimport_kit::{client::OutboundChannel, reason_of};
use codeimport_proto::{
    common::ErrorReason,
    queue::{ExplainScheduleRequest, schedule_service_client::ScheduleServiceClient},
    registry::GetImportResponse,
};
use std::time::Duration;

/// The definition is worth more than the date: a queue that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Reads an import and asks the queue about it.
pub(super) async fn get(
    store: &Store,
    queue: &OutboundChannel,
    id: &ImportId,
) -> Result<GetImportResponse, RegistryError> {
    let import = store.import(id).await?;
    let word = ask(queue.clone(), id).await;
    Ok(GetImportResponse {
        import: Some(convert::import(&import)),
        what_now: what_now(&import, &word),
        next_due_time: match word {
            JobWord::Job(explained) => explained.job.and_then(|job| job.due_time),
            JobWord::Unknown | JobWord::Silent => None,
        },
    })
}

async fn ask(queue: OutboundChannel, id: &ImportId) -> JobWord {
    let request = ExplainScheduleRequest { job_id: id.to_string() };
    let mut client = ScheduleServiceClient::new(queue);
    match tokio::time::timeout(PATIENCE, client.explain_schedule(request)).await {
        Ok(Ok(answer)) => JobWord::Job(Box::new(answer.into_inner())),
        Ok(Err(status)) if reason_of(&status) == Some(ErrorReason::JobNotFound) => JobWord::Unknown,
        Ok(Err(_)) | Err(_) => JobWord::Silent,
    }
}
