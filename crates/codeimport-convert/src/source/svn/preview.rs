//! A look at a repository without reading its content: `svn log` and `svn list`.

use super::client::{Client, Info, command};
use crate::{ConvertError, Preview, Progress, Watch};
use codeimport_core::{Layout, Stage};
use std::collections::BTreeMap;
use std::time::Duration;

/// Revisions of log asked for at a time.
const CHUNK: u64 = 5_000;

/// Revisions converted in a second, as measured over a socket on one machine; texts and distance make it less.
const REVISIONS_PER_SECOND: u64 = 1_000;

/// Longest time for a piece of log.
const LOG_TIMEOUT: Duration = Duration::from_secs(3600);

impl Client {
    /// Looks at all of the history.
    pub(super) fn preview(&self, info: &Info, layout: &Layout, watch: &Watch) -> Result<Preview, ConvertError> {
        let mut summary = Summary::default();
        let mut first = 1;
        while first <= info.youngest {
            watch.check(Stage::Probe)?;
            let last = (first + CHUNK - 1).min(info.youngest);
            summary.read(&self.log(first, last, watch)?, layout);
            first = last + 1;
            let mut progress = Progress::begin(Stage::Probe, "revisions");
            (progress.done, progress.total) = (last, Some(info.youngest));
            watch.progress(&progress);
        }
        let mut preview = summary.preview(layout);
        let listed = |containers: &[String]| {
            let mut names = Vec::new();
            for container in containers {
                names.extend(self.children(info, container, watch)?);
            }
            Ok::<_, ConvertError>(names)
        };
        (preview.branches, preview.tags) = (listed(&layout.branches)?, listed(&layout.tags)?);
        let top = self.children(info, &info.path, watch)?;
        if top.contains(&"trunk".to_owned()) || layout.branches.is_empty() {
            preview.branches.insert(0, "trunk".to_owned());
        }
        if layout.branches.is_empty() {
            preview.odd.extend(self.projects(info, &top, watch)?);
        }
        preview.position = format!("r{} of {}", info.youngest, info.uuid);
        Ok(preview)
    }

    /// A directory without a trunk whose directories have one is several projects.
    fn projects(&self, info: &Info, top: &[String], watch: &Watch) -> Result<Option<String>, ConvertError> {
        let mut projects = Vec::new();
        // A look at each costs a connection; a few tell enough.
        for name in top.iter().take(20) {
            let path = if info.path.is_empty() { name.clone() } else { format!("{}/{name}", info.path) };
            if self.children(info, &path, watch)?.iter().any(|child| child == "trunk") {
                projects.push(name.as_str());
            }
        }
        let text = "have a trunk of their own: import each by its own address";
        Ok((!projects.is_empty()).then(|| format!("{} {text}", projects.join(", "))))
    }

    /// Names of the directories in a directory of the repository; none if it is not there.
    fn children(&self, info: &Info, path: &str, watch: &Watch) -> Result<Vec<String>, ConvertError> {
        let there = Self { url: super::export::url_of(&info.root, path.as_bytes()), ..self.clone() };
        match there.directories(info.youngest, Stage::Probe, watch) {
            Err(error) if error.outcome == codeimport_core::Outcome::Invalid => Ok(Vec::new()),
            listed => listed,
        }
    }

    fn log(&self, first: u64, last: u64, watch: &Watch) -> Result<String, ConvertError> {
        let (range, url) = (format!("{first}:{last}"), format!("{}@", self.url));
        // Without messages: they may be most of the answer, and none of them matters here.
        let command = command("svn", watch).args(["log", "--xml", "--verbose", "--quiet", "--revision", &range]);
        self.run(command.args(["--", &url]).timeout(LOG_TIMEOUT).stdout_limit(1 << 30), Stage::Probe)
    }
}

/// What a log says, added up.
#[derive(Default)]
struct Summary {
    revisions: u64,
    authors: BTreeMap<String, u64>,
    no_author: u64,
    no_date: u64,
    back_in_time: u64,
    last_date: String,
    paths: u64,
    paths_in_layout: u64,
    changed_tags: BTreeMap<Vec<u8>, u64>,
    deleted: u64,
}

