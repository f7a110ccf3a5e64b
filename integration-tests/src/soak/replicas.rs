//! The queue under test: two replicas behind wires, on one PostgreSQL; and when its database was away.

use super::{Options, Outage, back_after, now_us, server::Server, wire::Wire};
use crate::{QueueClient, QueueOptions, Queues};
use std::time::Duration;
use tonic::transport::Endpoint;

const REPLICAS: usize = 2;

/// The queue and all that it lives on.
pub(crate) struct Replicas {
    queues: Queues,
    server: Server,
    wires: Vec<Wire>,
    outages: Vec<Outage>,
    restarted_at: [i64; REPLICAS],
    lease_ttl: Duration,
    longest_back: Duration,
}

impl Replicas {
    pub(crate) async fn start(options: &Options) -> anyhow::Result<Self> {
        let server = Server::start().await?;
        let queue = QueueOptions {
            replicas: REPLICAS,
            lease_ttl: options.lease_ttl,
            // Here nothing stops a job that loses worker after worker.
            env: vec![("CODEIMPORT_QUEUE_RECLAIM_LIMIT", "1000000".to_owned())],
            database_url: Some(server.url().to_owned()),
        };
        let queues = Queues::start(queue).await;
        let mut wires = Vec::new();
        for replica in &queues.replicas {
            wires.push(Wire::to(replica.address()).await?);
        }
        let (outages, restarted_at) = (Vec::new(), [i64::MIN; REPLICAS]);
        let (lease_ttl, longest_back) = (options.lease_ttl, Duration::ZERO);
        Ok(Self { queues, server, wires, outages, restarted_at, lease_ttl, longest_back })
    }

    /// Where workers reach the replicas.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.wires.iter().map(|wire| wire.url().to_owned()).collect()
    }

    /// The clients of one replica, past its wire.
    pub(crate) fn client(&self, replica: usize) -> anyhow::Result<QueueClient> {
        Ok(QueueClient::new(Endpoint::from_shared(self.queues.replicas[replica].url())?.connect_lazy()))
    }

    pub(crate) fn outages(&self) -> &[Outage] {
        &self.outages
    }

    /// Longest time from PostgreSQL's return to that of a replica.
    pub(crate) fn longest_back(&self) -> Duration {
        self.longest_back
    }

    pub(crate) fn cut_wire(&self, replica: usize) {
        self.wires[replica % REPLICAS].cut();
    }

    pub(crate) async fn restart_database(&mut self) -> anyhow::Result<()> {
        let from = now_us();
        self.server.restart_immediately().await?;
        self.wait_until_back(from).await
    }

    pub(crate) async fn cut_database(&mut self) -> anyhow::Result<()> {
        let from = now_us();
        self.server.cut_connections().await?;
        self.wait_until_back(from).await
    }

    async fn wait_until_back(&mut self, from: i64) -> anyhow::Result<()> {
        let (first, second) = tokio::try_join!(back_after(self, 0), back_after(self, 1))?;
        self.longest_back = self.longest_back.max(first).max(second);
        self.outages.push(Outage { from, to: now_us() });
        Ok(())
    }

    pub(crate) fn kill(&mut self, replica: usize) {
        self.queues.replicas[replica % REPLICAS].kill();
    }

    /// Starts a killed replica again. It holds off from reclaiming for one TTL, as the other one may, too.
    pub(crate) async fn restart(&mut self, replica: usize) {
        let replica = replica % REPLICAS;
        self.queues.replicas[replica].restart().await;
        let now = now_us();
        self.restarted_at[replica] = now;
        let other = self.restarted_at[(replica + 1) % REPLICAS];
        let ttl = i64::try_from(self.lease_ttl.as_micros()).unwrap_or(i64::MAX);
        if other > now.saturating_sub(ttl) {
            self.outages.push(Outage { from: other, to: now });
        }
    }
}
