//! The hot statements read what they need and no more, however much there is.

use crate::support::{Fixture, put, run_id};
use codeimport_pg::Row;
use codeimport_queue::{
    schedule::ScheduleState,
    store::{HAND_OVER, OPEN_LEASES, SWEEP},
};

/// The plan with what it really read.
async fn plan(fixture: &Fixture, sql: &str) -> String {
    let client = fixture.client().await;
    // As the service has it planned.
    for kind in ["bitmapscan", "seqscan", "mergejoin"] {
        client.execute(&format!("SET enable_{kind} = off"), &[]).await.unwrap();
    }
    for (cost, value) in [("random_page", 1.1), ("cpu_operator", 0.05)] {
        client.execute(&format!("SET {cost}_cost = {value}"), &[]).await.unwrap();
    }
    let rows = client.query(&format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {sql}"), &[]).await.unwrap();
    rows.iter().map(|row: &Row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

/// The largest number of rows that any node of the plan returned or threw away.
fn most_rows(plan: &str) -> u64 {
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>().ok();
    let after = |mark: &'static str| plan.split(mark).skip(1).filter_map(number);
    after("rows=").chain(after("Filter: ")).max().unwrap_or_default()
}

async fn with_a_crowd() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.put(&put("a", 1, ScheduleState::Active)).await;
    fixture.crowd("a", 20_000).await;
    fixture
}

#[tokio::test]
async fn a_lease_round_touches_the_jobs_that_it_takes_and_no_others() {
    let fixture = with_a_crowd().await;
    let first = "(SELECT job_no, line_id, due_at FROM waiting WHERE job_no <= 5 ORDER BY job_no) AS first";
    let array = |column: &str, cast: &str| format!("(SELECT array_agg({column}) FROM {first})::{cast}");
    let of = |value: &str, cast: &str| format!("array_fill({value}, '{{5}}')::{cast}");
    let statement = OPEN_LEASES
        .replace("$10::integer[]", "'{1}'::integer[]")
        .replace("$11::integer[]", "'{5}'::integer[]")
        .replace("$12", "30")
        .replace("$1::bigint[]", &array("job_no", "bigint[]"))
        .replace("$2::bigint[]", &array("line_id", "bigint[]"))
        .replace("$3::timestamptz[]", &array("due_at", "timestamptz[]"))
        .replace("$4::integer[]", "'{1,2,3,4,5}'::integer[]")
        .replace("$5::integer[]", &of("1", "integer[]"))
        .replace("$6::uuid[]", "ARRAY[gen_random_uuid()]")
        .replace("$7::text[]", "'{worker}'::text[]")
        .replace("$8::text[]", "'{0}'::text[]")
        .replace("$9::bigint[]", "'{1,2,3,4,5}'::bigint[]");
    let plan = plan(&fixture, &statement).await;
    assert!(most_rows(&plan) <= 5, "{plan}");
    let client = fixture.client().await;
    let leased = client.query_one("SELECT count(*) FROM lease", &[]).await.unwrap();
    assert_eq!(leased.get::<_, i64>(0), 5);
}

#[tokio::test]
async fn a_hand_over_touches_the_job_asked_for_and_no_others() {
    let fixture = with_a_crowd().await;
    let statement = HAND_OVER
        .replace("$1", "'a-7'")
        .replace("$2", "'robin'")
        .replace("$3", "'{git}'")
        .replace("$4", "gen_random_uuid()")
        .replace("$5", "'worker'")
        .replace("$6", "'0'")
        .replace("$7", "30")
        .replace("$8", "NULL");
    let plan = plan(&fixture, &statement).await;
    assert!(most_rows(&plan) <= 1, "{plan}");
    assert!(run_id(&fixture.job("a-7").await).is_some(), "{plan}");
}

#[tokio::test]
async fn a_sweep_reads_what_has_come_since_the_last_one_and_no_more() {
    let fixture = with_a_crowd().await;
    let since = "now() - interval '1 hour' + interval '19.99 seconds'";
    let statement = SWEEP.replace("$1", since).replace("$2", "0::bigint").replace("$3", "now()").replace("$4", "1000");
    let plan = plan(&fixture, &statement).await;
    assert!(plan.contains("waiting_ready"), "{plan}");
    assert!(most_rows(&plan) <= 20, "{plan}");
}
