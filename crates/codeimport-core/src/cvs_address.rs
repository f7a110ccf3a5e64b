//! Addresses of CVS modules: what people write, CVS's own form of a root among it, as one URL. Pure.
//!
//! In the URL two slashes stand where the repository's root ends and the module begins: `pserver://host/cvsroot//module`;
//! nothing behind them means the whole repository.

use crate::decode_percent;

/// Why a root and a module make no address. The text continues a sentence that begins with the field.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CvsAddressError {
    /// A folder, which only the machine that has it can read.
    #[error("names a folder of the machine that reads it: give the address of a server, :pserver:HOST:/ROOT")]
    Local,
    /// A way in that there is none of here.
    #[error("has the access method {0:?}, which is not imported by: use :pserver: or :ext:")]
    Method(String),
    /// No root at all.
    #[error("is no CVS root: write it as :pserver:[USER[:PASSWORD]@]HOST:[PORT]/ROOT or :ext:[USER@]HOST:[PORT]/ROOT")]
    Malformed,
    /// A repository without saying what of it.
    #[error("is not given, and the address names a repository only: name a directory in it, or \".\" for all of it")]
    NoModule,
    /// Something else than a directory of a repository.
    #[error("is no directory of a repository: write it as DIRECTORY or DIRECTORY/DIRECTORY, or \".\" for all of it")]
    Module,
    /// Two modules.
    #[error("is another one than {0:?}, which the address names")]
    OtherModule(String),
}

impl CvsAddressError {
    /// Whether it is the module that is wrong, not the address.
    #[must_use]
    pub fn is_about_module(&self) -> bool {
        matches!(self, Self::NoModule | Self::Module | Self::OtherModule(_))
    }
}

/// The URL of a module. `address` is a CVSROOT (`:pserver:anonymous@host:/cvsroot`) or a URL; `module` may be empty where the
/// address has it, behind `//` or as the last part of its path. What this gives, it gives again.
///
/// An anonymous user without password is what every `pserver` is asked for anyway, and is left out; other users stay.
///
/// # Errors
///
/// The first thing that is wrong. What is wrong with the URL besides is left to [`SourceUrl`](crate::SourceUrl).
pub fn cvs_url(address: &str, module: &str) -> Result<String, CvsAddressError> {
    let url = if address.starts_with(':') { url_of_root(address)? } else { address.to_owned() };
    // What is no URL, others say so.
    let Some((scheme, rest)) = url.split_once("://") else { return Ok(url) };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = match (module, path.split_once("//")) {
        ("", Some(_)) => path.to_owned(),
        ("", None) if address.starts_with(':') => return Err(CvsAddressError::NoModule),
        ("", None) => last_part_apart(scheme, path)?,
        (module, named) => with_module(path, named, module)?,
    };
    let authority = if scheme == "pserver" { without_anonymous(authority) } else { authority };
    Ok(format!("{scheme}://{authority}{path}"))
}

/// Root and module of a URL, without escapes; the module is `.` for the whole repository.
#[must_use]
pub fn cvs_root_and_module(url: &str) -> (String, String) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    root_and_module(&rest[rest.find('/').unwrap_or(rest.len())..])
}

fn root_and_module(path: &str) -> (String, String) {
    let plain = path.trim_end_matches('/');
    let (root, module) = match path.split_once("//") {
        Some((root, module)) => (root, module.trim_matches('/')),
        None => plain.rsplit_once('/').unwrap_or((plain, "")),
    };
    let root = if root.is_empty() { "/" } else { root };
    let module = if module.is_empty() { "." } else { module };
    (decode_without_control(root), decode_without_control(module))
}

/// A line end would begin another request to the server.
fn decode_without_control(text: &str) -> String {
    let decoded = decode_percent(text);
    if decoded.chars().any(char::is_control) { text.to_owned() } else { decoded }
}

/// `:method:[user[:password]@]host:[port]/path` as a URL without module.
fn url_of_root(root: &str) -> Result<String, CvsAddressError> {
    let (method, rest) = root[1..].split_once(':').ok_or(CvsAddressError::Malformed)?;
    let scheme = match method {
        "pserver" => "pserver",
        // The second as others than CVS itself write it.
        "ext" | "extssh" => "cvs+ssh",
        "local" | "fork" => return Err(CvsAddressError::Local),
        other => return Err(CvsAddressError::Method(other.to_owned())),
    };
    let (authority, path) = rest.split_at(rest.find('/').ok_or(CvsAddressError::Malformed)?);
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let host = host.strip_suffix(':').unwrap_or(host);
    if host.is_empty() {
        return Err(CvsAddressError::Malformed);
    }
    let user = user.map(|user| match user.split_once(':') {
        Some((name, password)) => format!("{}:{}@", encoded(name), encoded(password)),
        None => format!("{}@", encoded(user)),
    });
    // Two slashes would stand for the root's end.
    let parts: String =
        path.split('/').filter(|part| !part.is_empty()).map(|part| format!("/{}", encoded(part))).collect();
    Ok(format!("{scheme}://{}{host}{}", user.unwrap_or_default(), if parts.is_empty() { "/" } else { &parts }))
}

fn without_anonymous(authority: &str) -> &str {
    authority.strip_prefix("anonymous@").or_else(|| authority.strip_prefix("anonymous:@")).unwrap_or(authority)
}

