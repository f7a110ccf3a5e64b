//! One chunk of history: from the program that dumps it into the converter, with counting and progress.
//!
//! A chunk that breaks off leaves the revisions before the break converted, and nothing of the one it broke off in.

use super::classify;
use super::converter::{Converter, SvnError};
use super::run::Run;
use crate::{ConvertError, Progress, Watch};
use codeimport_core::{Outcome, Stage};
use std::io::{self, BufReader, Read};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// Buffer between the dumping program and the parser.
const BUFFER: usize = 256 << 10;

/// Between two progress reports.
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

impl Run<'_> {
    /// Converts some revisions. What it reads is added to `received`, also where it fails.
    pub(super) fn convert_chunk(
        &self,
        converter: &mut Converter,
        chunk: RangeInclusive<u64>,
        youngest: u64,
        received: &mut u64,
    ) -> Result<(), ConvertError> {
        let mut dump = self.client.dump(*chunk.start(), *chunk.end(), self.watch)?;
        let mut counted = Counted { inner: &mut dump, count: 0 };
        let mut last_report = Instant::now();
        let base = *received;
        let read = {
            let mut report = Reporter { watch: self.watch, youngest, last: &mut last_report };
            converter.read_stream(BufReader::with_capacity(BUFFER, &mut counted), |done| {
                report.revision(done, base);
                true
            })
        };
        *received += counted.count;
        let ended = dump.finish();
        match (read, ended) {
            (_, Err(error)) => self.broken_off(converter, ConvertError::program(Stage::Fetch, error)),
            (_, Ok(end)) if !end.success() && !end.stderr.is_empty() => {
                self.broken_off(converter, classify::classify(&self.client.url, Stage::Fetch, &end.stderr))
            }
            (Err(error), Ok(_)) => self.broken_off(converter, self.unreadable(error)),
            (Ok(()), Ok(end)) if !end.success() => {
                let text = format!("svnrdump ended with {} and said nothing.", end.status_text());
                self.broken_off(converter, ConvertError::new(Outcome::Unavailable, Stage::Fetch, text))
            }
            (Ok(()), Ok(_)) => converter.end_stream().map_err(|error| self.unreadable(error)),
        }
    }

    fn broken_off(&self, converter: &mut Converter, error: ConvertError) -> Result<(), ConvertError> {
        converter.drop_open_revision();
        Err(error)
    }

    /// A stream that does not make sense is the source's fault; a repository of ours that does not work is ours.
    fn unreadable(&self, error: SvnError) -> ConvertError {
        let url = &self.client.url;
        match error {
            SvnError::Shadow(_) | SvnError::Store(_) | SvnError::State => self.our_failure(error),
            SvnError::Replaced { expected, got } => self.replaced(&expected, &got),
            SvnError::Dump(_) | SvnError::Replay { .. } | SvnError::OutOfOrder { .. } => {
                let text = format!("{url} sends history that contradicts itself: {error}.");
                ConvertError::new(Outcome::RemoteBroken, Stage::Convert, text).caused_by(error)
            }
        }
    }
}

/// Counts what is read.
struct Counted<'a, R> {
    inner: &'a mut R,
    count: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count += read as u64;
        Ok(read)
    }
}

/// Tells how far it is, a few times a second.
struct Reporter<'a> {
    watch: &'a Watch,
    youngest: u64,
    last: &'a mut Instant,
}

impl Reporter<'_> {
    fn revision(&mut self, done: u64, received_bytes: u64) {
        if self.last.elapsed() < REPORT_INTERVAL {
            return;
        }
        *self.last = Instant::now();
        let mut progress = Progress::begin(Stage::Convert, "revisions");
        (progress.done, progress.total, progress.received_bytes) = (done, Some(self.youngest), received_bytes);
        self.watch.progress(&progress);
    }
}
