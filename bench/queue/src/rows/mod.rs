//! The rows of the table: one goal each, and the peers that they are compared with.

mod backlog;
mod batch;
mod heartbeats;
mod pickup;
mod snapshot;
mod unary;
mod week;

use crate::{Args, peers, report::Figure, stage::Server};
use clap::ValueEnum;

/// A row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Row {
    /// Due, leased, finished: a hundred leases per call.
    Batch,
    /// One job per call, 64 workers.
    Unary,
    /// The same work by pgbench, without a queue's rules and without a hop.
    Pgbench,
    /// graphile_worker, from crates.io.
    GraphileRust,
    /// Graphile Worker, from npm.
    GraphileNode,
    /// From a request, or the due time, to a worker that waits.
    Pickup,
    /// Leasing from a large table.
    Backlog,
    /// A snapshot that somebody holds.
    Snapshot,
    /// Many leases that live.
    Heartbeats,
    /// What a million imports cost, and what a week leaves behind.
    Week,
}

/// Measures one row.
pub(crate) async fn measure(row: Row, args: &Args, server: &Server) -> anyhow::Result<Vec<Figure>> {
    match row {
        Row::Batch => batch::measure(args, server).await,
        Row::Unary => unary::measure(args, server).await,
        Row::Pgbench => peers::pgbench::measure(args, server).await,
        Row::GraphileRust => peers::graphile_rust::measure(server).await,
        Row::GraphileNode => peers::graphile_node::measure(server).await,
        Row::Pickup => pickup::measure(args, server).await,
        Row::Backlog => backlog::measure(args, server).await,
        Row::Snapshot => snapshot::measure(args, server).await,
        Row::Heartbeats => heartbeats::measure(args, server).await,
        Row::Week => week::measure(args, server).await,
    }
}
