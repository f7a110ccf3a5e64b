//! How a Mercurial server is asked: the same commands over HTTP, and over the input and output of `hg serve --stdio`.
//!
//! ```text
//!   command      a question and its arguments                       pure
//!   http         hgweb and its like; compression: how it packs bundles
//!   stdio        hg itself, on this machine or by ssh; complaint: what it says on standard error
//!   position     where a repository stands: heads, branches, bookmarks   pure
//! ```

mod command;
mod complaint;
mod compression;
mod http;
mod position;
mod stdio;

pub(super) use position::Position;

use super::error::HgError;
use super::node::Node;
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::{SourceUrl, Stage};
use command::{Command, batch, split_batch};
use http::Http;
use std::io::Read;
use stdio::Stdio;

/// Most nodes that a server is asked about at once: proxies take so many headers, and no more.
pub(super) const NODES_AT_ONCE: usize = 400;

/// A way to a repository.
pub(super) enum Wire {
    Http(Box<Http>),
    Stdio(Box<Stdio>),
}

/// History while it comes.
pub(super) trait Answer: Read {
    /// What it means that reading it ended in this way.
    fn explain(self: Box<Self>, error: HgError) -> ConvertError;

    /// Bytes received so far.
    fn received(&self) -> u64;
}

impl Wire {
    pub(super) fn to(url: &SourceUrl, options: &SourceOptions) -> Self {
        if url.as_str().starts_with("http") {
            Self::Http(Box::new(Http::new(url.clone(), options)))
        } else {
            Self::Stdio(Box::new(Stdio::new(url.clone(), options)))
        }
    }

    /// Where the repository stands: one question.
    pub(super) fn position(&self, stage: Stage, watch: &Watch) -> Result<Position, ConvertError> {
        let answer = self.ask(&batch(&position::questions()), stage, watch)?;
        let parsed = split_batch(&answer).as_deref().and_then(Position::parse);
        parsed.ok_or_else(|| self.nonsense("where it stands", stage))
    }

    /// Which of these changesets the repository has.
    pub(super) fn known(&self, nodes: &[Node], watch: &Watch) -> Result<Vec<bool>, ConvertError> {
        let mut known = Vec::with_capacity(nodes.len());
        for some in nodes.chunks(NODES_AT_ONCE) {
            let answer = self.ask(&Command::new("known").nodes("nodes", some), Stage::Fetch, watch)?;
            if answer.len() != some.len() {
                return Err(self.nonsense("what it knows", Stage::Fetch));
            }
            known.extend(answer.iter().map(|digit| *digit == b'1'));
        }
        Ok(known)
    }

    /// The changesets that revision numbers stand for; none where there is none, or none that is shown. One question.
    pub(super) fn numbered(
        &self,
        numbers: &[u64],
        stage: Stage,
        watch: &Watch,
    ) -> Result<Vec<Option<Node>>, ConvertError> {
        let lookup = |number: &u64| Command::new("lookup").arg("key", number.to_string());
        let answer = self.ask(&batch(&numbers.iter().map(lookup).collect::<Vec<_>>()), stage, watch)?;
        let found = |answer: Vec<u8>| answer.strip_prefix(b"1 ").and_then(|node| Node::from_hex(node.trim_ascii_end()));
        let answers = split_batch(&answer).filter(|answers| answers.len() == numbers.len());
        Ok(answers.ok_or_else(|| self.nonsense("for revisions", stage))?.into_iter().map(found).collect())
    }

    /// All that leads to `heads` and not to `common`.
    pub(super) fn bundle(
        &self,
        common: &[Node],
        heads: &[Node],
        watch: &Watch,
    ) -> Result<Box<dyn Answer>, ConvertError> {
        // Fewer make the answer longer, never wrong.
        let common = &common[common.len().saturating_sub(NODES_AT_ONCE)..];
        let command = Command::new("getbundle")
            .arg("bundlecaps", command::BUNDLE_CAPABILITIES)
            .arg("cg", "1")
            .nodes("common", common)
            .nodes("heads", heads);
        match self {
            Self::Http(http) => http.stream(&command, watch),
            Self::Stdio(stdio) => stdio.stream(&command, watch),
        }
    }

    fn ask(&self, command: &Command, stage: Stage, watch: &Watch) -> Result<Vec<u8>, ConvertError> {
        match self {
            Self::Http(http) => http.ask(command, stage, watch),
            Self::Stdio(stdio) => stdio.ask(command, stage, watch),
        }
    }

    /// The server does not make sense.
    fn nonsense(&self, what: &str, stage: Stage) -> ConvertError {
        let url = match self {
            Self::Http(http) => &http.url,
            Self::Stdio(stdio) => &stdio.url,
        };
        let text = format!("The Mercurial server of {url} was asked {what}, and its answer makes no sense.");
        ConvertError::new(codeimport_core::Outcome::RemoteBroken, stage, text)
    }
}
