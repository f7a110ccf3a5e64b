//! By what name and password a source is read. Never shown, and never on a command line.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use codeimport_subprocess::Command;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::fmt;

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    username: String,
    password: String,
}

impl Login {
    /// Of a name and a password, as the source's host gave them out.
    #[must_use]
    pub fn new(username: String, password: String) -> Self {
        Self { username, password }
    }

    pub(super) fn username(&self) -> &str {
        &self.username
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// What HTTP is told with every request: a server that wants it would ask for it each time (RFC 7617).
    pub(super) fn headers(&self) -> HeaderMap {
        let credentials = BASE64_STANDARD.encode(format!("{}:{}", self.username, self.password));
        let value = HeaderValue::try_from(format!("Basic {credentials}")).map(|mut value| {
            value.set_sensitive(true);
            (AUTHORIZATION, value)
        });
        value.into_iter().collect()
    }

    /// What Subversion's programs are told: the name as an option, the password where no list of processes shows it.
    pub(super) fn tell_svn(&self, command: Command) -> Command {
        let password = format!("{}\n", self.password).into_bytes();
        command.args(["--username", self.username.as_str(), "--password-from-stdin"]).stdin(password)
    }

    /// What a configuration of Mercurial has to say for the addresses below one. The file must be for nobody else's eyes.
    pub(super) fn in_hgrc(&self, prefix: &str) -> String {
        let plain = |text: &str| text.replace(['\n', '\r'], "");
        let (username, password) = (plain(&self.username), plain(&self.password));
        format!("[auth]\nsource.prefix = {prefix}\nsource.username = {username}\nsource.password = {password}\n")
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_told_as_the_standard_has_it_and_logs_are_not() {
        let login = Login::new("Aladdin".to_owned(), "open sesame".to_owned());
        let headers = login.headers();
        assert_eq!(headers[AUTHORIZATION], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{login:?} {headers:?}").contains("Aladdin"));
        assert!(!format!("{headers:?}").contains("QWxh"), "{headers:?}");
    }
}
