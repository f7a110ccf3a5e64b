//! Mercurial over the input and output of `hg serve --stdio`: for a folder of this machine, and by ssh.
//!
//! Whatever is to be asked is known beforehand, so it is given as input at once, and the program ends by itself with it.

use super::Answer;
use super::command::Command;
use super::complaint::classify;
use crate::source::hg::error::HgError;
use crate::source::hg::explain::explain;
use crate::source::ssh::{no_way_to, with_agent};
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::{Outcome, SourceUrl, Stage, decode_percent};
use codeimport_subprocess::{Signal, Stream, SubprocessError};
use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;

/// Longest time for a piece of history.
const LONG: Duration = Duration::from_secs(12 * 3600);

/// Most lines that a host may say before Mercurial does: greetings and the like.
const MAX_GREETING: usize = 500;

/// Longest line of them.
const MAX_LINE: u64 = 64 << 10;

/// A repository that `hg` itself serves.
pub(in crate::source::hg) struct Stdio {
    pub(super) url: SourceUrl,
    /// The words of the command line; none if there is no way by SSH here.
    words: Option<Vec<String>>,
    idle_timeout: Duration,
}

impl Stdio {
    pub(super) fn new(url: SourceUrl, options: &SourceOptions) -> Self {
        let words = words(&url, options);
        Self { url, words, idle_timeout: options.idle_timeout }
    }

    /// Asks something that has a short answer.
    pub(super) fn ask(&self, command: &Command, stage: Stage, watch: &Watch) -> Result<Vec<u8>, ConvertError> {
        let mut answer = self.begin(command, stage, watch)?;
        match answer.framed() {
            Ok(text) => Ok(text),
            Err(error) => Err(answer.ended(error.into(), stage)),
        }
    }

    /// Asks for history.
    pub(super) fn stream(&self, command: &Command, watch: &Watch) -> Result<Box<dyn Answer>, ConvertError> {
        Ok(Box::new(self.begin(command, Stage::Fetch, watch)?))
    }

    /// Starts the program and reads up to the answer.
    fn begin(&self, command: &Command, stage: Stage, watch: &Watch) -> Result<History, ConvertError> {
        let Some((program, args)) = self.words.as_deref().and_then(<[_]>::split_first) else {
            return Err(no_way_to(self.url.as_str(), stage));
        };
        let input = [Command::new("hello").lines(), command.lines()].concat();
        let program = codeimport_subprocess::Command::new(program).args(args).stdin(input).timeout(LONG);
        // No configuration of the machine or its user; a repository's own counts only for whom Mercurial trusts.
        let program = program.env("HGRCPATH", "").env("HGPLAIN", "1").cancel(watch.cancel().clone());
        let stream = with_agent(program).end_signal(Signal::KILL).stream(self.idle_timeout);
        let stream = stream.map_err(|error| ConvertError::program(stage, error))?;
        let mut answer = History { input: BufReader::new(stream), received: 0, url: self.url.clone() };
        match answer.skip_greeting() {
            Ok(()) => Ok(answer),
            Err(error) => Err(answer.ended(error.into(), stage)),
        }
    }
}

fn words(url: &SourceUrl, options: &SourceOptions) -> Option<Vec<String>> {
    let address = url::Url::parse(url.as_str()).ok()?;
    let path = decode_percent(address.path());
    let serve = |path: &str| ["hg", "-R", path, "serve", "--stdio"].map(str::to_owned);
    if address.scheme() == "file" {
        return Some(serve(&path).into());
    }
    // `ssh://host/path` is below the account's folder, `ssh://host//path` is not.
    let path = path.strip_prefix('/').unwrap_or(&path);
    let line = options.ssh.command_line(address.port(), options.connect_timeout)?;
    let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    let user = if address.username().is_empty() { String::new() } else { format!("{}@", address.username()) };
    words.push(format!("{user}{}", url.host()));
    // For the shell of the other side.
    words.push(serve(&format!("'{}'", path.replace('\'', "'\\''"))).join(" "));
    Some(words)
}

/// A running program's answer.
struct History {
    input: BufReader<Stream>,
    received: u64,
    url: SourceUrl,
}

impl History {
    /// Passes over what the host says, up to the end of what Mercurial answers to `hello`.
    fn skip_greeting(&mut self) -> io::Result<()> {
        for _ in 0..MAX_GREETING {
            let line = self.line()?;
            let Some(len) = std::str::from_utf8(line.trim_ascii()).ok().and_then(|text| text.parse::<u64>().ok())
            else {
                continue;
            };
            let mut hello = Vec::new();
            self.by_ref().take(len.min(MAX_LINE)).read_to_end(&mut hello)?;
            if hello.starts_with(b"capabilities:") {
                return Ok(());
            }
        }
        Err(io::Error::other("it is not Mercurial that answers"))
    }

    /// An answer with its length before it.
    fn framed(&mut self) -> io::Result<Vec<u8>> {
        let line = self.line()?;
        let len = std::str::from_utf8(line.trim_ascii()).ok().and_then(|text| text.parse().ok());
        let len: u64 = len.ok_or(io::ErrorKind::InvalidData)?;
        let mut answer = Vec::new();
        self.by_ref().take(len).read_to_end(&mut answer)?;
        if answer.len() as u64 == len { Ok(answer) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line) }
    }

    /// What the program says of its end counts before what came of it.
    fn ended(self, error: HgError, stage: Stage) -> ConvertError {
        let Self { input, url, .. } = self;
        match input.into_inner().finish() {
            Err(ended @ SubprocessError::TimedOut { .. }) => {
                let text = format!("{url} said nothing for too long.");
                ConvertError::new(Outcome::Unavailable, stage, text).caused_by(ended)
            }
            Err(ended) => ConvertError::program(stage, ended),
            Ok(output) => match (&error, classify(&url, stage, &output.stderr)) {
                (HgError::Read(_), Some(said)) => said,
                _ => explain(&url, error, stage),
            },
        }
    }
}

impl Read for History {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.received += read as u64;
        Ok(read)
    }
}

impl Answer for History {
    fn explain(self: Box<Self>, error: HgError) -> ConvertError {
        self.ended(error, Stage::Fetch)
    }

    fn received(&self) -> u64 {
        self.received
    }
}
