//! The order in which finished runs are told.

use crate::support::{Fixture, acquire, finish};
use codeimport_core::{Outcome, RunId};
use codeimport_pg::DbError;
use codeimport_queue::{schedule::StopReason, store::RunEvent};
use futures_util::FutureExt as _;
use scoped_futures::ScopedFutureExt as _;
use std::sync::Mutex;
use tokio::sync::oneshot;

async fn events(fixture: &Fixture, after: i64) -> Vec<RunEvent> {
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

/// Whoever draws a number keeps the counter until its commit: so a number can never appear after a higher one.
#[tokio::test]
async fn an_end_that_has_drawn_a_number_lets_no_other_become_visible_before_it() {
    let fixture = Fixture::with_due_jobs(1).await;
    let lease = fixture.lease_one().await.lease;
    let (drawn, drawn_seen) = oneshot::channel();
    let (go_on, told_to_go_on) = oneshot::channel::<()>();
    let signals = Mutex::new(Some((drawn, told_to_go_on)));
    let db = fixture.database.db("queue");
    let slow = db.run_tx("test.slow_end", |tx| {
        let (drawn, told_to_go_on) = signals.lock().unwrap().take().unwrap();
        async move {
            tx.execute("UPDATE run_counter SET last_sequence = last_sequence + 1", &[]).await?;
            drawn.send(()).unwrap();
            told_to_go_on.await.unwrap();
            Ok::<_, DbError>(())
        }
        .scope_boxed()
    });
    let fast = async {
        drawn_seen.await.unwrap();
        let mut finish = Box::pin(fixture.finish(&lease, Outcome::Success));
        // It waits for the slow one, and until then nobody sees its event.
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%end_well%'";
        let client = fixture.client().await;
        loop {
            assert!((&mut finish).now_or_never().is_none());
            if client.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0 {
                break;
            }
        }
        assert!(events(&fixture, 0).await.is_empty());
        go_on.send(()).unwrap();
        finish.await
    };
    let (slow, _) = tokio::join!(slow, fast);
    slow.unwrap();
    assert_eq!(sequences(&events(&fixture, 0).await), [2]);
}

#[tokio::test]
async fn numbers_are_dense_however_many_end_at_once() {
    let fixture = Fixture::with_due_jobs(60).await;
    let leases = fixture.lease(&acquire(60)).await;
    let finishes: Vec<_> = leases.iter().map(|lease| finish(&lease.lease, Outcome::Success)).collect();
    let finished = futures_util::future::join_all(finishes.iter().map(|finish| fixture.try_finish(finish))).await;
    assert!(finished.iter().all(Result::is_ok));
    let events = events(&fixture, 0).await;
    assert_eq!(sequences(&events), (1..=60).collect::<Vec<_>>());
    let mut runs: Vec<RunId> = events.iter().map(|event| event.run.run_id).collect();
    runs.sort();
    runs.dedup();
    assert_eq!(runs.len(), 60);
}
