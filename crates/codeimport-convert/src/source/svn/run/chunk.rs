//! One chunk of history: from the server, or from the program that dumps it, into the converter.
//!
//! A chunk that breaks off leaves the revisions before the break converted, and nothing of the one it broke off in.

use super::Run;
use crate::source::svn::convert::{Converter, SvnError};
use crate::source::svn::records::{RecordSource, StreamError};
use crate::source::svn::wire::{DumpReader, classify};
use crate::{ConvertError, Progress, Watch};
use codeimport_core::{Outcome, Stage};
use codeimport_subprocess::Stream;
use std::io::{self, BufReader};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// Buffer between the dumping program and the parser.
const BUFFER: usize = 256 << 10;

/// Between two progress reports.
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// What a run has to say of its progress.
pub(crate) struct Meter {
    /// Newest revision of the source.
    pub(crate) youngest: u64,
    /// Bytes received by the run so far, those of broken chunks too.
    pub(crate) received: u64,
}

impl Run<'_> {
    /// Converts some revisions.
    pub(crate) fn convert_chunk(
        &self,
        converter: &mut Converter,
        root: &str,
        chunk: &RangeInclusive<u64>,
        meter: &mut Meter,
    ) -> Result<(), ConvertError> {
        let converted = match self.client.replay(root, chunk, self.watch)? {
            Some(mut replay) => self.convert_replay(converter, &mut *replay, meter),
            None => self.convert_dump(converter, self.client.dump(chunk, self.watch)?, meter),
        };
        let whole = converted.and_then(|()| converter.end_stream().map_err(|error| self.unreadable(error)));
        if whole.is_err() {
            converter.drop_open_revision();
        }
        whole
    }

    fn convert_replay(
        &self,
        converter: &mut Converter,
        replay: &mut dyn RecordSource,
        meter: &mut Meter,
    ) -> Result<(), ConvertError> {
        let read = self.read(converter, replay, meter);
        read.map_err(|error| match error {
            SvnError::Stream(StreamError::Refused { words }) => classify(&self.client.url, Stage::Fetch, &words),
            SvnError::Stream(StreamError::Failed(error)) => *error,
            SvnError::Stream(StreamError::Io { source, .. }) => self.disconnected(source),
            SvnError::Stream(error @ StreamError::Truncated { .. }) => self.disconnected(io::Error::other(error)),
            error => self.unreadable(error),
        })
    }

    /// What the program says at its end explains why the stream is not as it should be.
    fn convert_dump(&self, converter: &mut Converter, mut dump: Stream, meter: &mut Meter) -> Result<(), ConvertError> {
        let mut records = DumpReader::new(BufReader::with_capacity(BUFFER, &mut dump));
        let read = self.read(converter, &mut records, meter);
        let end = dump.finish().map_err(|error| self.client.failed(Stage::Fetch, error))?;
        if !end.success() && !end.stderr.is_empty() {
            return Err(classify(&self.client.url, Stage::Fetch, &end.stderr));
        }
        read.map_err(|error| self.unreadable(error))?;
        if end.success() {
            return Ok(());
        }
        let text = format!("svnrdump ended with {} and said nothing.", end.status_text());
        Err(ConvertError::new(Outcome::Unavailable, Stage::Fetch, text))
    }

    fn read(
        &self,
        converter: &mut Converter,
        records: &mut dyn RecordSource,
        meter: &mut Meter,
    ) -> Result<(), SvnError> {
        let before = meter.received;
        let mut reporter = Reporter { watch: self.watch, youngest: meter.youngest, last: Instant::now() };
        let read = converter.read(records, |done, received| reporter.revision(done, before + received));
        meter.received += records.received();
        read
    }

    fn disconnected(&self, error: io::Error) -> ConvertError {
        if self.watch.cancel().is_cancelled() {
            return ConvertError::cancelled(Stage::Fetch);
        }
        if error.kind() == io::ErrorKind::TimedOut {
            return self.client.silent(Stage::Fetch, self.client.idle_timeout).caused_by(error);
        }
        let text = format!("{} closed the connection in the middle of its answer.", self.client.url);
        ConvertError::new(Outcome::Unavailable, Stage::Fetch, text).caused_by(error)
    }

    /// A stream that does not make sense is the source's fault; a repository of ours that does not work is ours.
    fn unreadable(&self, error: SvnError) -> ConvertError {
        let url = &self.client.url;
        match error {
            SvnError::Shadow(_) | SvnError::Store(_) | SvnError::State => self.our_failure(error),
            SvnError::Replaced { expected, got } => self.replaced(&expected, &got),
            SvnError::Stream(_) | SvnError::Replay { .. } | SvnError::OutOfOrder { .. } => {
                let text = format!("{url} sends history that contradicts itself: {error}.");
                ConvertError::new(Outcome::RemoteBroken, Stage::Convert, text).caused_by(error)
            }
        }
    }
}

/// Tells how far it is, a few times a second.
struct Reporter<'a> {
    watch: &'a Watch,
    youngest: u64,
    last: Instant,
}

impl Reporter<'_> {
    fn revision(&mut self, done: u64, received_bytes: u64) {
        if self.last.elapsed() < REPORT_INTERVAL {
            return;
        }
        self.last = Instant::now();
        let mut progress = Progress::begin(Stage::Convert, "revisions");
        (progress.done, progress.total, progress.received_bytes) = (done, Some(self.youngest), received_bytes);
        self.watch.progress(&progress);
    }
}
