//! The registry on a real PostgreSQL, beside a queue that does what a test says.

mod bulk;
mod definitions;
mod fake_queue;
mod harness;
mod imports;
mod lists;
mod process;
mod relay;
mod roles;
mod run_events;
mod scans;
mod source_options;
mod source_revisions;
mod visibility;
