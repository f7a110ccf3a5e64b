//! Revisions as mod_dav_svn replays them: the records that `svnrdump` would make of them, without the program.
//!
//! ```text
//!   client  REPORT at the address: <S:replay-report> with the revision       a few at a time, each on a connection that is kept
//!   server  <S:editor-report> … </S:editor-report>
//! ```

use super::Dav;
use super::report::{Problem, Report};
use crate::source::fault::{Fault, FaultSlot};
use crate::source::http::{self, Body, Sent};
use crate::source::svn::records::{Record, RecordSource, RevisionRecord, StreamError};
use crate::{ConvertError, Watch};
use codeimport_core::{RcsType, SourceUrl, Stage};
use reqwest::header::ACCEPT_ENCODING;
use std::collections::VecDeque;
use std::io;
use std::ops::RangeInclusive;

/// Revisions that are asked for at a time: as many connections as Subversion's own clients take for this.
const AT_A_TIME: usize = 4;

/// What we can read. Compressed deltas are asked for: networks are slower than zlib.
const DELTAS: &str = "svndiff1;q=0.9,svndiff;q=0.8";

/// History under way from an HTTP server.
pub(crate) struct Replay {
    dav: Dav,
    source: SourceUrl,
    watch: Watch,
    /// Revisions that are not told yet, oldest first.
    untold: VecDeque<RevisionRecord>,
    /// The next one that is not asked for yet, and the last one.
    unasked: RangeInclusive<u64>,
    /// What was asked for, oldest first.
    sent: VecDeque<Sent>,
    stage: Told,
    /// Bytes of the reports that were read to their end.
    received: u64,
}

/// How much of a revision is told.
enum Told {
    /// All of it.
    Whole,
    /// That it begins; its report is waited for.
    Begun,
    /// What the report has told so far.
    Part(Box<Report<Body>>),
}

impl Dav {
    /// Asks for revisions of a repository whose root this is. None if the address is not of this kind, or if the server does not
    /// replay: that is left to `svnrdump`.
    ///
    /// # Errors
    ///
    /// What `svnrdump` would fare no better with.
    pub(crate) fn replay(
        &self,
        url: &str,
        root: &str,
        revisions: &RangeInclusive<u64>,
        watch: &Watch,
    ) -> Result<Option<Replay>, ConvertError> {
        let parse = |url| SourceUrl::parse(RcsType::Subversion, url).ok().filter(|url| self.http(url).is_some());
        let (Some(source), Some(root)) = (parse(url), parse(root)) else { return Ok(None) };
        let begun = self.revprops(&root, revisions, watch).and_then(|untold| {
            let (dav, watch, unasked) = (self.clone(), watch.clone(), revisions.clone());
            let (sent, stage) = (VecDeque::new(), Told::Whole);
            let mut replay = Replay { dav, source, watch, untold: untold.into(), unasked, sent, stage, received: 0 };
            replay.begin()?;
            Ok(replay)
        });
        match begun {
            Ok(replay) => Ok(Some(replay)),
            Err(error) => match fault_in(&error) {
                Some(fault) if !is_refusal(fault) => Err(fault.explain(&root, Stage::Fetch).caused_by(error)),
                _ => {
                    tracing::info!(source.url = %url, error = %error, "the HTTP server does not replay its history; svnrdump is asked");
                    Ok(None)
                }
            },
        }
    }
}

impl Replay {
    /// Asks for more, as long as not too much is under way.
    fn ask(&mut self) -> io::Result<()> {
        while self.sent.len() < AT_A_TIME
            && let Some(revision) = self.unasked.next()
        {
            let request = self.dav.report(&self.source, written(revision)).ok_or(io::ErrorKind::Unsupported)?;
            self.sent.push_back(http::start(request.header(ACCEPT_ENCODING, DELTAS))?);
        }
        Ok(())
    }

    /// Waits for the first report, to see whether the server gives any.
    fn begin(&mut self) -> io::Result<()> {
        self.ask()?;
        if let Some(sent) = self.sent.front_mut() {
            let head = sent.head(&self.dav.patience(&FaultSlot::default(), &self.watch))?;
            head.fault().map_or(Ok(()), |fault| Err(io::Error::other(fault)))?;
        }
        Ok(())
    }

    /// The report of the revision that is being told.
    fn answer(&mut self) -> io::Result<Box<Report<Body>>> {
        self.ask()?;
        let sent = self.sent.pop_front().ok_or(io::ErrorKind::UnexpectedEof)?;
        let (head, body) = sent.answer(self.dav.patience(&FaultSlot::default(), &self.watch))?;
        head.fault().map_or_else(|| Ok(Box::new(Report::new(body))), |fault| Err(io::Error::other(fault)))
    }

    fn failed(&self, error: io::Error) -> StreamError {
        match fault_in(&error).map(|fault| fault.explain(&self.source, Stage::Fetch)) {
            Some(explained) => StreamError::Failed(explained.caused_by(error).into()),
            None => StreamError::Io { at: self.received(), source: error },
        }
    }

    fn broken(&self, problem: Problem) -> StreamError {
        match problem {
            Problem::Io(error) => self.failed(error),
            Problem::Malformed(problem) => StreamError::Malformed { at: self.received(), problem },
        }
    }
}

impl RecordSource for Replay {
    fn next_record(&mut self) -> Result<Option<Record>, StreamError> {
        loop {
            match &mut self.stage {
                Told::Part(report) => match report.next_record() {
                    Ok(Some(record)) => return Ok(Some(record)),
                    Ok(None) => {
                        self.received += report.received();
                        self.stage = Told::Whole;
                    }
                    Err(problem) => return Err(self.broken(problem)),
                },
                Told::Begun => self.stage = Told::Part(self.answer().map_err(|error| self.failed(error))?),
                // That a revision begins says that the one before is whole, so it is told before its report is waited for.
                Told::Whole => {
                    let Some(revision) = self.untold.pop_front() else { return Ok(None) };
                    self.stage = Told::Begun;
                    return Ok(Some(Record::Revision(revision)));
                }
            }
        }
    }

    fn received(&self) -> u64 {
        let of_this = if let Told::Part(report) = &self.stage { report.received() } else { 0 };
        self.received + of_this
    }
}

/// The question for a revision, as XML.
fn written(revision: u64) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><S:replay-report xmlns:S=\"svn:\"><S:revision>{revision}</S:revision>\
         <S:low-water-mark>0</S:low-water-mark><S:send-deltas>1</S:send-deltas></S:replay-report>"
    )
}

/// What happened to the connection, or what the server said instead of an answer.
fn fault_in(error: &io::Error) -> Option<&Fault> {
    error.get_ref()?.downcast_ref()
}

/// Whether a fault says that the server does not do this, rather than that it does nothing just now, or not for us.
fn is_refusal(fault: &Fault) -> bool {
    matches!(fault, Fault::Redirected(_) | Fault::Status { status: 400 | 403..=428 | 501, retry_after: None })
}
