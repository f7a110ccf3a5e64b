//! What the exporter is asked.

use crate::source::Login;
use codeimport_core::SourceUrl;
use serde::Serialize;
use std::path::Path;

/// What is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::source::bzr) enum Mode {
    /// Where the branch stands.
    Position,
    /// That, and who made its revisions.
    Log,
    /// All that is new, with texts.
    History,
}

/// One question.
pub(in crate::source::bzr) struct Request<'a> {
    pub(in crate::source::bzr) mode: Mode,
    /// Revisions that need not be told.
    pub(in crate::source::bzr) known: Vec<&'a [u8]>,
    /// Most revisions that are told.
    pub(in crate::source::bzr) limit: u64,
    /// Where a copy of the history may be kept; none for a branch that lies on this machine.
    pub(in crate::source::bzr) kept: Option<&'a Path>,
    pub(in crate::source::bzr) login: Option<&'a Login>,
}

#[derive(Serialize)]
struct Json<'a> {
    url: &'a str,
    mode: Mode,
    known: Vec<&'a str>,
    limit: u64,
    kept: Option<&'a Path>,
    username: Option<&'a str>,
    password: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A question that needs nothing but the address.
    pub(in crate::source::bzr) fn about(mode: Mode, login: Option<&'a Login>) -> Self {
        Self { mode, known: Vec::new(), limit: 0, kept: None, login }
    }

    /// As the exporter reads it.
    pub(super) fn json(&self, url: &SourceUrl) -> Vec<u8> {
        let json = Json {
            url: url.as_str(),
            mode: self.mode,
            // Names are UTF-8: others were refused when they came.
            known: self.known.iter().filter_map(|id| std::str::from_utf8(id).ok()).collect(),
            limit: self.limit,
            kept: self.kept,
            username: self.login.map(Login::username),
            password: self.login.map(Login::password),
        };
        // Texts and numbers: serialising them fails only for a folder whose name is no text, and then nothing is kept.
        serde_json::to_vec(&json).or_else(|_| serde_json::to_vec(&Json { kept: None, ..json })).unwrap_or_default()
    }
}
