//! Which sources may be read at all. Pure: asked when an import is defined or changed, and before each of its runs.

use super::{Policy, begins_with};
use codeimport_core::{ForbiddenAddress, SourceUrl, check_address};
use std::net::IpAddr;
use url::{Host, Url};

/// Why a source may not be read. The text continues a sentence that begins with the field.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SourceRefused {
    /// The operator has not listed the scheme.
    #[error("has the scheme {0:?}, which is not imported from here: ask an operator to allow it")]
    Scheme(String),
    /// The operator has listed the address, or its host, as one that is not read.
    #[error("is among the sources that are not imported here")]
    Denied,
    /// The operator has listed those that are read, and this is not among them.
    #[error("is not among the sources that are imported here: ask an operator to allow its address")]
    NotAllowed,
    /// It is what this installation itself serves.
    #[error("is served by this installation itself: an import of it would chase its own tail")]
    OwnHost,
    /// Its host is an address inside of somebody's network.
    #[error("leads into a network that is not imported from: {0}")]
    Address(#[from] ForbiddenAddress),
    /// Its host is this machine, by name.
    #[error("leads to the machine that it is read from, and the network 127.0.0.0/8 is not allowed here")]
    Localhost,
}

impl Policy {
    /// Whether a source may be read.
    ///
    /// # Errors
    ///
    /// [`SourceRefused`], with what to do about it.
    pub fn check_source(&self, url: &SourceUrl) -> Result<(), SourceRefused> {
        self.check_scheme(url)?;
        self.check_lists(url)?;
        self.check_host(url.host())
    }

    fn check_scheme(&self, url: &SourceUrl) -> Result<(), SourceRefused> {
        let scheme = url.as_str().split(':').next().unwrap_or_default();
        let listed = self.source_schemes.is_empty() || self.source_schemes.contains(scheme);
        if listed { Ok(()) } else { Err(SourceRefused::Scheme(scheme.to_owned())) }
    }

    fn check_lists(&self, url: &SourceUrl) -> Result<(), SourceRefused> {
        let listed = |prefixes: &[String]| prefixes.iter().any(|prefix| begins_with(url.as_str(), prefix));
        if listed(&self.denied_source_prefixes) || self.denied_hosts.iter().any(|host| is_within(url.host(), host)) {
            Err(SourceRefused::Denied)
        } else if !self.allowed_source_prefixes.is_empty() && !listed(&self.allowed_source_prefixes) {
            Err(SourceRefused::NotAllowed)
        } else if self.own_hosts.iter().any(|host| is_within(url.host(), host)) {
            Err(SourceRefused::OwnHost)
        } else {
            Ok(())
        }
    }

    /// Names are the worker's to check: where they lead is known when they are followed.
    fn check_host(&self, host: &str) -> Result<(), SourceRefused> {
        match literal_address(host) {
            Some(address) => Ok(check_address(address, &self.allowed_networks)?),
            None if is_within(host, "localhost") && check_address(LOCALHOST, &self.allowed_networks).is_err() => {
                Err(SourceRefused::Localhost)
            }
            None => Ok(()),
        }
    }
}

const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// Whether a host is another one, or a part of its domain.
pub(super) fn is_within(host: &str, domain: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let domain = domain.trim_matches('.').to_ascii_lowercase();
    host.strip_suffix(&domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The address that a host is, in any of the ways in which the C library takes it for one: `127.1`, `0x7f.1`, `2130706433`.
fn literal_address(host: &str) -> Option<IpAddr> {
    match Url::parse(&format!("http://{host}/")).ok()?.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_core::RcsType;

    fn check(policy: &Policy, url: &str) -> Result<(), SourceRefused> {
        policy.check_source(&SourceUrl::parse(RcsType::Git, url).expect(url))
    }

    #[test]
    fn hosts_inside_of_a_network_are_refused_however_they_are_written() {
        let policy = Policy::default();
        for url in [
            "git://127.0.0.1/x",
            "https://2130706433/x",
            "git://2130706433/x",
            "git://0x7f.1/x",
            "http://[::1]:8080/x",
            "git://[::ffff:10.0.0.1]/x",
            "http://169.254.169.254/latest",
            "http://localhost/x",
            "git://db.localhost./x",
        ] {
            let refused = check(&policy, url).expect_err(url);
            assert!(matches!(refused, SourceRefused::Address(_) | SourceRefused::Localhost), "{url}: {refused}");
        }
        let open = Policy { allowed_networks: vec!["127.0.0.0/8".parse().expect("network")], ..Policy::default() };
        assert_eq!(check(&open, "git://127.0.0.1/x"), Ok(()));
        assert_eq!(check(&open, "git://localhost/x"), Ok(()));
        assert!(check(&open, "git://10.0.0.1/x").is_err());
        assert_eq!(check(&policy, "https://1.1.1.1/x"), Ok(()));
    }

    #[test]
    fn a_list_of_the_allowed_excludes_all_others_and_the_denied_come_first() {
        let policy = Policy {
            allowed_source_prefixes: vec!["https://good.example".to_owned(), "git://good.example/".to_owned()],
            denied_source_prefixes: vec!["https://good.example/bad".to_owned()],
            denied_hosts: vec!["evil.good.example".to_owned()],
            ..Policy::default()
        };
        assert_eq!(check(&policy, "https://good.example/a"), Ok(()));
        assert_eq!(check(&policy, "https://good.example/bad/a"), Err(SourceRefused::Denied));
        assert_eq!(check(&policy, "https://good.example/badly"), Ok(()), "prefixes end at borders");
        assert_eq!(check(&policy, "https://good.example.evil/a"), Err(SourceRefused::NotAllowed));
        assert_eq!(check(&policy, "git://x.evil.good.example/a"), Err(SourceRefused::Denied));
    }

    #[test]
    fn what_this_installation_serves_is_no_source() {
        let policy = Policy { own_hosts: vec!["git.example.com".to_owned()], ..Policy::default() };
        for url in ["https://git.example.com/x", "https://GIT.example.com./x", "git://a.git.example.com/x"] {
            assert_eq!(check(&policy, url), Err(SourceRefused::OwnHost), "{url}");
        }
        assert_eq!(check(&policy, "https://notgit.example.com/x"), Ok(()), "no mere suffix");
    }

    #[test]
    fn schemes_can_be_fewer_than_the_type_has() {
        let policy = Policy { source_schemes: ["https".to_owned()].into(), ..Policy::default() };
        assert_eq!(check(&policy, "https://host/x"), Ok(()));
        assert_eq!(check(&policy, "git://host/x"), Err(SourceRefused::Scheme("git".to_owned())));
    }
}
