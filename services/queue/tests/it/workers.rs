//! Workers are known, drained, resumed, and missed.

use crate::{
    rpc::service,
    support::{Fixture, put},
};
use codeimport_core::RcsType;
use codeimport_kit::reason_of;
use codeimport_proto::{
    common::{self, ErrorReason},
    queue::{
        AcquireLeasesRequest, AcquireLeasesResponse, Capability, DrainWorkerRequest, HeartbeatRequest,
        ListWorkersRequest, RegisterWorkerRequest, ResumeWorkerRequest, Worker, WorkerState,
        lease_service_server::LeaseService as _, worker_service_server::WorkerService as _,
    },
};
use codeimport_queue::{schedule::ScheduleState, store::Retention, workers::Workers};
use std::time::Duration;
use tonic::Request;
use uuid::Uuid;

const SILENCE: Duration = Duration::from_secs(90);

fn register(worker_id: &str) -> Request<RegisterWorkerRequest> {
    let git = Capability { rcs_type: common::RcsType::Git.into(), tools: "git version 2".to_owned() };
    Request::new(RegisterWorkerRequest {
        worker_id: worker_id.to_owned(),
        version: "1.0".to_owned(),
        slot_count: 4,
        capabilities: vec![git],
    })
}

fn drain(worker_id: &str) -> Request<DrainWorkerRequest> {
    let (worker_id, drained_by, reason) = (worker_id.to_owned(), "robin".to_owned(), "new disk".to_owned());
    Request::new(DrainWorkerRequest { worker_id, drained_by, reason })
}

fn ask(worker_id: &str, request_id: Uuid, wait_s: i64) -> Request<AcquireLeasesRequest> {
    Request::new(AcquireLeasesRequest {
        worker_id: worker_id.to_owned(),
        max_leases: 1,
        rcs_types: vec![common::RcsType::Git.into()],
        wait_timeout: Some(prost_types::Duration { seconds: wait_s, nanos: 0 }),
        request_id: request_id.to_string(),
        ..Default::default()
    })
}

async fn list(fixture: &Fixture) -> Vec<Worker> {
    let listed = service(fixture).workers.list_workers(Request::new(ListWorkersRequest::default())).await;
    listed.unwrap().into_inner().workers
}

#[tokio::test]
async fn a_registered_worker_is_listed_with_what_it_can_do() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    service.leases.register_worker(register("w")).await.unwrap();
    service.leases.register_worker(register("w")).await.unwrap();
    let workers = list(&fixture).await;
    assert_eq!(workers.len(), 1, "the same one, started anew");
    let worker = &workers[0];
    assert_eq!((worker.slot_count, worker.state()), (4, WorkerState::Online));
    assert_eq!(worker.capabilities[0].tools, "git version 2");
}

#[tokio::test]
async fn a_drained_worker_is_given_nothing_until_it_is_resumed_and_says_who_and_why() {
    let fixture = Fixture::with_due_jobs(1).await;
    let service = service(&fixture);
    service.leases.register_worker(register("w")).await.unwrap();
    let drained = service.workers.drain_worker(drain("w")).await.unwrap().into_inner().worker.unwrap();
    assert_eq!(drained.state(), WorkerState::Draining);
    assert_eq!((drained.state_set_by.as_str(), drained.state_reason.as_str()), ("robin", "new disk"));
    let asked = service.leases.acquire_leases(ask("w", Uuid::new_v4(), 30)).await.unwrap().into_inner();
    assert_eq!((asked.leases.len(), asked.drain), (0, true));
    let beat = HeartbeatRequest { worker_id: "w".to_owned(), items: Vec::new() };
    assert!(service.leases.heartbeat(Request::new(beat)).await.unwrap().into_inner().drain);
    let again = service.leases.register_worker(register("w")).await.unwrap().into_inner();
    assert!(again.drain, "it outlives a restart");
    let resume = ResumeWorkerRequest { worker_id: "w".to_owned(), ..Default::default() };
    service.workers.resume_worker(Request::new(resume)).await.unwrap();
    let asked = service.leases.acquire_leases(ask("w", Uuid::new_v4(), 0)).await.unwrap().into_inner();
    assert_eq!((asked.leases.len(), asked.drain), (1, false));
}

