//! Sends: side by side to many receivers, one after the other to each.

use super::{
    Answer, DueDelivery, DueWebhook, Receivers, RetryPolicy, SigningSecret, Verdict, WebhookId, message,
    receiver::Message, secret_name,
};
use crate::{key_ring::KeyRing, run_log_url::RunLogUrl, store::Store, work::Work};
use codeimport_core::Network;
use codeimport_pg::DbError;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use std::{collections::BTreeSet, time::Duration};

/// So many receivers are waited for at once.
const AT_ONCE: usize = 32;
/// Events that are looked at together for one webhook.
const BATCH: i64 = 500;
/// Other replicas' events, and the ends of pauses, are found by looking.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How webhooks are sent.
#[derive(Clone, Debug)]
pub struct SenderSettings {
    /// Networks that receivers may lie in besides the public one.
    pub networks: Vec<Network>,
    /// How long a receiver may take.
    pub timeout: Duration,
    /// Where people read logs.
    pub log_url: RunLogUrl,
    /// How long somebody is tried who does not take what is sent.
    pub retry: RetryPolicy,
}

/// The sender of one process.
pub struct Sender {
    store: Store,
    keys: KeyRing,
    receivers: Receivers,
    log_url: RunLogUrl,
    retry: RetryPolicy,
}

impl Sender {
    /// A sender of what happens, with the keys that open signing secrets.
    ///
    /// # Errors
    ///
    /// If the machine's root certificates cannot be used.
    pub fn new(store: Store, keys: KeyRing, settings: SenderSettings) -> reqwest::Result<Self> {
        let receivers = Receivers::new(settings.networks, settings.timeout)?;
        Ok(Self { store, keys, receivers, log_url: settings.log_url, retry: settings.retry })
    }

    async fn serve(&self, due: DueWebhook) -> (WebhookId, Result<(), DbError>) {
        let served = match &due.delivery {
            Some(delivery) => self.attempt(&due, delivery).await,
            None => self.look_further(&due).await,
        };
        (due.webhook_id, served)
    }

    /// Looks for the next event that the webhook wants.
    async fn look_further(&self, due: &DueWebhook) -> Result<(), DbError> {
        let events = self.store.events_after(due.cursor, BATCH).await?;
        let wanted = events.iter().find(|event| due.filter.lets_through(event));
        let Some(last) = wanted.or(events.last()) else { return Ok(()) };
        let body = wanted.map(|event| message::body(event, &self.log_url));
        self.store.move_webhook(&due.webhook_id, due.cursor, last.event_id, body.as_deref()).await
    }

    /// Tries a delivery once, and writes down what came of it.
    async fn attempt(&self, due: &DueWebhook, delivery: &DueDelivery) -> Result<(), DbError> {
        let attempt = delivery.attempt_count.saturating_add(1);
        let answer = match self.secret(&due.webhook_id).await? {
            Some(secret) => self.send(&due.url, &secret, delivery).await,
            None => Answer { error: "the signing secret cannot be opened: rotate it".to_owned(), ..Answer::default() },
        };
        let verdict = self.retry.verdict(attempt, &answer);
        report(due, delivery, &answer, verdict);
        self.store.record_attempt(delivery.delivery_id, attempt, &answer, verdict).await
    }

    async fn secret(&self, webhook_id: &WebhookId) -> Result<Option<SigningSecret>, DbError> {
        let name = secret_name(webhook_id.as_str());
        let sealed = self.store.secret(&name).await?;
        let opened = sealed.and_then(|sealed| self.keys.open(&name, &sealed));
        Ok(opened.and_then(|bytes| String::from_utf8(bytes).ok()).map(SigningSecret::from_text))
    }

    async fn send(&self, url: &str, secret: &SigningSecret, delivery: &DueDelivery) -> Answer {
        let message_id = format!("event-{}", delivery.event_id);
        let timestamp_s = Timestamp::now().as_second();
        let Some(signature) = secret.sign(&message_id, timestamp_s, &delivery.body) else {
            return Answer { error: "the signing secret is none: rotate it".to_owned(), ..Answer::default() };
        };
        let message = Message { message_id: &message_id, timestamp_s, signature: &signature, body: &delivery.body };
        self.receivers.send(url, &message).await
    }
}

impl Work for Sender {
    type Interruption = DbError;

    /// Never ends by itself: a receiver that hangs must not keep the others from what comes meanwhile.
    async fn pass(&mut self) -> Result<(), DbError> {
        let (mut under_way, mut busy) = (FuturesUnordered::new(), BTreeSet::new());
        loop {
            for due in self.store.due_webhooks(&busy, AT_ONCE - busy.len()).await? {
                busy.insert(due.webhook_id.clone());
                under_way.push(self.serve(due));
            }
            tokio::select! {
                Some((webhook_id, served)) = under_way.next() => {
                    busy.remove(&webhook_id);
                    served?;
                }
                () = self.store.events_added() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
    }

    async fn wait(&mut self) {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn report(due: &DueWebhook, delivery: &DueDelivery, answer: &Answer, verdict: Verdict) {
    let result = match verdict {
        Verdict::Delivered => "delivered",
        Verdict::Retry(_) => "failed",
        Verdict::GivenUp => "given_up",
    };
    metrics::counter!("codeimport_registry_webhook_attempts_total", "result" => result).increment(1);
    if verdict == Verdict::GivenUp {
        tracing::warn!(webhook.id = %due.webhook_id, event.id = delivery.event_id, http.status = answer.status,
            error.cause = answer.error, "an event could not be delivered and is given up");
    }
}
