//! The hot statements read what they need and no more, however much there is.

use crate::support::{Fixture, acquire, at_host, policy, put};
use codeimport_pg::Row;
use codeimport_queue::{
    schedule::ScheduleState,
    store::{FIRST_LINES, FIRST_WAITING, LOCK_RIPE_HOSTS, Policy},
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

#[tokio::test]
async fn a_lease_round_reads_a_line_from_its_head_and_no_further_than_its_share() {
    let fixture = Fixture::new().await;
    fixture.put(&put("a", 1, ScheduleState::Active)).await;
    fixture.crowd("a", 20_000).await;
    let statement = FIRST_WAITING
        .replace("$1::bigint[]", "(SELECT array_agg(line_id) FROM line)")
        .replace("$2::timestamptz[]", "(SELECT array_agg(head_due_at) FROM line)")
        .replace("$3::bigint[]", "'{5}'::bigint[]");
    let plan = plan(&fixture, &statement).await;
    assert!(plan.contains("waiting_in_line"), "{plan}");
    assert!(most_rows(&plan) <= 5, "{plan}");
}

#[tokio::test]
async fn a_host_at_its_limit_is_never_scanned() {
    let mut limited: Policy = policy();
    limited.hosts.limits.max_running = Some(1);
    let fixture = Fixture::with_policy(limited).await;
    for number in 0..300 {
        let host = format!("h{number}.org");
        fixture.put(&at_host(&host, put(&format!("job-{number}"), 1, ScheduleState::Active))).await;
        fixture.put(&at_host(&host, put(&format!("next-{number}"), 1, ScheduleState::Active))).await;
    }
    let mut leased = 0;
    while leased < 300 {
        leased += fixture.lease(&acquire(100)).await.len();
    }
    fixture.put(&at_host("free.org", put("free", 1, ScheduleState::Active))).await;
    fixture.sql("ANALYZE host_turn", &[]).await;
    let statement = LOCK_RIPE_HOSTS.replace("$1", "'{git}'").replace("$2", "'{epoch}'").replace("$3", "100::bigint");
    let plan = plan(&fixture, &statement).await;
    assert!(plan.contains("host_turn_order"), "{plan}");
    assert!(most_rows(&plan) <= 2, "one host has its turn, for each of two classes: {plan}");
    assert_eq!(fixture.lease(&acquire(100)).await.len(), 1);
}

#[tokio::test]
async fn lines_that_are_not_ripe_are_not_read_beyond_the_first_ones() {
    let fixture = Fixture::new().await;
    for number in 0..50 {
        let mut put = put(&format!("job-{number}"), 1, ScheduleState::Active);
        put.schedule.owner = format!("owner-{number}");
        fixture.put(&put).await;
    }
    fixture.sql("ANALYZE line", &[]).await;
    let statement = FIRST_LINES
        .replace(
            "nullif(current_setting('queue.locked_hosts', true), '')",
            "(SELECT array_agg(host_id) FROM source_host)",
        )
        .replace("$1", "'{git}'")
        .replace("$2", "3")
        .replace("$3", "1");
    assert!(most_rows(&plan(&fixture, &statement).await) <= 3);
}
