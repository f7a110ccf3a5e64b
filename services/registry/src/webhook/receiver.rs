//! Sends one message to one receiver, and brings back what it answered, within bounds of time and size.
//!
//! Receivers are named by strangers, and we send from inside somebody's network. So the addresses that a name leads to
//! are checked by the very look-up whose result is connected to; nothing is redirected, no proxy is asked, and no connection
//! is kept for the next time.

use codeimport_core::{Network, check_address};
use reqwest::{
    Client, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::RETRY_AFTER,
    redirect,
};
use std::{
    error::Error,
    net::IpAddr,
    sync::{Arc, Once},
    time::Duration,
};
use tokio::time::Instant;
use url::Host;

/// Bytes of an answer that are read, and kept.
const ANSWER_BYTES: usize = 1_024;
const MAX_URL_CHARS: usize = 2_000;
const USER_AGENT: &str = concat!("codeimport/", env!("CARGO_PKG_VERSION"));

/// What came of an attempt.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// None: there was no answer.
    pub status: Option<u16>,
    /// From the first look-up to the last byte that was read.
    pub latency: Duration,
    /// Its first bytes.
    pub body: String,
    /// What went wrong instead.
    pub error: String,
    /// The pause that the receiver asks for.
    pub retry_after: Duration,
}

/// A message and its headers.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// The same for each attempt.
    pub message_id: &'a str,
    /// When it is sent, in seconds since 1970.
    pub timestamp_s: i64,
    /// Over all of it.
    pub signature: &'a str,
    /// JSON.
    pub body: &'a str,
}

/// An address that nothing is sent to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ForbiddenReceiver(String);

/// All receivers there may be.
#[derive(Clone)]
pub struct Receivers {
    client: Client,
    allowed: Arc<[Network]>,
}

impl Receivers {
    /// Receivers of the public network, and of those that are allowed besides. An attempt takes at most `timeout`.
    ///
    /// # Errors
    ///
    /// If the machine's root certificates cannot be used.
    pub fn new(allowed: Vec<Network>, timeout: Duration) -> reqwest::Result<Self> {
        choose_tls_provider();
        let allowed: Arc<[Network]> = allowed.into();
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .timeout(timeout)
            .connect_timeout(timeout)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(GuardedResolver(allowed.clone())))
            .build()?;
        Ok(Self { client, allowed })
    }

    /// Sends a message.
    pub async fn send(&self, url: &str, message: &Message<'_>) -> Answer {
        let begun = Instant::now();
        let answer = match check_url(url, &self.allowed) {
            Ok(url) => self.post(url, message).await,
            Err(forbidden) => Answer { error: forbidden.to_string(), ..Answer::default() },
        };
        Answer { latency: begun.elapsed(), ..answer }
    }

    async fn post(&self, url: Url, message: &Message<'_>) -> Answer {
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", message.message_id)
            .header("webhook-timestamp", message.timestamp_s)
            .header("webhook-signature", message.signature)
            .body(message.body.to_owned());
        match request.send().await {
            Ok(response) => read(response).await,
            Err(error) => Answer { error: cause_of(error), ..Answer::default() },
        }
    }
}

/// An address as a webhook may have it: `http` or `https`, a host, no user; and if the host is written as an address, one
/// that may be connected to.
///
/// # Errors
///
/// [`ForbiddenReceiver`].
pub fn check_url(text: &str, allowed: &[Network]) -> Result<Url, ForbiddenReceiver> {
    let flaw = |text: &str| ForbiddenReceiver(text.to_owned());
    if text.chars().count() > MAX_URL_CHARS || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(flaw("is longer than 2,000 characters, or contains white space or a control character"));
    }
    let url = Url::parse(text).map_err(|error| ForbiddenReceiver(format!("is no address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(flaw("is neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(flaw("names a user: the signature says who sends"));
    }
    let address: Option<IpAddr> = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain(_)) => None,
        None => return Err(flaw("names no host")),
    };
    match address.map(|address| check_address(address, allowed)) {
        Some(Err(forbidden)) => Err(ForbiddenReceiver(forbidden.to_string())),
        Some(Ok(())) | None => Ok(url),
    }
}

/// The status and the first bytes; the rest is not waited for.
async fn read(mut response: Response) -> Answer {
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut answer = Answer {
        status: Some(response.status().as_u16()),
        retry_after: retry_after.map(Duration::from_secs).unwrap_or_default(),
        ..Answer::default()
    };
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                answer.error = cause_of(error);
                break;
            }
        }
    }
    bytes.truncate(ANSWER_BYTES);
    answer.body = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
    answer
}

/// The innermost cause, which says most; without the address, which the webhook has.
fn cause_of(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Looks names up, and lets through only what may be connected to.
struct GuardedResolver(Arc<[Network]>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // Of a name that leads to several addresses, every one has to pass.
            found.iter().try_for_each(|address| check_address(address.ip(), &allowed))?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The process has one TLS provider. Whoever was first has chosen it, and there is only one in the house.
fn choose_tls_provider() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_of_a_network_and_strange_ones_are_refused() {
        for url in [
            "http://127.0.0.1/x",
            "http://2130706433/",
            "https://[::1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://user@host/",
            "https://user:pw@host/",
            "file:///etc/passwd",
            "gopher://host/",
            "https://",
            "no address",
            "https://host/\nx",
        ] {
            assert!(check_url(url, &[]).is_err(), "{url}");
        }
        assert!(check_url("https://hooks.example.org/x?y=z", &[]).is_ok());
        let loopback = ["127.0.0.0/8".parse().expect("network")];
        assert!(check_url("http://127.0.0.1:8080/x", &loopback).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_connected_to() {
        let receivers = Receivers::new(Vec::new(), Duration::from_secs(5)).expect("a client");
        let message = Message { message_id: "event-1", timestamp_s: 0, signature: "v1,", body: "{}" };
        let answer = receivers.send("http://localhost:9/", &message).await;
        assert!(answer.status.is_none() && answer.error.contains("not in the public network"), "{answer:?}");
    }
}
