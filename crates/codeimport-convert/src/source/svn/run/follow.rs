//! Chunk after chunk, until all is there or the run's limit is reached.

use super::Run;
use super::chunk::Meter;
use crate::ConvertError;
use crate::source::svn::convert::Converter;
use crate::source::svn::wire::LogQuestion;
use codeimport_core::Stage;
use std::time::Instant;

/// Revisions asked for at a time. A chunk costs a connection (tens of milliseconds) and one pack.
const CHUNK: u64 = 1_000;

/// Revisions asked for at a time beyond a run's limit, to find a branch to end with.
const BRIDGE: u64 = 20;

impl Run<'_> {
    /// Converts what is new, and meanwhile asks for the log of what was converted last: is it still what it was?
    pub(super) fn convert_and_look_back(
        &self,
        converter: &mut Converter,
        root: &str,
        meter: &mut Meter,
    ) -> Result<(), ConvertError> {
        let recent = converter.recent().filter(|_| converter.next_revision() <= meter.youngest);
        let ask = |(first, last)| {
            let question = LogQuestion { first, last, paths: false, messages: true };
            self.client.log(root, &question, Stage::Fetch, self.watch)
        };
        let (converted, log) = std::thread::scope(|scope| {
            let asked = recent.map(|range| scope.spawn(move || ask(range)));
            let converted = self.convert(converter, root, meter);
            (converted, asked.and_then(|asked| asked.join().ok()))
        });
        match log {
            Some(Ok(log)) => converter.note_late_changes(&log),
            // Nothing depends on it; the next run asks again.
            Some(Err(error)) => {
                tracing::debug!(error = %error.chain(), "the log of what was converted could not be read");
            }
            None => {}
        }
        converted
    }

    /// Reads chunk after chunk until all is there or the run's limit is reached.
    ///
    /// A run does not end where the source has no branch just then, its trunk being deleted in one revision and made again
    /// in a later one: that would ask for a target without any ref.
    fn convert(&self, converter: &mut Converter, root: &str, meter: &mut Meter) -> Result<(), ConvertError> {
        let began = Instant::now();
        let start = converter.next_revision();
        let limit = start.saturating_add(self.options.max_revisions);
        loop {
            let first = converter.next_revision();
            let may_end = first >= limit || began.elapsed() >= self.options.max_time;
            if first > meter.youngest || (may_end && !converter.is_between_branches()) {
                return Ok(());
            }
            self.watch.check(Stage::Fetch)?;
            let wanted = if may_end { BRIDGE } else { CHUNK.min(limit - first) };
            let last = (first + wanted - 1).min(meter.youngest);
            if first > start {
                // Not behind the last one: with that the run's own end is written, and the disk is waited for once.
                self.ours(converter.flush())?;
            }
            self.convert_chunk(converter, root, &(first..=last), meter)?;
        }
    }
}
