//! What operators may type about workers, hosts and the queue.

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Worker {
    /// List workers: what they can do, whether they take jobs.
    List,
    /// Let a worker take no more jobs; its runs go on to their end.
    Drain(WorkerState),
    /// Let a worker that was drained take jobs again.
    Resume(WorkerState),
}

/// Options of `worker drain` and `worker resume`.
#[derive(Args)]
pub(crate) struct WorkerState {
    /// The worker's id.
    #[arg(value_name = "WORKER")]
    pub(crate) worker_id: String,
    /// Why, for the record.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) reason: String,
}

#[derive(Subcommand)]
pub(crate) enum Host {
    /// List source hosts: what runs there, their limits, and whether they are well.
    List,
    /// Set how much a host may be used; what is not given is as configured.
    Limit(HostLimit),
    /// Forget a host's trouble and its pause: its imports may run at once.
    Reset(HostRef),
}

/// Names one host.
#[derive(Args)]
pub(crate) struct HostRef {
    /// The host's name.
    #[arg(value_name = "HOST")]
    pub(crate) name: String,
}

/// Options of `host limit`.
#[derive(Args)]
pub(crate) struct HostLimit {
    #[command(flatten)]
    pub(crate) host: HostRef,
    /// Most runs at a time; 0: none at all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) running: Option<i32>,
    /// Most starts in a minute.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) per_minute: Option<i32>,
    /// Why, for the record.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) reason: String,
}

#[derive(Subcommand)]
pub(crate) enum Queue {
    /// Show how much there is to do, and what holds it up.
    Stats,
}
