//! A look at a repository without reading its content: `svn log` and `svn list`.

use super::layout::Places;
use super::layout::Survey;
use super::layout::{Detected, detect};
use super::records::LogEntry;
use super::wire::{Client, Info};
use crate::{ConvertError, Preview, Watch};
use codeimport_core::{Layout, Outcome, Stage};
use std::collections::BTreeMap;
use std::time::Duration;

/// Revisions converted in a second, as measured with everything on one machine (docs/benchmarks.md): at best, and of a
/// large repository over HTTP with other work beside it.
const REVISIONS_PER_SECOND: (u64, u64) = (2_000, 300);

/// Directories of branches and tags that are listed: each costs a connection.
const LISTED: usize = 40;

/// What a source has, and which layout it seems to have.
pub(super) struct Look {
    summary: Summary,
    survey: Survey,
}

impl Look {
    /// Reads all of the log, once.
    pub(super) fn take(client: &Client, info: &Info, stage: Stage, watch: &Watch) -> Result<Self, ConvertError> {
        let mut look = Self { summary: Summary::default(), survey: Survey::of(&info.path) };
        client.read_log(info.youngest, stage, watch, |entry| {
            look.summary.add(entry);
            look.survey.add(entry);
        })?;
        Ok(look)
    }

    /// The layout that the log suggests.
    pub(super) fn detect(&self) -> Detected {
        detect(&self.survey)
    }

    /// All of it in words. `chosen`: the layout that was asked for, from the source's address.
    pub(super) fn preview(
        self,
        client: &Client,
        info: &Info,
        chosen: Option<&Layout>,
        watch: &Watch,
    ) -> Result<Preview, ConvertError> {
        let detected = self.detect();
        let layout = chosen.unwrap_or(&detected.layout);
        let mut preview = self.summary.preview();
        preview.odd.extend(oddities(&self.survey, &Places::new(layout.clone())));
        (preview.branches, preview.tags) = client.refs_of(info, layout, watch)?;
        preview.layout = layout.to_string();
        if chosen.is_none() {
            (preview.layout_confidence, preview.layout_reasons) = (Some(detected.confidence), detected.reasons);
        }
        preview.position = format!("r{} of {}", info.youngest, info.uuid);
        Ok(preview)
    }
}

/// What a layout does not show.
fn oddities(survey: &Survey, places: &Places) -> Vec<String> {
    let outside = survey.changes.saturating_sub(survey.changes_in_places(places));
    let told = [
        (survey.changed_tags(places) as u64, "tags with changes of their own"),
        (survey.deleted_roots(places), "branches or tags were deleted: their commits are kept, no ref names them"),
        (outside, "changes outside of all branches: they are not converted"),
    ];
    told.iter().filter(|(count, _)| *count > 0).map(|(count, text)| format!("{count} {text}")).collect()
}

impl Client {
    /// Names of the branches and tags that there are, as their refs would be called.
    fn refs_of(&self, info: &Info, layout: &Layout, watch: &Watch) -> Result<(Vec<String>, Vec<String>), ConvertError> {
        let places = Places::new(layout.below(&info.path));
        let (mut roots, mut listings) = (Vec::new(), 0);
        for (place, is_container) in places.at_or_below(b"") {
            let path = String::from_utf8_lossy(place).into_owned();
            if !is_container {
                roots.push(path);
            } else if listings < LISTED {
                listings += 1;
                roots.extend(self.children(info, &path, watch)?.into_iter().map(|name| format!("{path}/{name}")));
            }
        }
        let names = roots.iter().map(String::as_bytes).filter(|root| places.root_of(root) == Some(root));
        let names: Vec<_> = names.map(|root| places.ref_name(root)).collect();
        let below = |namespace: &str| -> Vec<_> {
            names.iter().filter_map(|name| name.strip_prefix(namespace).map(str::to_owned)).collect()
        };
        Ok((below("refs/heads/"), below("refs/tags/")))
    }

    /// Names of the directories in a directory of the repository; none if it is not there.
    fn children(&self, info: &Info, path: &str, watch: &Watch) -> Result<Vec<String>, ConvertError> {
        let there = Self { url: super::export::url_of(&info.root, path.as_bytes()), ..self.clone() };
        match there.directories(info.youngest, Stage::Probe, watch) {
            Err(error) if error.outcome == Outcome::Invalid => Ok(Vec::new()),
            listed => listed,
        }
    }
}

/// What a log says of people and times, added up.
#[derive(Default)]
struct Summary {
    revisions: u64,
    authors: BTreeMap<String, u64>,
    no_author: u64,
    no_date: u64,
    back_in_time: u64,
    last_date: String,
}

impl Summary {
    fn add(&mut self, entry: &LogEntry) {
        self.revisions += 1;
        match &entry.author {
            Some(author) => *self.authors.entry(author.clone()).or_default() += 1,
            None => self.no_author += 1,
        }
        match &entry.date {
            // Of one form and zone, so in order as text.
            Some(date) if *date < self.last_date => self.back_in_time += 1,
            Some(date) => self.last_date.clone_from(date),
            None => self.no_date += 1,
        }
    }

    fn preview(self) -> Preview {
        let mut authors: Vec<_> = self.authors.into_iter().collect();
        authors.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let told = [
            (self.no_author, "revisions without author"),
            (self.no_date, "revisions without date"),
            (self.back_in_time, "revisions older than the one before"),
        ];
        let odd = told.iter().filter(|(count, _)| *count > 0).map(|(count, text)| format!("{count} {text}"));
        let (best, worst) = REVISIONS_PER_SECOND;
        let seconds = |rate| Duration::from_secs(self.revisions.div_ceil(rate));
        Preview {
            revision_count: Some(self.revisions),
            estimated: Some(seconds(best)..=seconds(worst)),
            authors,
            odd: odd.collect(),
            ..Preview::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::parse_log;
    use super::*;

    #[test]
    fn a_log_is_added_up() {
        let xml = r#"<log>
            <logentry revision="1"><author>ada</author><date>2020-01-02T00:00:00.000000Z</date>
              <paths><path action="A" kind="dir">/trunk</path><path action="A" kind="dir">/tags</path><path action="A">/README</path></paths></logentry>
            <logentry revision="2"><date>2020-01-01T00:00:00.000000Z</date>
              <paths><path action="A" kind="dir" copyfrom-path="/trunk">/tags/v1</path><path action="D">/branches/b</path></paths></logentry>
            <logentry revision="3"><date>2020-01-01T00:00:00.000000Z</date><paths><path action="M">/tags/v1/f</path></paths></logentry>
            </log>"#;
        let (mut summary, mut survey) = (Summary::default(), Survey::of(""));
        for entry in parse_log(xml).expect("XML") {
            summary.add(&entry);
            survey.add(&entry);
        }
        let preview = summary.preview();
        assert_eq!((preview.revision_count, preview.authors.clone()), (Some(3), vec![("ada".to_owned(), 1)]));
        let odd = [preview.odd, oddities(&survey, &Places::new(Layout::standard("")))].concat().join("\n");
        for word in [
            "2 revisions without author",
            "2 revisions older",
            "1 tags with",
            "1 branches or tags",
            "1 changes outside",
        ] {
            assert!(odd.contains(word), "{word}: {odd}");
        }
    }
}
