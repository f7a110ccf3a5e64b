//! A client for one host, with an end to every wait.
//!
//! A redirect is followed only on the same host: policy has looked at that host, and at no other, and no other may learn the
//! password.

use super::tls;
use crate::source::Login;
use reqwest::{blocking::Client, redirect};
use std::{io, time::Duration};

/// Most redirects that are followed for one request.
const MAX_REDIRECTS: usize = 5;

/// Makes a client. It keeps connections open between requests.
pub(in crate::source) fn client(
    host: &str,
    user_agent: &str,
    login: Option<&Login>,
    connect_timeout: Duration,
    idle_timeout: Duration,
) -> io::Result<Client> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls::config().map_err(io::Error::other)?)
        .user_agent(user_agent)
        .default_headers(login.map(Login::headers).unwrap_or_default())
        .connect_timeout(connect_timeout)
        .timeout(idle_timeout)
        .redirect(same_host_only(host.to_owned()));
    builder.build().map_err(io::Error::other)
}

/// Follows to the same host, never from https down to http. Everything else is an answer to look at.
fn same_host_only(host: String) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        let downgrade =
            attempt.previous().last().is_some_and(|from| from.scheme() == "https" && attempt.url().scheme() != "https");
        let elsewhere = attempt.url().host_str() != Some(&host);
        if downgrade || elsewhere || attempt.previous().len() > MAX_REDIRECTS {
            attempt.stop()
        } else {
            attempt.follow()
        }
    })
}
