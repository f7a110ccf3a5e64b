//! The registry on a real PostgreSQL, beside the real queue.

mod bulk;
mod credentials;
mod definitions;
mod harness;
mod histories;
mod imports;
mod lists;
mod maintenance;
mod model;
mod parity;
mod process;
mod queue;
mod receiver;
mod relay;
mod replicas;
mod revisions;
mod roles;
mod run_events;
mod scan_bad_input;
mod scans;
mod source_options;
mod source_revisions;
mod triggers;
mod visibility;
mod watch_events;
mod webhooks;
