//! What the queue is compared with: each on the same server, in the same run, with no network hop of its own.

pub(crate) mod graphile_node;
pub(crate) mod graphile_rust;
pub(crate) mod pgbench;

use std::time::Duration;

/// Jobs that a peer works off.
const JOBS: u32 = 20_000;

/// Longest time for that.
const PATIENCE: Duration = Duration::from_secs(300);
