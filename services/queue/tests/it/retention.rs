//! What nobody asks for any more is deleted, and nothing else.

use crate::support::{Fixture, acquire, beat, line};
use codeimport_core::{Outcome, RunId};
use codeimport_queue::{
    retention::{Swept, sweep},
    store::{Beat, Retention, StoreError},
};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
const KEEP: Retention =
    Retention { history: Duration::from_secs(30 * 86_400), runs_per_job: 2, requests: Duration::from_secs(3_600) };

impl Fixture {
    /// Lets all that is over be over for longer.
    async fn age_history(&self, by: Duration) {
        for column in ["run SET finished_at = finished_at", "lease_request SET granted_at = granted_at"] {
            self.sql(&format!("UPDATE {column} - make_interval(secs => $1)"), &[&by.as_secs_f64()]).await;
        }
    }

    async fn run_with_log(&self) -> RunId {
        self.let_time_pass().await;
        let lease = self.lease_one().await.lease;
        self.store.heartbeat(&[Beat { log_lines: vec![line(1, "hello")], ..beat(&lease) }]).await.unwrap();
        self.finish(&lease, Outcome::Success).await;
        lease.run_id
    }

    async fn sweep(&self) -> Swept {
        sweep(&self.store, &KEEP, Duration::ZERO).await.unwrap()
    }
}

#[tokio::test]
async fn old_runs_go_with_their_logs_but_the_newest_of_each_job_stay() {
    let fixture = Fixture::with_due_jobs(1).await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(fixture.run_with_log().await);
    }
    assert_eq!(fixture.sweep().await.run_count, 0, "nothing is old");
    fixture.age_history(29 * DAY).await;
    assert_eq!(fixture.sweep().await.run_count, 0, "not yet");
    fixture.age_history(2 * DAY).await;
    assert_eq!(fixture.sweep().await.run_count, 2);
    let gone = fixture.store.get_run(runs[1]).await.unwrap_err();
    assert!(matches!(gone, StoreError::RunNotFound(_)));
    assert!(fixture.store.read_log(runs[1], 0).await.unwrap().is_empty());
    assert_eq!(fixture.store.read_log(runs[2], 0).await.unwrap().len(), 1);
    assert_eq!(fixture.sweep().await.run_count, 0, "the newest stay, however old");
}

#[tokio::test]
async fn of_a_deleted_job_nothing_stays() {
    let fixture = Fixture::with_due_jobs(1).await;
    fixture.run_with_log().await;
    fixture.sql("UPDATE job SET wanted = 'deleted'", &[]).await;
    fixture.age_history(31 * DAY).await;
    assert_eq!(fixture.sweep().await.run_count, 1);
}

#[tokio::test]
async fn old_runs_behind_many_that_stay_are_found_piece_by_piece() {
    let fixture = Fixture::with_due_jobs(1).await;
    fixture.run_with_log().await;
    // Copies: of each run one that is its job's only one, so that it stays.
    fixture
        .sql(
            "INSERT INTO run
             SELECT (jsonb_populate_record(run, jsonb_build_object(
                        'run_id', -2000 + n, 'sequence', 1000 + n, 'job_no', job_no + n))).*
               FROM run, generate_series(1, 1500) AS n",
            &[],
        )
        .await;
    fixture
        .sql(
            "INSERT INTO job (job_id, generation, wanted, update_interval_ms, rcs_type, host_id, owner, line_id)
             SELECT job_id || '-' || n, 1, wanted, update_interval_ms, rcs_type, host_id, owner, line_id
               FROM job, generate_series(1, 1500) AS n",
            &[],
        )
        .await;
    fixture.sql("UPDATE run SET run_id = run_id + 5000", &[]).await;
    fixture.age_history(31 * DAY).await;
    assert_eq!(fixture.sweep().await.run_count, 0);
    fixture.sql("UPDATE job SET wanted = 'deleted' WHERE job_no = (SELECT max(job_no) FROM job)", &[]).await;
    assert_eq!(fixture.sweep().await.run_count, 1, "it is in the second piece");
}

#[tokio::test]
async fn requests_are_remembered_for_an_hour() {
    let fixture = Fixture::with_due_jobs(1).await;
    let request = acquire(1);
    fixture.lease(&request).await;
    assert_eq!(fixture.sweep().await.request_count, 0);
    assert_eq!(fixture.lease(&request).await.len(), 1, "a repeat");
    fixture.age_history(DAY).await;
    assert_eq!(fixture.sweep().await.request_count, 1);
}
