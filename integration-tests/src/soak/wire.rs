//! A wire between workers and a replica that can be cut: a TCP forwarder whose connections all break at once.

use anyhow::Context as _;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// Forwards for as long as it lives.
pub(crate) struct Wire {
    url: String,
    cuts: watch::Sender<u64>,
    _forwarder: JoinSet<()>,
}

impl Wire {
    /// A wire to an address, which need not listen all the time.
    pub(crate) async fn to(target: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("loopback has free ports")?;
        let url = format!("http://{}", listener.local_addr()?);
        let cuts = watch::Sender::new(0);
        let mut forwarder = JoinSet::new();
        forwarder.spawn(forward(listener, target, cuts.clone()));
        Ok(Self { url, cuts, _forwarder: forwarder })
    }

    /// Where to connect.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Breaks every connection, with whatever is on its way.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn forward(listener: TcpListener, target: SocketAddr, cuts: watch::Sender<u64>) {
    let mut connections = JoinSet::new();
    while let Ok((mut from, _)) = listener.accept().await {
        let mut cut = cuts.subscribe();
        connections.spawn(async move {
            let Ok(mut to) = TcpStream::connect(target).await else { return };
            // Small messages in both directions: each is sent at once.
            let _ = (from.set_nodelay(true), to.set_nodelay(true));
            tokio::select! {
                _ = copy_bidirectional(&mut from, &mut to) => {}
                _ = cut.changed() => {}
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
