//! A short soak; `make soak` is the long one.

use codeimport_integration_tests::soak::{self, Options};
use std::time::Duration;

/// Long enough for each kind of damage to be done once.
const CHAOS: Duration = Duration::from_secs(7);

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_stopped_or_cut_off_no_lease_breaks() {
    let lease_ttl = Duration::from_secs(1);
    let options = Options { chaos: CHAOS, workers: 3, jobs: 200, lease_ttl, ..Options::default() };
    let account = soak::run(options).await.expect("the soak runs");
    assert!(account.violations.is_empty(), "\n{}", account.table());
    assert!(account.requests > 0, "nobody could ask for a run\n{}", account.table());
    assert!(account.refused_writes > 0, "nobody was late: the soak has shown nothing\n{}", account.table());
}