#[tokio::test]
async fn a_long_poll_ends_with_the_drain() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    service.leases.register_worker(register("w")).await.unwrap();
    let (asked, drained) = tokio::join!(
        service.leases.acquire_leases(ask("w", Uuid::new_v4(), 30)),
        service.workers.drain_worker(drain("w"))
    );
    drained.unwrap();
    assert_eq!(asked.unwrap().into_inner(), AcquireLeasesResponse { leases: Vec::new(), drain: true });
}

#[tokio::test]
async fn a_drained_worker_still_finds_out_what_a_repeated_request_was_granted() {
    let fixture = Fixture::with_due_jobs(2).await;
    let service = service(&fixture);
    service.leases.register_worker(register("w")).await.unwrap();
    let request_id = Uuid::new_v4();
    let first = service.leases.acquire_leases(ask("w", request_id, 0)).await.unwrap().into_inner();
    service.workers.drain_worker(drain("w")).await.unwrap();
    let repeated = service.leases.acquire_leases(ask("w", request_id, 0)).await.unwrap().into_inner();
    assert_eq!(repeated.leases.iter().map(|lease| lease.run_id).collect::<Vec<_>>(), [first.leases[0].run_id]);
}

#[tokio::test]
async fn a_worker_that_nobody_knows_cannot_be_drained() {
    let fixture = Fixture::new().await;
    let refused = service(&fixture).workers.drain_worker(drain("nobody")).await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::WorkerNotFound));
}

#[tokio::test]
async fn a_silent_worker_is_taken_for_gone_and_comes_back_when_it_is_heard() {
    let fixture = Fixture::new().await;
    service(&fixture).leases.register_worker(register("w")).await.unwrap();
    assert!(fixture.store.mark_gone_workers(SILENCE).await.unwrap().is_empty());
    fixture.sql("UPDATE worker SET seen_at = now() - interval '2 minutes'", &[]).await;
    assert_eq!(fixture.store.mark_gone_workers(SILENCE).await.unwrap(), ["w"]);
    assert_eq!(list(&fixture).await[0].state(), WorkerState::Offline);
    let heard = Workers::default();
    heard.heard_alive("w");
    fixture.store.sight_workers(&heard.take_heard()).await.unwrap();
    assert_eq!(list(&fixture).await[0].state(), WorkerState::Online);
}

#[tokio::test]
async fn a_worker_that_never_registered_is_known_by_its_asking() {
    let fixture = Fixture::new().await;
    let heard = Workers::default();
    heard.heard_asking("old", "0.9", &[RcsType::Git]);
    heard.heard_alive("stranger");
    fixture.store.sight_workers(&heard.take_heard()).await.unwrap();
    let workers = list(&fixture).await;
    assert_eq!(workers.iter().map(|worker| worker.worker_id.as_str()).collect::<Vec<_>>(), ["old"]);
    assert_eq!((workers[0].slot_count, workers[0].capabilities.len()), (0, 1));
}

#[tokio::test]
async fn workers_that_have_been_gone_for_long_are_forgotten_unless_they_are_drained() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    for worker_id in ["drained", "gone", "well"] {
        service.leases.register_worker(register(worker_id)).await.unwrap();
    }
    service.workers.drain_worker(drain("drained")).await.unwrap();
    let sql = "UPDATE worker SET gone_at = now() - interval '31 days' WHERE worker_id <> 'well'";
    fixture.sql(sql, &[]).await;
    let keep = Retention { history: 30 * Duration::from_secs(86_400), runs_per_job: 1, requests: SILENCE };
    assert_eq!(fixture.store.forget_workers(&keep).await.unwrap(), 1);
    assert_eq!(list(&fixture).await.len(), 2);
}

#[tokio::test]
async fn the_drain_of_another_replica_is_read_from_the_database() {
    let fixture = Fixture::new().await;
    fixture.put(&put("a", 1, ScheduleState::Active)).await;
    let service = service(&fixture);
    service.leases.register_worker(register("w")).await.unwrap();
    service.workers.drain_worker(drain("w")).await.unwrap();
    assert!(fixture.store.drained_workers().await.unwrap().contains("w"));
}
