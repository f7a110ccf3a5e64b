//! The registry on a real PostgreSQL, beside a queue that does what a test says.

mod fake_queue;
mod harness;
mod imports;
mod process;
mod relay;
mod run_events;
mod scans;
mod source_options;
mod source_revisions;
mod visibility;
