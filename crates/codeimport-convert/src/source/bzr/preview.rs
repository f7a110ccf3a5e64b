//! A look at a branch without reading its texts.

use super::commits::identity;
use super::exporter::{Exporter, Mode, Next, Request};
use super::names::BRANCH_NAME;
use super::position::Position;
use super::stream::Record;
use crate::{ConvertError, Preview, SourceOptions, Watch};
use codeimport_core::Stage;
use std::collections::BTreeMap;
use std::time::Duration;

/// Revisions converted in a second (docs/benchmarks.md): at best, and of large trees from a server that has other work.
const REVISIONS_PER_SECOND: (u64, u64) = (1_000, 100);

/// What is heard.
#[derive(Default)]
struct Heard {
    preview: Preview,
    authors: BTreeMap<String, u64>,
    last_seconds: i64,
    back_in_time: u64,
    revisions: u64,
    lost_tags: u64,
}

/// Asks for all revisions, but for what is in them.
pub(super) fn preview(exporter: &Exporter, options: &SourceOptions, watch: &Watch) -> Result<Preview, ConvertError> {
    let mut heard = Heard::default();
    let request = Request::about(Mode::Log, options.login.as_ref());
    exporter.ask(&request, Stage::Probe, watch, |record| {
        heard.hear(record, options);
        Ok(Next::More)
    })?;
    Ok(heard.told())
}

impl Heard {
    fn hear(&mut self, record: Record, options: &SourceOptions) {
        match record {
            Record::Branch(head) => {
                self.preview.odd.push(format!("repository format: {}", head.format));
                self.preview.position = Position { tip: head.tip, tags: head.tags }.watermark().0;
                self.preview.branches.push(BRANCH_NAME.to_owned());
            }
            Record::Tag { name, is_there, .. } => {
                self.lost_tags += u64::from(!is_there);
                self.preview.tags.extend(is_there.then_some(name));
            }
            Record::Log { committer, seconds } => {
                let who = identity(&committer, &options.authors);
                *self.authors.entry(format!("{} <{}>", who.name, who.email)).or_default() += 1;
                self.back_in_time += u64::from(seconds < self.last_seconds);
                self.last_seconds = seconds;
                self.revisions += 1;
            }
            _ => {}
        }
    }

    fn told(self) -> Preview {
        let mut preview = self.preview;
        let told = [
            (self.lost_tags, "tags name revisions that are not in the repository"),
            (self.back_in_time, "revisions older than the one before"),
        ];
        let told = told.iter().filter(|(count, _)| *count > 0).map(|(count, text)| format!("{count} {text}"));
        preview.odd.extend(told);
        preview.authors = self.authors.into_iter().collect();
        preview.authors.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let (best, worst) = REVISIONS_PER_SECOND;
        let seconds = |rate| Duration::from_secs(self.revisions.div_ceil(rate));
        preview.revision_count = Some(self.revisions);
        preview.estimated = Some(seconds(best)..=seconds(worst));
        preview
    }
}