impl Summary {
    /// Adds a piece of `svn log --xml --verbose`. What is no XML adds nothing.
    fn read(&mut self, xml: &str, layout: &Layout) {
        let Ok(document) = roxmltree::Document::parse(xml) else { return };
        for entry in document.descendants().filter(|node| node.has_tag_name("logentry")) {
            let text = |name| entry.children().find(|node| node.has_tag_name(name)).and_then(|node| node.text());
            self.revisions += 1;
            match text("author") {
                Some(author) => *self.authors.entry(author.to_owned()).or_default() += 1,
                None => self.no_author += 1,
            }
            match text("date") {
                // Of one form and zone, so in order as text.
                Some(date) if date < self.last_date.as_str() => self.back_in_time += 1,
                Some(date) => date.clone_into(&mut self.last_date),
                None => self.no_date += 1,
            }
            let paths = entry.descendants().filter(|node| node.has_tag_name("path"));
            paths.for_each(|path| self.read_path(&path, layout));
        }
    }

    fn read_path(&mut self, node: &roxmltree::Node<'_, '_>, layout: &Layout) {
        let path = node.text().unwrap_or_default().trim_start_matches('/').as_bytes();
        let root = layout.root_of(path);
        let is_container = layout.containers().any(|(container, _)| container.as_bytes() == path);
        self.paths += 1;
        self.paths_in_layout += u64::from(root.is_some() || is_container);
        let Some(root) = root else { return };
        let action = node.attribute("action").unwrap_or_default();
        if root == path && action == "D" {
            self.deleted += 1;
        }
        if root != path && layout.ref_name(root).starts_with("refs/tags/") {
            *self.changed_tags.entry(root.to_vec()).or_default() += 1;
        }
    }

    fn preview(self, layout: &Layout) -> Preview {
        let mut authors: Vec<_> = self.authors.into_iter().collect();
        authors.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let mut odd = Vec::new();
        let mut told = |count: u64, text: &str| {
            if count > 0 {
                odd.push(format!("{count} {text}"));
            }
        };
        told(self.no_author, "revisions without author");
        told(self.no_date, "revisions without date");
        told(self.back_in_time, "revisions older than the one before");
        told(self.changed_tags.len() as u64, "tags with changes of their own");
        told(self.deleted, "branches or tags were deleted: their commits are kept, no ref names them");
        told(self.paths - self.paths_in_layout, "changes outside of all branches: they are not converted");
        let share = (self.paths_in_layout * 100).checked_div(self.paths).and_then(|share| u8::try_from(share).ok());
        Preview {
            layout: describe(layout),
            layout_confidence: share,
            revision_count: Some(self.revisions),
            estimated: Some(Duration::from_secs(self.revisions.div_ceil(REVISIONS_PER_SECOND))),
            authors,
            odd,
            ..Preview::default()
        }
    }
}

fn describe(layout: &Layout) -> String {
    if layout.branches.is_empty() && layout.tags.is_empty() {
        return "a single line of history".to_owned();
    }
    let parts =
        [("trunk", std::slice::from_ref(&layout.trunk)), ("branches", &layout.branches), ("tags", &layout.tags)];
    parts
        .iter()
        .flat_map(|(name, paths)| paths.iter().map(move |path| format!("{name}={path}")))
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_added_up() {
        let xml = r#"<log>
            <logentry revision="1"><author>ada</author><date>2020-01-02T00:00:00.000000Z</date>
              <paths><path action="A" kind="dir">/trunk</path><path action="A" kind="dir">/tags</path><path action="A">/README</path></paths></logentry>
            <logentry revision="2"><date>2020-01-01T00:00:00.000000Z</date>
              <paths><path action="A" copyfrom-path="/trunk">/tags/v1</path><path action="M">/tags/v1/f</path><path action="D">/branches/b</path></paths></logentry>
            </log>"#;
        let layout = Layout::standard("");
        let mut summary = Summary::default();
        summary.read(xml, &layout);
        let preview = summary.preview(&layout);
        assert_eq!((preview.revision_count, preview.layout_confidence), (Some(2), Some(83)));
        assert_eq!(preview.authors, [("ada".to_owned(), 1)]);
        assert_eq!(preview.layout, "trunk=trunk,branches=branches,tags=tags");
        let odd = preview.odd.join("\n");
        for word in ["without author", "older than", "tags with changes", "deleted", "outside of all branches"] {
            assert!(odd.contains(word), "{word}: {odd}");
        }
    }
}
