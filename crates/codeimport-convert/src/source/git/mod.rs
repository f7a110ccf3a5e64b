//! Git as a source, read by gix over `git://`, `http://` and `https://`.
//!
//! ```text
//!   session   one connection: handshake, list of refs, one pack
//!   connect   address -> transport; tcp, http: the two that exist, both with time-outs and cancellation
//!   classify  failure -> outcome and sentence
//!   advertised  the server's list of refs -> what the target should have
//!   receive   negotiation and pack -> cache
//!   meter     gix's progress -> ours
//! ```

mod advertised;
mod classify;
mod connect;
mod http;
mod meter;
mod receive;
mod session;
mod tcp;

use crate::source::fault::FaultSlot;
use crate::{Cache, ConvertError, Preview, Source, SourceOptions, SourceState, Watch, Watermark};
use advertised::Advertised;
use classify::Classifier;
use codeimport_core::{Outcome, SourceUrl, Stage};
use gix::{ObjectId, bstr::BString};
use session::Session;
use std::{collections::BTreeSet, path::Path};

/// A Git repository that somebody else serves.
pub(super) struct GitSource {
    url: SourceUrl,
    options: SourceOptions,
}

impl GitSource {
    pub(super) fn new(url: SourceUrl, options: SourceOptions) -> Self {
        Self { url, options }
    }

    fn classifier(&self, stage: Stage) -> Classifier<'_> {
        Classifier { url: &self.url, stage }
    }

    /// Connects and lists the refs that the filter takes.
    fn list(&self, stage: Stage, watch: &Watch) -> Result<(Session, Advertised), ConvertError> {
        let faults = FaultSlot::default();
        let failed = |error: gix::Error| self.classifier(stage).classify(error, &faults, None);
        let transport = connect::connect(&self.url, &self.options, &faults, watch.cancel()).map_err(failed)?;
        let mut session = Session::open(transport, faults.clone()).map_err(failed)?;
        if let Some(format) = session.foreign_object_format() {
            return Err(self.classifier(stage).foreign_object_format(&format));
        }
        let refs = session.list_refs(&self.options.filter).map_err(failed)?;
        let advertised = Advertised::from_refs(&refs, &self.options.filter);
        if advertised.nothing_taken() {
            return Err(self.classifier(stage).nothing_taken(&self.options.filter));
        }
        Ok((session, advertised))
    }
}

impl Source for GitSource {
    fn probe(&self, watch: &Watch) -> Result<Watermark, ConvertError> {
        let (_, advertised) = self.list(Stage::Probe, watch)?;
        Ok(advertised.watermark())
    }

    fn fetch(&self, cache: &Cache, _: Option<ObjectId>, watch: &Watch) -> Result<SourceState, ConvertError> {
        let (session, advertised) = self.list(Stage::Fetch, watch)?;
        let classifier = self.classifier(Stage::Fetch);
        match receive::receive(session, &advertised, cache, &classifier, watch) {
            // What is wrong may be the cache's fault: without it, the answer is the source's own.
            Err(failure) if failure.may_be_cache && !cache.is_empty() => {
                watch.note(Stage::Fetch, "The worker's cache is damaged; it is thrown away and filled anew.");
                cache.reset()?;
                let (session, advertised) = self.list(Stage::Fetch, watch)?;
                let received = receive::receive(session, &advertised, cache, &classifier, watch);
                received.map(|bytes| advertised.into_state(bytes)).map_err(|failure| failure.error)
            }
            received => received.map(|bytes| advertised.into_state(bytes)).map_err(|failure| failure.error),
        }
    }

    fn export(&self, _: &[u8], _: &str, _: &Path, _: &Watch) -> Result<(), ConvertError> {
        Err(names_itself())
    }

    fn translated_paths(&self, _: &[u8], _: &str, _: &Watch) -> Result<BTreeSet<BString>, ConvertError> {
        Err(names_itself())
    }

    fn preview(&self, watch: &Watch) -> Result<Preview, ConvertError> {
        let (_, advertised) = self.list(Stage::Probe, watch)?;
        Ok(advertised.preview())
    }
}

/// The ids of a Git source are its content's own: equal refs are equal content.
fn names_itself() -> ConvertError {
    ConvertError::new(Outcome::UnsupportedFeature, Stage::Scan, "A Git source needs no export to be compared with.")
}
