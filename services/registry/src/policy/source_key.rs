//! The canonical form of a source's address: two addresses with one key are one source. Pure.
//!
//! Only what is the same by the rules of URLs, or by what every server of the kind does, is made equal; so two keys may
//! still lead to one repository, but one key never to two.

use codeimport_core::RcsType;
use url::Url;

/// The key of a source. An address that cannot be read any more is its own key.
#[must_use]
pub fn source_key(rcs_type: RcsType, url: &str) -> String {
    let Ok(parsed) = Url::parse(url) else { return format!("{rcs_type} {url}") };
    let host = parsed.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let port = parsed.port().filter(|port| Some(*port) != default_port(parsed.scheme()));
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let scheme = scheme(&parsed, &port);
    format!("{rcs_type} {scheme}://{host}{port}/{}", path(rcs_type, parsed.path()))
}

/// On their default ports, HTTP and HTTPS of one host show the same repositories: the one leads to the other.
fn scheme<'a>(url: &'a Url, port: &str) -> &'a str {
    if url.scheme() == "http" && port.is_empty() { "https" } else { url.scheme() }
}

/// Those that the URL standard does not know.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "git" => Some(9418),
        "svn" => Some(3690),
        "pserver" => Some(2401),
        "bzr" => Some(4155),
        "svn+ssh" | "cvs+ssh" | "ssh" => Some(22),
        _ => None,
    }
}

/// Without empty parts and without the ending that Git servers take as given.
fn path(rcs_type: RcsType, path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).map(plain).collect();
    let path = parts.join("/");
    match rcs_type {
        RcsType::Git => path.strip_suffix(".git").map(str::to_owned).unwrap_or(path),
        RcsType::Subversion | RcsType::Cvs | RcsType::Mercurial | RcsType::Bazaar => path,
    }
}

/// Percent-encoding as RFC 3986 (6.2.2) has it: only where it is needed, with digits in upper case.
fn plain(part: &str) -> String {
    let mut plain = String::with_capacity(part.len());
    let mut rest = part;
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        match rest.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if is_unreserved(byte) => plain.push(char::from(byte)),
            Some(byte) => plain.push_str(&format!("%{byte:02X}")),
            None => {
                plain.push('%');
                rest = &rest[1..];
                continue;
            }
        }
        rest = &rest[3..];
    }
    plain.push_str(rest);
    plain
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_differ_only_in_writing_have_one_key() {
        let same = [
            "https://Host.Example/a/b.git",
            "https://host.example:443/a/b",
            "http://host.example/a/b/",
            "https://host.example./a//b.git/",
            "https://host.example/%61/b",
        ];
        for url in same {
            assert_eq!(source_key(RcsType::Git, url), "git https://host.example/a/b", "{url}");
        }
        assert_eq!(source_key(RcsType::Git, "git://HOST:9418/a"), source_key(RcsType::Git, "git://host/a.git"));
        assert_eq!(source_key(RcsType::Subversion, "svn://h:3690/r/"), source_key(RcsType::Subversion, "svn://h/r"));
        assert_eq!(source_key(RcsType::Cvs, "cvs+ssh://a@h:22/r//m"), source_key(RcsType::Cvs, "cvs+ssh://a@h/r/m"));
    }

    #[test]
    fn addresses_of_different_repositories_keep_different_keys() {
        let key = |url| source_key(RcsType::Git, url);
        let base = key("https://host/a");
        for other in
            ["https://host/A", "https://host:8443/a", "http://host:8080/a", "git://host/a", "https://host/a%2Fb"]
        {
            assert_ne!(key(other), base, "{other}");
        }
        assert_ne!(key("https://host/a%2fb"), key("https://host/a/b"), "an encoded slash is none");
        assert_eq!(key("https://host/a%2fb"), key("https://host/a%2Fb"));
        assert_ne!(source_key(RcsType::Subversion, "https://host/a"), base, "another system");
        assert_ne!(
            source_key(RcsType::Subversion, "https://host/a.git"),
            source_key(RcsType::Subversion, "https://host/a")
        );
    }

    #[test]
    fn odd_percent_signs_are_no_trouble() {
        for url in ["https://host/100%", "https://host/%zz", "https://host/%é%2", "no url"] {
            assert!(!source_key(RcsType::Git, url).is_empty());
        }
    }
}
