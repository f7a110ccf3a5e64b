//! Subversion's own programs, run so that nothing of this machine or its user shows through.

use super::classify::classify;
use super::dav::Dav;
use super::info::Info;
use super::ra_svn;
use super::tunnel::Tunnel;
use crate::source::Login;
use crate::source::svn::records::RecordSource;
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::{Outcome, Stage};
use codeimport_subprocess::{Command, Signal, Stream, SubprocessError};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Longest time for one chunk of history.
pub(crate) const LONG: Duration = Duration::from_secs(12 * 3600);

/// How a Subversion repository is asked.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Address as people gave it: the root of the repository or a directory in it.
    pub(crate) url: String,
    /// Longest silence of the server before it counts as gone; longest time for a question that moves no history.
    pub(crate) idle_timeout: Duration,
    /// The way to it, where that is SSH.
    pub(crate) tunnel: Tunnel,
    /// How it is asked over HTTP.
    pub(crate) dav: Dav,
    /// By what name and password.
    pub(crate) login: Option<Login>,
}

impl Client {
    pub(crate) fn new(url: &str, options: &SourceOptions) -> Self {
        let (tunnel, url) = Tunnel::to(url, options);
        Self { url, idle_timeout: options.idle_timeout, tunnel, dav: Dav::new(options), login: options.login.clone() }
    }

    /// What the repository says of itself and of the address.
    pub(crate) fn info(&self, stage: Stage, watch: &Watch) -> Result<Info, ConvertError> {
        self.tunnel.check(&self.url, stage)?;
        if let Some(info) = ra_svn::info(&self.url, self.idle_timeout, watch) {
            return Ok(info);
        }
        match self.dav.info(&self.url, stage, watch)? {
            Some(info) => Ok(info),
            None => self.info_by_program(stage, watch),
        }
    }

    /// The same, from `svn`: for every address, and with its words for what is wrong.
    pub(crate) fn info_by_program(&self, stage: Stage, watch: &Watch) -> Result<Info, ConvertError> {
        let command =
            self.command("svn", watch).args(["info", "--xml", "--", self.url.as_str()]).timeout(self.idle_timeout);
        let xml = self.run(command, stage)?;
        Info::parse(&xml).ok_or_else(|| classify(&self.url, stage, "E135001: svn info gave no answer"))
    }

    /// Names of the directories at the address, in one revision.
    pub(crate) fn directories(&self, revision: u64, stage: Stage, watch: &Watch) -> Result<Vec<String>, ConvertError> {
        let at = format!("{}@{revision}", self.url);
        let command = self.command("svn", watch).args(["list", "--xml", "--", at.as_str()]).timeout(self.idle_timeout);
        let xml = self.run(command, stage)?;
        Ok(directory_names(&xml).unwrap_or_default())
    }

    /// Revisions of a repository with this root, from the server itself; none if it has to be `svnrdump`.
    pub(crate) fn replay(
        &self,
        root: &str,
        revisions: &RangeInclusive<u64>,
        watch: &Watch,
    ) -> Result<Option<Box<dyn RecordSource>>, ConvertError> {
        if let Some(replay) = ra_svn::Replay::begin(&self.url, revisions, self.idle_timeout, watch) {
            return Ok(Some(Box::new(replay)));
        }
        let replay = self.dav.replay(&self.url, root, revisions, watch)?;
        Ok(replay.map(|replay| Box::new(replay) as Box<dyn RecordSource>))
    }

    /// A dump of revisions `first..=last`, to be read while it is made.
    pub(crate) fn dump(&self, revisions: &RangeInclusive<u64>, watch: &Watch) -> Result<Stream, ConvertError> {
        let range = format!("{}:{}", revisions.start(), revisions.end());
        let command = self.command("svnrdump", watch).args(["dump", "--quiet", "--incremental", "--revision", &range]);
        let stream = command.args(["--", self.url.as_str()]).timeout(LONG).stream(self.idle_timeout);
        stream.map_err(|error| self.failed(Stage::Fetch, error))
    }

    /// No prompt, no stored password, no configuration: an empty folder that is not there is as good as an empty one.
    pub(crate) fn command(&self, program: &str, watch: &Watch) -> Command {
        let pinned = ["--non-interactive", "--no-auth-cache", "--config-dir", "/nonexistent/subversion"];
        let command = Command::new(program).cancel(watch.cancel().clone());
        // One that waits for a silent server does not hear TERM, and it holds nothing that would have to be tidied up.
        let command = command.end_signal(Signal::KILL);
        let command = match &self.login {
            Some(login) => login.tell_svn(command),
            None => command,
        };
        // They trust whom we trust.
        let trusted =
            ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let command = trusted.fold(command, |command, (name, value)| command.env(name, value));
        // The subcommand comes first in all of Subversion's programs' own words, but options may stand before it.
        self.tunnel.through(command.args(pinned))
    }

    pub(crate) fn run(&self, command: Command, stage: Stage) -> Result<String, ConvertError> {
        let output = command.run().map_err(|error| self.failed(stage, error))?;
        if output.success() { Ok(output.stdout_text()) } else { Err(classify(&self.url, stage, &output.stderr)) }
    }

    /// A program that could not be run to its end. If it was waited for too long, then because it waited for the server.
    pub(crate) fn failed(&self, stage: Stage, error: SubprocessError) -> ConvertError {
        let SubprocessError::TimedOut { after, .. } = error else { return ConvertError::program(stage, error) };
        self.silent(stage, after).caused_by(error)
    }

    /// The server says nothing any more.
    pub(crate) fn silent(&self, stage: Stage, time: Duration) -> ConvertError {
        let text = format!("{} said nothing for {} seconds.", self.url, time.as_secs());
        ConvertError::new(Outcome::Unavailable, stage, text)
    }
}

fn directory_names(xml: &str) -> Option<Vec<String>> {
    let document = roxmltree::Document::parse(xml).ok()?;
    let entries =
        document.descendants().filter(|node| node.has_tag_name("entry") && node.attribute("kind") == Some("dir"));
    let names = entries.filter_map(|entry| entry.children().find(|node| node.has_tag_name("name"))?.text());
    Some(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_directories_are_listed() {
        let xml = r#"<lists><list path="x"><entry kind="dir"><name>trunk</name></entry><entry kind="file"><name>f</name></entry></list></lists>"#;
        assert_eq!(directory_names(xml), Some(vec!["trunk".to_owned()]));
    }
}
