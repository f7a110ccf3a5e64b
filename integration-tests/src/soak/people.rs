//! People who cannot wait: they ask for runs of any job, at both replicas, so that jobs are handed over to workers that wait
//! while all else goes on.

use super::{Options, job_id};
use crate::QueueClient;
use anyhow::Context as _;
use codeimport_proto::queue::RequestRunRequest;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;
use tonic::transport::Endpoint;

/// Between two requests of one of them.
const PAUSE: Duration = Duration::from_millis(10);

/// They ask until this is dropped.
pub(crate) struct People {
    recorded: Arc<AtomicU64>,
    _asking: JoinSet<()>,
}

impl People {
    /// One for each replica.
    pub(crate) fn gather(options: &Options, urls: &[String]) -> anyhow::Result<Self> {
        let (recorded, mut asking) = (Arc::<AtomicU64>::default(), JoinSet::new());
        for (number, url) in (0..).zip(urls) {
            let endpoint = Endpoint::from_shared(url.clone()).context("the address of a replica")?;
            let client = QueueClient::new(endpoint.connect_timeout(Duration::from_secs(1)).connect_lazy());
            let rng = StdRng::seed_from_u64(options.seed.wrapping_add(number));
            asking.spawn(ask(client, options.jobs, rng, Arc::clone(&recorded)));
        }
        Ok(Self { recorded, _asking: asking })
    }

    /// How many requests were answered well.
    pub(crate) fn recorded(&self) -> u64 {
        self.recorded.load(Ordering::Relaxed)
    }
}

async fn ask(mut client: QueueClient, jobs: u32, mut rng: StdRng, recorded: Arc<AtomicU64>) {
    let mut tick = tokio::time::interval(PAUSE);
    loop {
        tick.tick().await;
        let job_id = job_id(rng.random_range(0..jobs));
        let request = RequestRunRequest { job_id, requested_by: "somebody".to_owned() };
        // One that is not answered is asked again, by chance.
        if client.schedules.request_run(request).await.is_ok() {
            recorded.fetch_add(1, Ordering::Relaxed);
        }
    }
}
