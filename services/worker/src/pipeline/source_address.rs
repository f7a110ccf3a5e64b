//! Where a source's name leads to, before anything is asked of it.
//!
//! The registry has looked at addresses that are written as numbers. What a name leads to is known only here, and may be
//! another thing at every run; so it is looked up at each, and every address of it has to pass: who connects later may
//! take any of them.

use codeimport_convert::ConvertError;
use codeimport_core::{ForbiddenAddress, Network, Outcome, Stage, check_address};
use std::net::IpAddr;
use url::{Host, Url};

/// Any port will do to look up a name.
const SOME_PORT: u16 = 1;

/// Refuses a source that leads into a network which is not allowed.
///
/// A name that leads nowhere is left to the source, which has words for that.
pub(crate) async fn check(source_url: &str, allowed: &[String]) -> Result<(), ConvertError> {
    let allowed: Vec<Network> = allowed.iter().filter_map(|network| network.parse().ok()).collect();
    for address in addresses(source_url).await {
        check_address(address, &allowed).map_err(|error| forbidden(&error))?;
    }
    Ok(())
}

async fn addresses(source_url: &str) -> Vec<IpAddr> {
    let Ok(url) = Url::parse(source_url) else { return Vec::new() };
    match url.host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![address.into()],
        Some(Host::Domain(name)) => match tokio::net::lookup_host((name, SOME_PORT)).await {
            Ok(found) => found.map(|address| address.ip()).collect(),
            Err(_) => Vec::new(),
        },
        None => Vec::new(),
    }
}

fn forbidden(error: &ForbiddenAddress) -> ConvertError {
    let text = format!("The source leads into a network that is not imported from: {error}.");
    ConvertError::new(Outcome::Forbidden, Stage::Probe, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(url: &str, allowed: &[&str]) -> Option<Outcome> {
        let allowed: Vec<_> = allowed.iter().map(|network| (*network).to_owned()).collect();
        check(url, &allowed).await.err().map(|error| error.outcome)
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_forbidden_unless_that_is_allowed() {
        for url in ["git://localhost/x", "https://localhost:8443/x", "git://127.0.0.1/x", "http://[::1]/x"] {
            assert_eq!(outcome(url, &[]).await, Some(Outcome::Forbidden), "{url}");
            assert_eq!(outcome(url, &["127.0.0.0/8", "::1/128"]).await, None, "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_nowhere_is_not_ours_to_judge() {
        assert_eq!(outcome("git://no-such-host.invalid/x", &[]).await, None);
    }
}
