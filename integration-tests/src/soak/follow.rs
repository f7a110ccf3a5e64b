//! Follows the run events as the registry does: from the last number on, again whenever the stream breaks.

use super::{SharedLedger, Told, job_number};
use crate::QueueClient;
use codeimport_proto::convert::timestamp_from_wire;
use codeimport_proto::queue::{Run, RunEvent, WatchRunEventsRequest};
use prost_types::Timestamp;
use std::time::Duration;
use tokio::task::JoinSet;
use tonic::{Status, transport::Endpoint};

/// Follows until the returned set is dropped, now by one replica, now by the other.
pub(crate) fn start(urls: Vec<String>, ledger: SharedLedger) -> JoinSet<()> {
    let mut follower = JoinSet::new();
    follower.spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        for url in urls.iter().cycle() {
            tick.tick().await;
            // Whatever ended the stream: the next one goes on where it ended.
            let _ = follow(url, &ledger).await;
        }
    });
    follower
}

async fn follow(url: &str, ledger: &SharedLedger) -> Result<(), Status> {
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|error| Status::internal(error.to_string()))?;
    let mut client = QueueClient::new(endpoint.connect_timeout(Duration::from_secs(1)).connect_lazy());
    let request = WatchRunEventsRequest { after_sequence: ledger.lock().last_sequence() };
    let mut stream = client.runs.watch_run_events(request).await?.into_inner();
    while let Some(answer) = stream.message().await? {
        let mut ledger = ledger.lock();
        answer.events.into_iter().filter_map(told).for_each(|told| ledger.tell(told));
    }
    Ok(())
}

/// None for what is not of the soak.
fn told(event: RunEvent) -> Option<Told> {
    let run = event.run?;
    let outcome = run.domain_outcome()?;
    let Run { run_id, job_id, fencing_token, start_time, heartbeat_time, finish_time, .. } = run;
    Some(Told {
        sequence: event.sequence,
        job: job_number(&job_id)?,
        run_id,
        token: fencing_token,
        outcome,
        started_at: micros(start_time)?,
        heartbeat_at: micros(heartbeat_time)?,
        finished_at: micros(finish_time)?,
    })
}

fn micros(time: Option<Timestamp>) -> Option<i64> {
    Some(timestamp_from_wire(&time?)?.as_microsecond())
}
