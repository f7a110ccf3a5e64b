//! How a `pserver` is told who asks, and what it says to that.

use super::scramble::scramble;
use super::session::Session;
use crate::{ConvertError, Login};
use codeimport_core::Outcome;

/// The account that public servers let read, without password.
const ANONYMOUS: &str = "anonymous";

impl Session<'_> {
    pub(super) fn log_in(&mut self) -> Result<(), ConvertError> {
        let (root, login) = (&self.peer.address.root, &self.peer.login);
        let user = login.as_ref().map_or(ANONYMOUS, Login::username);
        let password = scramble(login.as_ref().map_or("", Login::password));
        let Some(password) = password.filter(|_| !user.chars().any(char::is_control)) else {
            let text = "CVS takes only names and passwords of printable ASCII characters.";
            return Err(ConvertError::new(Outcome::Authentication, self.stage, text));
        };
        self.send(format!("BEGIN AUTH REQUEST\n{root}\n{user}\n{password}\nEND AUTH REQUEST\n").as_bytes())?;
        self.hear_verdict()
    }

    /// What the server says to name and password.
    fn hear_verdict(&mut self) -> Result<(), ConvertError> {
        // A name may be a token, and no log shows it.
        let who = if self.peer.login.is_some() { "this account" } else { ANONYMOUS };
        let (host, root) = (&self.peer.address.host, &self.peer.address.root);
        loop {
            let line = self.line()?;
            if line == b"I LOVE YOU" {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&line).into_owned();
            let refused = |outcome, text: String| ConvertError::new(outcome, self.stage, text);
            if line == b"I HATE YOU" || text.contains("no such user") {
                let text = format!("The CVS server {host} does not let {who} read.");
                return Err(refused(Outcome::Authentication, text).caused_by(self.complaints.clone()));
            }
            if let Some(complaint) = text.strip_prefix("E ") {
                self.complain(complaint);
            } else if text.starts_with("error") || text.contains("no such repository") {
                let error = refused(Outcome::Invalid, format!("The CVS server {host} has no repository {root}."));
                self.complain(&text);
                return Err(error.caused_by(self.complaints.clone()));
            } else {
                return Err(self.peer.address.broken(self.stage, &"what answers is no CVS server"));
            }
        }
    }
}
