//! One worker's scan: all revisions, then the swap.

use crate::{
    history::History,
    house::{House, token},
};
use codeimport_proto::registry::{PutRevisionsRequest, SwapRefsRequest};
use futures_util::{StreamExt as _, TryStreamExt as _};
use std::time::{Duration, Instant};

/// What is told, and how.
#[derive(clap::Args)]
pub struct Shape {
    /// Commits in the history.
    #[arg(long, default_value_t = 1_000_000)]
    pub commits: u64,
    /// Tags in the history.
    #[arg(long, default_value_t = 500)]
    pub tags: u64,
    /// Revisions in one message.
    #[arg(long, default_value_t = 5_000)]
    pub batch: usize,
    /// Messages that may be on their way at once.
    #[arg(long, default_value_t = 4)]
    pub ahead: usize,
}

/// How long the parts took.
pub struct Scan {
    /// Storing all revisions.
    pub put: Duration,
    /// Showing them.
    pub swap: Duration,
    /// How many refs.
    pub refs: usize,
}

/// Stores a history as a worker would.
pub async fn scan(house: &House, shape: &Shape, run: i64) -> anyhow::Result<Scan> {
    let mut history = History::new(shape.commits, shape.tags);
    let lease_token = token(run);
    let (mut requests, mut offset) = (Vec::new(), 0);
    loop {
        let revisions = history.take(shape.batch);
        if revisions.is_empty() {
            break;
        }
        let request = PutRevisionsRequest { lease_token: lease_token.clone(), revisions, offset, ..Default::default() };
        offset += request.revisions.len() as i64;
        requests.push(request);
    }
    // From here on it is the registry's work, and that of telling it: to make the history up was the benchmark's.
    let started = Instant::now();
    let calls = requests.into_iter().map(|request| {
        let mut runs = house.runs.clone();
        async move { runs.put_revisions(request).await }
    });
    futures_util::stream::iter(calls).buffered(shape.ahead).try_for_each(async |_| Ok(())).await?;
    let put = started.elapsed();
    let refs = history.refs.len();
    let swap = swap(house, history, lease_token).await?;
    Ok(Scan { put, swap, refs })
}

async fn swap(house: &House, history: History, lease_token: Vec<u8>) -> anyhow::Result<Duration> {
    let default_branch = "refs/heads/main".to_owned();
    let mut request = tonic::Request::new(SwapRefsRequest {
        lease_token,
        refs: history.refs,
        default_branch,
        refs_digest: vec![1; 32],
        ..Default::default()
    });
    request.set_timeout(Duration::from_secs(600));
    let started = Instant::now();
    house.runs.clone().swap_refs(request).await?;
    Ok(started.elapsed())
}
