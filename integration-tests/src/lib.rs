//! The harness of the integration tests: the real programs on loopback, with all that they live on.
//!
//! A story starts a [`Cluster`] (its own database, queue, registry, workers; each a process), makes a repository
//! with [`GitRepo`] that a [`GitDaemon`] serves, and speaks to the services as any client would. [`Failpoint`] holds
//! a worker still at a known place; [`Process`] kills, pauses and restarts it. What is about the queue alone starts
//! [`Queues`] instead.
//!
//! The programs must have been built before (`make test` does). PostgreSQL comes from `codeimport_pg::test_util`.

#![allow(clippy::needless_update, reason = "messages are completed, so that a field that is added breaks no story")]

mod authority;
mod cluster;
mod eventually;
mod failpoint;
mod git_daemon;
mod git_repo;
mod process;
mod programs;
mod queues;
mod services;
pub mod soak;

pub use authority::Authority;
pub use cluster::{Cluster, ClusterOptions, Worker, create_request, published_refs};
pub use eventually::eventually;
pub use failpoint::{Failpoint, Held};
pub use git_daemon::GitDaemon;
pub use git_repo::{GitRepo, git};
pub use process::Process;
pub use programs::{program, workspace_root};
pub use queues::{QueueClient, QueueOptions, Queues, acquire_request, put_request};
pub use services::Env;
