//! A receiver of webhooks that does what a test says: a real HTTP server.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use codeimport_kit::tasks;
use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc};

/// What the receiver says to one message.
#[derive(Clone, Copy)]
pub(crate) enum Reply {
    /// This status.
    Status(u16),
    /// Nothing, for as long as it is asked.
    Hang,
}

/// A message as it came in.
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// `import.created a`.
    pub(crate) fn said(&self) -> String {
        let json = self.json();
        format!("{} {}", json["type"].as_str().expect("text"), json["data"]["import_id"].as_str().expect("text"))
    }
}

#[derive(Clone)]
struct Plan {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    received: mpsc::UnboundedSender<Received>,
}

/// The receiver.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: mpsc::UnboundedReceiver<Received>,
}

impl Receiver {
    /// Replies so to the first messages, and 204 to all others.
    pub(crate) async fn start(replies: &[Reply]) -> Self {
        let (sender, received) = mpsc::unbounded_channel();
        let plan = Plan { replies: Arc::new(Mutex::new(replies.iter().copied().collect())), received: sender };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let router = Router::new().fallback(post(receive)).with_state(plan);
        tasks::spawn("test.receiver", async move { axum::serve(listener, router).await });
        Self { address, received }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(Duration::from_secs(20), self.received.recv()).await;
        next.expect("in time").expect("the receiver lives")
    }
}

async fn receive(State(plan): State<Plan>, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    let _ = plan.received.send(Received { headers, body });
    let reply = plan.replies.lock().expect("no panic").pop_front();
    match reply.unwrap_or(Reply::Status(204)) {
        Reply::Status(status) => (StatusCode::from_u16(status).expect("a status"), "said the test"),
        Reply::Hang => std::future::pending().await,
    }
}
