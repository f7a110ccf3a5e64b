//! The log of a repository, without its content: who, when, and which paths; read in pieces.

use super::client::Client;
use super::ra_svn;
use crate::source::svn::records::{LogEntry, LogPath};
use crate::{ConvertError, Progress, Watch};
use codeimport_core::Stage;
use std::time::Duration;

/// Revisions of log asked for at a time. Each piece is held in memory as a whole.
const CHUNK: u64 = 2_000;

/// Longest time for a piece of log.
const TIMEOUT: Duration = Duration::from_secs(3600);

/// What a log is to tell.
pub(crate) struct LogQuestion {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) paths: bool,
    /// Messages may be most of the answer.
    pub(crate) messages: bool,
}

impl Client {
    /// Reads all of the log up to a revision, oldest first; only revisions that touch the client's address are in it.
    pub(crate) fn read_log(
        &self,
        youngest: u64,
        stage: Stage,
        watch: &Watch,
        mut see: impl FnMut(&LogEntry),
    ) -> Result<(), ConvertError> {
        let mut first = 1;
        while first <= youngest {
            watch.check(stage)?;
            let last = (first + CHUNK - 1).min(youngest);
            let question = LogQuestion { first, last, paths: true, messages: false };
            self.log(&self.url, &question, stage, watch)?.iter().for_each(&mut see);
            first = last + 1;
            let mut progress = Progress::begin(stage, "revisions");
            (progress.done, progress.total) = (last, Some(youngest));
            watch.progress(&progress);
        }
        Ok(())
    }

    /// The log of a directory of the repository, by its address.
    pub(crate) fn log(
        &self,
        url: &str,
        question: &LogQuestion,
        stage: Stage,
        watch: &Watch,
    ) -> Result<Vec<LogEntry>, ConvertError> {
        if let Some(entries) = ra_svn::log(url, question, self.idle_timeout, watch) {
            return Ok(entries);
        }
        if let Some(entries) = self.dav.log(url, question, watch) {
            return Ok(entries);
        }
        let range = format!("{}:{}", question.first, question.last);
        let command = self.command("svn", watch).args(["log", "--xml", "--revision", &range]);
        let command = if question.paths { command.arg("--verbose") } else { command };
        let command = if question.messages { command } else { command.arg("--quiet") };
        let command = command.args(["--", &format!("{url}@")]).timeout(TIMEOUT).stdout_limit(1 << 30);
        Ok(parse(&self.run(command, stage)?).unwrap_or_default())
    }
}

/// Reads what `svn log --xml` prints; none if it is no XML.
pub(crate) fn parse(xml: &str) -> Option<Vec<LogEntry>> {
    let document = roxmltree::Document::parse(xml).ok()?;
    let entries = document.descendants().filter(|node| node.has_tag_name("logentry"));
    Some(entries.filter_map(entry).collect())
}

fn entry(node: roxmltree::Node<'_, '_>) -> Option<LogEntry> {
    let text = |name| node.children().find(|node| node.has_tag_name(name))?.text().map(str::to_owned);
    Some(LogEntry {
        revision: node.attribute("revision")?.parse().ok()?,
        author: text("author"),
        date: text("date"),
        message: text("msg"),
        paths: node.descendants().filter(|node| node.has_tag_name("path")).map(path).collect(),
    })
}

fn path(node: roxmltree::Node<'_, '_>) -> LogPath {
    let bare = |path: &str| path.trim_start_matches('/').to_owned();
    let kind = node.attribute("kind").filter(|kind| !kind.is_empty());
    LogPath {
        action: node.attribute("action").and_then(|action| action.chars().next()).unwrap_or('M'),
        path: bare(node.text().unwrap_or_default()),
        is_dir: kind.map(|kind| kind == "dir"),
        copy_from: node.attribute("copyfrom-path").map(bare),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read() {
        let xml = r#"<log>
            <logentry revision="2"><author>ada</author><date>2020-01-02T00:00:00.000000Z</date>
              <paths><path action="A" kind="dir" copyfrom-path="/trunk" copyfrom-rev="1">/tags/v1</path>
              <path action="M" kind="">/tags/v1/f</path></paths></logentry>
            <logentry revision="3"></logentry></log>"#;
        let entries = parse(xml).expect("XML");
        assert_eq!((entries[0].revision, entries[0].author.as_deref()), (2, Some("ada")));
        let copy = LogPath {
            action: 'A',
            path: "tags/v1".to_owned(),
            is_dir: Some(true),
            copy_from: Some("trunk".to_owned()),
        };
        assert_eq!(entries[0].paths[0], copy);
        assert_eq!((entries[0].paths[1].is_dir, entries[0].paths[1].action), (None, 'M'));
        assert_eq!(entries[1], LogEntry { revision: 3, ..LogEntry::default() });
        assert_eq!(parse("no XML"), None);
    }
}
