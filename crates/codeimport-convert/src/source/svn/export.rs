//! What Subversion itself says that a branch was: for verification.

use super::convert::gitignore;
use super::convert::{EXTERNALS_FILE, IGNORES_FILE, externals_text};
use super::options::SvnOptions;
use super::wire::{Client, LONG};
use crate::{ConvertError, Watch};
use codeimport_core::Stage;
use gix::bstr::BString;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// A directory at a revision.
pub(super) struct At<'a> {
    /// Address of the repository's root.
    pub(super) root: &'a str,
    /// Path of the directory in it.
    pub(super) branch: &'a [u8],
    pub(super) revision: &'a str,
}

/// Values of one property, by path.
type Values = BTreeMap<BString, Vec<u8>>;

impl Client {
    /// Exports a directory of the repository into a folder that is not there yet: links as links, texts without keywords
    /// expanded, and properties as files where the options want them to be shown.
    pub(super) fn export(
        &self,
        at: &At<'_>,
        options: &SvnOptions,
        into: &Path,
        watch: &Watch,
    ) -> Result<(), ConvertError> {
        let export = ["export", "--quiet", "--ignore-keywords", "--ignore-externals", "--revision", at.revision, "--"];
        let command = self.command("svn", watch).args(export).arg(at.url()).arg(into).timeout(LONG);
        self.run(command, Stage::Scan)?;
        if options.convert_ignores {
            let (own, all) = (self.values(at, "svn:ignore", watch)?, self.values(at, "svn:global-ignores", watch)?);
            for path in own.keys().chain(all.keys()) {
                let value = |values: &Values| values.get(path).cloned();
                let text = gitignore(value(&own).as_deref(), value(&all).as_deref());
                add_file(into, path, IGNORES_FILE, text)?;
            }
        }
        if options.keep_externals {
            for (path, value) in self.values(at, "svn:externals", watch)? {
                add_file(into, &path, EXTERNALS_FILE, externals_text(Some(&value)))?;
            }
        }
        Ok(())
    }

    /// Paths below a directory whose text an export does not show as it is stored: those with `svn:eol-style`.
    pub(super) fn paths_with_line_ends(&self, at: &At<'_>, watch: &Watch) -> Result<BTreeSet<BString>, ConvertError> {
        Ok(self.values(at, "svn:eol-style", watch)?.into_keys().collect())
    }

    /// All values of a property at and below a directory.
    fn values(&self, at: &At<'_>, property: &str, watch: &Watch) -> Result<Values, ConvertError> {
        let url = at.url();
        let propget = ["propget", "--recursive", "--xml", property, "--", url.as_str()];
        let xml =
            self.run(self.command("svn", watch).args(propget).timeout(LONG).stdout_limit(1 << 30), Stage::Scan)?;
        let directory = url.rsplit_once('@').map_or(url.as_str(), |(url, _)| url).trim_end_matches('/');
        Ok(parse(&xml, directory).unwrap_or_default())
    }
}

impl At<'_> {
    /// Its address.
    fn url(&self) -> String {
        format!("{}@{}", url_of(self.root, self.branch), self.revision)
    }
}

/// Writes a file into an exported directory, unless there is one of its name.
fn add_file(export: &Path, directory: &BString, name: &str, text: Option<Vec<u8>>) -> Result<(), ConvertError> {
    let path = export.join(OsStr::from_bytes(directory)).join(name);
    match text {
        Some(text) if path.symlink_metadata().is_err() => {
            std::fs::write(&path, text).map_err(|error| ConvertError::disk(Stage::Scan, &path, error))
        }
        _ => Ok(()),
    }
}

/// Paths with their values in a `propget --xml`, from the directory that was asked for.
fn parse(xml: &str, directory: &str) -> Option<Values> {
    let document = roxmltree::Document::parse(xml).ok()?;
    let directory = codeimport_core::decode_percent(directory);
    let targets = document.descendants().filter(|node| node.has_tag_name("target"));
    let below = targets.filter_map(|target| {
        let path = codeimport_core::decode_percent(target.attribute("path")?);
        let value = target.children().find(|node| node.has_tag_name("property"))?.text().unwrap_or_default();
        Some((BString::from(path.strip_prefix(&directory)?.trim_start_matches('/')), value.as_bytes().to_vec()))
    });
    Some(below.collect())
}

/// Address of a directory, in which every byte that could mean something is escaped.
pub(super) fn url_of(root: &str, branch: &[u8]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.".contains(&b);
    let escaped: String =
        branch.iter().map(|b| if plain(*b) { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect();
    format!("{}/{escaped}", root.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_escaped_and_read_back() {
        let at = At { root: "svn://h/r", branch: b"tags/v 1@x", revision: "7" };
        assert_eq!(at.url(), "svn://h/r/tags/v%201%40x@7");
        let xml = r#"<properties><target path="svn://h/r/tags/v%201/a%20b"><property name="svn:eol-style">native</property></target></properties>"#;
        let expected = Values::from([(BString::from("a b"), b"native".to_vec())]);
        assert_eq!(parse(xml, "svn://h/r/tags/v%201"), Some(expected));
    }
}