/// The last part of a path is the module where nothing else says so.
fn last_part_apart(scheme: &str, path: &str) -> Result<String, CvsAddressError> {
    let plain = path.trim_end_matches('/');
    match plain.rsplit_once('/') {
        Some((root, module)) if !root.is_empty() => Ok(format!("{root}//{module}")),
        // A server's repository is never its whole disk.
        _ if scheme == "pserver" || scheme == "cvs+ssh" => Err(CvsAddressError::NoModule),
        _ => Ok(format!("{plain}//")),
    }
}

fn with_module(path: &str, named: Option<(&str, &str)>, module: &str) -> Result<String, CvsAddressError> {
    let module = module.trim_end_matches('/');
    let part_is_fine = |part: &str| !matches!(part, "" | "." | "..") && !part.starts_with('-');
    let is_fine = !module.chars().any(char::is_control) && module.split('/').all(part_is_fine);
    if module != "." && !is_fine {
        return Err(CvsAddressError::Module);
    }
    match named {
        Some(_) => {
            let (_, named) = root_and_module(path);
            if named == module { Ok(path.to_owned()) } else { Err(CvsAddressError::OtherModule(named)) }
        }
        None => {
            let parts: Vec<_> = module.split('/').filter(|part| *part != ".").map(encoded).collect();
            Ok(format!("{}//{}", path.trim_end_matches('/'), parts.join("/")))
        }
    }
}

/// A part of a path or a user's name, as a URL has it.
fn encoded(part: &str) -> String {
    let mut encoded = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_and_urls_become_one_form_which_stays_as_it_is() {
        let cases = [
            (":pserver:anonymous@host:/cvsroot/p", "m", "pserver://host/cvsroot/p//m"),
            (":pserver:anonymous:@host:2402/cvsroot", "a/b/", "pserver://host:2402/cvsroot//a/b"),
            (":pserver:host/cvs//root/", ".", "pserver://host/cvs/root//"),
            (":pserver:ada:p@ss@host:/r", "m", "pserver://ada:p%40ss@host/r//m"),
            (":pserver:ada@host:/r", "m x", "pserver://ada@host/r//m%20x"),
            ("pserver://anonymous@host/cvsroot/m/", "", "pserver://host/cvsroot//m"),
            ("pserver://host/cvsroot//m", "m", "pserver://host/cvsroot//m"),
            ("pserver://host/cvsroot", "m", "pserver://host/cvsroot//m"),
            (":ext:ada@host:/r", "m", "cvs+ssh://ada@host/r//m"),
            (":extssh:anonymous@host:2222/r", ".", "cvs+ssh://anonymous@host:2222/r//"),
            ("cvs+ssh://host/r/m", "", "cvs+ssh://host/r//m"),
            ("rsync://host/m", "", "rsync://host/m//"),
            ("no url", "", "no url"),
        ];
        for (address, module, url) in cases {
            assert_eq!(cvs_url(address, module).as_deref(), Ok(url), "{address} {module}");
            assert_eq!(cvs_url(url, "").as_deref(), Ok(url), "{url}");
        }
    }

    #[test]
    fn what_makes_no_address_is_told_apart() {
        let other = CvsAddressError::OtherModule("m".to_owned());
        let cases = [
            (":local:/cvsroot", "m", CvsAddressError::Local),
            (":fork:/cvsroot", "m", CvsAddressError::Local),
            (":gserver:host:/r", "m", CvsAddressError::Method("gserver".to_owned())),
            (":ext=telnet:ada@host:/r", "m", CvsAddressError::Method("ext=telnet".to_owned())),
            (":pserver;proxy=p:host:/r", "m", CvsAddressError::Method("pserver;proxy=p".to_owned())),
            (":pserver", "m", CvsAddressError::Malformed),
            (":pserver:host", "m", CvsAddressError::Malformed),
            (":pserver:/r", "m", CvsAddressError::Malformed),
            (":pserver:host:/r", "", CvsAddressError::NoModule),
            ("pserver://host/cvsroot", "", CvsAddressError::NoModule),
            (":pserver:host:/r", "../m", CvsAddressError::Module),
            (":pserver:host:/r", "/m", CvsAddressError::Module),
            (":pserver:host:/r", "-d", CvsAddressError::Module),
            (":pserver:host:/r", "m\nco", CvsAddressError::Module),
            ("pserver://host/r//m", "n", other),
        ];
        for (address, module, error) in cases {
            assert_eq!(cvs_url(address, module), Err(error), "{address} {module}");
        }
    }

    #[test]
    fn an_address_tells_root_and_module() {
        let cases = [
            ("/cvsroot/ikvm", "/cvsroot", "ikvm"),
            ("/cvsroot//a/b/", "/cvsroot", "a/b"),
            ("/cvsroot/p//", "/cvsroot/p", "."),
            ("/r/a%20b", "/r", "a b"),
            ("/r//a%0Ab", "/r", "a%0Ab"),
        ];
        for (path, root, module) in cases {
            let url = format!("pserver://host:2401{path}");
            assert_eq!(cvs_root_and_module(&url), (root.to_owned(), module.to_owned()), "{url}");
        }
    }
}
