//! The exporter: Bazaar's own library, asked through `brz`, which knows every format that there ever was.
//!
//! It runs as a plugin of `brz`, so it finds the library wherever `brz` does, and without anybody's configuration or plugins.
//! `fast-export` is never asked: its trees are wrong where directories are renamed or removed.

mod classify;
mod request;

pub(super) use request::{Mode, Request};

use super::stream::{FORMAT, Failure, Record, RecordReader, StreamError};
use crate::scratch::Scratch;
use crate::{ConvertError, Watch};
use codeimport_core::{Outcome, SourceUrl, Stage};
use codeimport_subprocess::{Command, Stream};
use std::io::{self, BufReader};
use std::time::Duration;

/// The plugin.
const PROGRAM: &str = include_str!("exporter.py");

/// Longest time for all of a history.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// Buffer between the program and the parser.
const BUFFER: usize = 256 << 10;

/// How a branch is asked by way of `brz`.
#[derive(Clone, Debug)]
pub(super) struct Exporter {
    pub(super) url: SourceUrl,
    /// Longest silence before the server counts as gone.
    pub(super) idle_timeout: Duration,
}

/// What a reader of records says after each.
pub(super) enum Next {
    /// Go on.
    More,
    /// That is enough.
    Stop,
}

impl Exporter {
    /// Asks, and hands all records on until the last one or until the reader has enough.
    pub(super) fn ask(
        &self,
        request: &Request<'_>,
        stage: Stage,
        watch: &Watch,
        mut take: impl FnMut(Record) -> Result<Next, ConvertError>,
    ) -> Result<(), ConvertError> {
        let folder = Scratch::new("bzr").map_err(|error| ConvertError::disk(stage, &std::env::temp_dir(), error))?;
        let mut stream = self.start(&folder, request, stage, watch)?;
        let mut taken = Ok(());
        let told =
            tell(&mut RecordReader::new(BufReader::with_capacity(BUFFER, &mut stream)), |record| match take(record) {
                Ok(next) => next,
                Err(error) => {
                    taken = Err(error);
                    Next::Stop
                }
            });
        let end = stream.finish();
        taken?;
        match (told, end) {
            (Ok(End::Told | End::Stopped), _) => Ok(()),
            (Ok(End::Failed(failure)), _) => Err(classify::classify(&self.url, stage, &failure)),
            (Err(_), Err(error)) => Err(self.given_up(stage, watch, error)),
            (Err(error), Ok(end)) => {
                let text = format!("brz broke off while it read {}.", self.url);
                let cause = format!("{error}; {}: {}", end.status_text(), end.stderr);
                Err(ConvertError::new(Outcome::Failure, stage, text).caused_by(cause))
            }
        }
    }

    fn start(
        &self,
        folder: &Scratch,
        request: &Request<'_>,
        stage: Stage,
        watch: &Watch,
    ) -> Result<Stream, ConvertError> {
        let disk = |error: io::Error| ConvertError::disk(stage, folder.path(), error);
        let program = folder.path().join("codeimport_exporter.py");
        std::fs::write(&program, PROGRAM).map_err(disk)?;
        let command = brz(folder)
            .arg("codeimport-export")
            .env("BRZ_PLUGINS_AT", format!("codeimport_exporter@{}", program.display()))
            .stdin(request.json(&self.url))
            .timeout(LONG)
            .cancel(watch.cancel().clone());
        command.stream(self.idle_timeout).map_err(|error| ConvertError::program(stage, error))
    }

    fn given_up(&self, stage: Stage, watch: &Watch, error: codeimport_subprocess::SubprocessError) -> ConvertError {
        if watch.cancel().is_cancelled() {
            return ConvertError::cancelled(stage);
        }
        let seconds = self.idle_timeout.as_secs();
        match error {
            codeimport_subprocess::SubprocessError::TimedOut { .. } => {
                let text = format!("{} said nothing for {seconds} seconds.", self.url);
                ConvertError::new(Outcome::Unavailable, stage, text).caused_by(error)
            }
            error => ConvertError::program(stage, error),
        }
    }
}

/// `brz` without anybody's configuration, and with no plugins but its own.
pub(super) fn brz(folder: &Scratch) -> Command {
    Command::new("brz")
        .env("BRZ_HOME", folder.path())
        .env("BRZ_LOG", "/dev/null")
        .env("BRZ_PLUGIN_PATH", "+core")
        .env("BRZ_EMAIL", "codeimport <codeimport@localhost>")
        .env("PYTHONDONTWRITEBYTECODE", "1")
}

/// How telling ended.
enum End {
    Told,
    Stopped,
    Failed(Failure),
}

/// Hands records on, but for those that are about the stream itself.
fn tell<R: io::Read>(reader: &mut RecordReader<R>, mut take: impl FnMut(Record) -> Next) -> Result<End, StreamError> {
    match reader.next()? {
        Some(Record::Head { format: FORMAT }) => {}
        _ => return Err(StreamError::Form("it does not begin as it should")),
    }
    loop {
        match reader.next()? {
            Some(Record::End) => return Ok(End::Told),
            Some(Record::Failed(failure)) => return Ok(End::Failed(failure)),
            Some(record) => {
                if let Next::Stop = take(record) {
                    return Ok(End::Stopped);
                }
            }
            None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }
}
