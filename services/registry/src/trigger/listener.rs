//! `POST /v1/hooks/{import}`: takes what sources say of pushes. The only door of the registry that the public may stand
//! before: it tells nothing, and does little for whoever proves nothing.

use super::{Proof, TriggerSecret, is_push, secret_name};
use crate::{key_ring::KeyRing, store::Store};
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::post,
};
use codeimport_core::ImportId;
use codeimport_kit::{Shutdown, server::bind};
use codeimport_pg::DbError;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// As much as GitHub sends at most. Nothing of it is kept.
const MAX_BODY_BYTES: usize = 25 * 1024 * 1024;
/// How long a request may take to come in.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What the door needs.
#[derive(Clone)]
pub struct Listener {
    /// Where pushes are written down.
    pub store: Store,
    /// The keys that open secrets.
    pub keys: KeyRing,
    /// From one run to the next that a push may start.
    pub cool_down: Duration,
}

/// Why a push is not taken.
enum Refusal {
    /// No such trigger, or nothing that proves it: which of them is not told.
    NotProven,
    TooLarge,
    TooSlow,
    Database(DbError),
}

impl Listener {
    /// Takes pushes until told to stop; then those under way.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound.
    pub async fn serve(self, listen: SocketAddr, port_file: Option<PathBuf>, shutdown: Shutdown) -> anyhow::Result<()> {
        let listener = bind(listen, port_file.as_deref()).await?;
        let router = Router::new().route("/v1/hooks/{import}", post(take)).with_state(self);
        let stopped = async move { shutdown.drained().await };
        Ok(axum::serve(listener, router).with_graceful_shutdown(stopped).await?)
    }

    /// Checks a request and writes the push down; returns how long until the queue is told of it.
    async fn push(&self, import: &str, proof: Proof, body: Body) -> Result<Duration, Refusal> {
        let trigger = self.trigger(import).await?;
        // Whoever knows no import must not learn from the time that it takes.
        let is_known = trigger.is_some();
        let (import_id, secret) = trigger.unzip();
        let secret = secret.unwrap_or_else(|| TriggerSecret::from_text(String::new()));
        let is_proven = tokio::time::timeout(BODY_TIMEOUT, is_proven(secret, proof, body));
        if !is_proven.await.map_err(|_| Refusal::TooSlow)?? || !is_known {
            return Err(Refusal::NotProven);
        }
        let import_id = import_id.ok_or(Refusal::NotProven)?;
        let noted = self.store.note_push(&import_id, self.cool_down).await?;
        tracing::info!(import.id = %import_id, "a push was proven");
        noted.ok_or(Refusal::NotProven)
    }

    async fn trigger(&self, import: &str) -> Result<Option<(ImportId, TriggerSecret)>, Refusal> {
        let Ok(import_id) = import.parse::<ImportId>() else { return Ok(None) };
        let name = secret_name(&import_id);
        let sealed = self.store.secret(&name).await?;
        let secret = sealed.and_then(|sealed| self.keys.open(&name, &sealed));
        let secret = secret.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(secret.map(|secret| (import_id, TriggerSecret::from_text(secret))))
    }
}

async fn is_proven(secret: TriggerSecret, proof: Proof, body: Body) -> Result<bool, Refusal> {
    let mut check = secret.check(proof);
    let (mut parts, mut bytes) = (body.into_data_stream(), 0);
    while let Some(part) = parts.next().await {
        let Ok(part) = part else { return Ok(false) };
        bytes += part.len();
        if bytes > MAX_BODY_BYTES {
            return Err(Refusal::TooLarge);
        }
        check.update(&part);
    }
    Ok(check.finish())
}

async fn take(
    State(listener): State<Listener>,
    Path(import): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(proof) = Proof::of(&headers) else { return Refusal::NotProven.into_response() };
    if !is_push(&headers) {
        return answer(StatusCode::OK, &json!({ "result": "ignored", "why": "no refs can have changed by this" }));
    }
    match listener.push(&import, proof, body).await {
        Ok(Duration::ZERO) => answer(StatusCode::ACCEPTED, &json!({ "result": "accepted" })),
        Ok(wait) => {
            let seconds = wait.as_secs().saturating_add(1);
            answer(StatusCode::ACCEPTED, &json!({ "result": "cooling_down", "run_requested_in_s": seconds }))
        }
        Err(refusal) => refusal.into_response(),
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Self::NotProven => (StatusCode::UNAUTHORIZED, "unknown import, or wrong secret"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "larger than 25 MiB"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "it takes longer than 30 seconds"),
            Self::Database(error) => {
                tracing::warn!(error.cause = %error, "a push cannot be written down");
                (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached: try again")
            }
        };
        let mut response = answer(status, &json!({ "result": "refused", "why": why }));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [("content-type", "application/json")], format!("{body}\n")).into_response()
}
