//! The order in which finished runs are told.

use crate::support::{Fixture, acquire, finish};
use codeimport_core::{Outcome, RunId};
use codeimport_pg::DbError;
use codeimport_queue::{
    schedule::StopReason,
    store::{RunEvent, append_event},
};
use scoped_futures::ScopedFutureExt as _;
use std::sync::Mutex;
use tokio::sync::oneshot;

async fn events(fixture: &Fixture, after: i64) -> Vec<RunEvent> {
    while fixture.store.number_run_events().await.unwrap() > 0 {}
    fixture.store.read_run_events(after).await.unwrap()
}

fn sequences(events: &[RunEvent]) -> Vec<i64> {
    events.iter().map(|event| event.sequence).collect()
}

#[tokio::test]
async fn every_end_of_a_run_is_one_event() {
    let fixture = Fixture::with_due_jobs(3).await;
    let leases = fixture.lease(&acquire(3)).await;
    fixture.finish(&leases[0].lease, Outcome::Invalid).await;
    fixture.release(&leases[1].lease).await.unwrap();
    fixture.reclaim(&leases[2].lease).await;
    let events = events(&fixture, 0).await;
    assert_eq!(sequences(&events), [1, 2, 3]);
    let told: Vec<_> =
        events.iter().map(|event| (event.run.end.as_ref().unwrap().outcome, event.stop_reason)).collect();
    let expected =
        [(Outcome::Invalid, Some(StopReason::PermanentFailure)), (Outcome::Released, None), (Outcome::Reclaimed, None)];
    assert_eq!(told, expected);
    assert_eq!((events[0].generation, events[0].failure_count), (1, 1));
}

#[tokio::test]
async fn a_reader_goes_on_where_it_was() {
    let fixture = Fixture::with_due_jobs(3).await;
    for lease in fixture.lease(&acquire(3)).await {
        fixture.finish(&lease.lease, Outcome::Success).await;
    }
    assert_eq!(sequences(&events(&fixture, 2).await), [3]);
    assert!(events(&fixture, 3).await.is_empty());
}

#[tokio::test]
async fn events_committed_late_are_not_skipped() {
    let fixture = Fixture::with_due_jobs(2).await;
    let leases = fixture.lease(&acquire(2)).await;
    let (slow, fast) = (&leases[0].lease, &leases[1].lease);
    let (appended, appended_seen) = oneshot::channel();
    let (go_on, told_to_go_on) = oneshot::channel::<()>();
    let signals = Mutex::new(Some((appended, told_to_go_on)));
    let db = fixture.database.db("queue");

    // The first end of a run appends its event and does not commit yet.
    let late = db.run_tx("test.late_finish", |tx| {
        let (appended, told_to_go_on) = signals.lock().unwrap().take().unwrap();
        async move {
            append_event(tx, slow.run_id, None, 1, 0).await.unwrap();
            appended.send(()).unwrap();
            told_to_go_on.await.unwrap();
            Ok::<_, DbError>(())
        }
        .scope_boxed()
    });
    // Meanwhile another run ends, is numbered, and is read.
    let reader = async {
        appended_seen.await.unwrap();
        fixture.finish(fast, Outcome::Success).await;
        let seen = events(&fixture, 0).await;
        go_on.send(()).unwrap();
        seen
    };
    let (committed, seen) = tokio::join!(late, reader);
    committed.unwrap();

    assert_eq!(seen.iter().map(|event| event.run.run_id).collect::<Vec<_>>(), [fast.run_id]);
    // From the reader's position on, the late one comes: it has the higher number, though it was appended first.
    let rest = events(&fixture, seen[0].sequence).await;
    assert_eq!(rest.iter().map(|event| (event.sequence, event.run.run_id)).collect::<Vec<_>>(), [(2, slow.run_id)]);
}

#[tokio::test]
async fn numbers_are_dense_whoever_gives_them_out() {
    let fixture = Fixture::with_due_jobs(60).await;
    let leases = fixture.lease(&acquire(60)).await;
    let finishes: Vec<_> = leases.iter().map(|lease| finish(&lease.lease, Outcome::Success)).collect();
    let finishing = futures_util::future::join_all(finishes.iter().map(|finish| fixture.store.finish_run(finish)));
    let numbering = futures_util::future::join_all((0..20).map(|_| fixture.store.number_run_events()));
    let (finished, numbered) = tokio::join!(finishing, numbering);
    assert!(finished.iter().all(Result::is_ok) && numbered.iter().all(Result::is_ok));
    let events = events(&fixture, 0).await;
    assert_eq!(sequences(&events), (1..=60).collect::<Vec<_>>());
    let mut runs: Vec<RunId> = events.iter().map(|event| event.run.run_id).collect();
    runs.sort();
    runs.dedup();
    assert_eq!(runs.len(), 60);
}
