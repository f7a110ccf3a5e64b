//! The queue's promises, against a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]

mod explanations;
mod finishes;
mod hand_over;
mod heartbeats;
mod hosts;
mod leases;
mod model;
mod overruns;
mod query_plans;
mod reclaims;
mod replicas;
mod retention;
mod rpc;
mod run_events;
mod schedules;
mod service;
mod support;
mod watches;
mod workers;
