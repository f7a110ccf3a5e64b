//! The hot queries use the indexes that were made for them, also when there are many jobs.

use crate::support::Fixture;
use codeimport_pg::Row;

const JOBS: &str = "
    INSERT INTO job (job_id, generation, wanted, update_interval_ms, rcs_type, source_host, state, due_at)
    SELECT 'job-' || n, n, 'active', 21600000, 'git', 'example.org', 'waiting', now() + n * interval '1 second'
      FROM generate_series(1, 20000) AS n";

async fn plan(fixture: &Fixture, sql: &str) -> String {
    let rows = fixture.client().await.query(&format!("EXPLAIN {sql}"), &[]).await.unwrap();
    rows.iter().map(|row: &Row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_lease_query_uses_its_partial_indexes() {
    let fixture = Fixture::new().await;
    fixture.sql(JOBS, &[]).await;
    fixture.sql("ANALYZE job", &[]).await;
    let lease = codeimport_queue::store::LEASE_DUE
        .replace("$1", "'{git}'::text[]")
        .replace("$2", "4::bigint")
        .replace("$3", "'w'")
        .replace("$4", "''")
        .replace("$5", "gen_random_uuid()")
        .replace("$6", "30");
    let plan = plan(&fixture, &lease).await;
    assert!(plan.contains("Index Scan using job_due on job"), "{plan}");
    assert!(plan.contains("Index Scan using job_requested on job"), "{plan}");
    assert!(!plan.contains("Seq Scan on job"), "{plan}");
}

#[tokio::test]
async fn the_reclaim_query_uses_its_partial_index() {
    let fixture = Fixture::new().await;
    fixture.sql(JOBS, &[]).await;
    fixture.sql("ANALYZE job", &[]).await;
    let expired = "SELECT job_id FROM job WHERE state = 'running' AND lease_expires_at < statement_timestamp() \
                   ORDER BY lease_expires_at LIMIT 50 FOR UPDATE SKIP LOCKED";
    let plan = plan(&fixture, expired).await;
    assert!(plan.contains("Index Scan using job_lease_expiry on job"), "{plan}");
}
