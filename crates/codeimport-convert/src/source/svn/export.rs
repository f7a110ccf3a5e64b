//! What Subversion itself says that a branch was: for verification.

use super::client::{Client, LONG, command, decode_percent};
use crate::{ConvertError, Watch};
use codeimport_core::Stage;
use gix::bstr::BString;
use std::collections::BTreeSet;
use std::path::Path;

impl Client {
    /// Exports a directory of the repository into a folder that is not there yet: links as links, texts without keywords
    /// expanded.
    pub(super) fn export(
        &self,
        root: &str,
        branch: &[u8],
        revision: &str,
        into: &Path,
        watch: &Watch,
    ) -> Result<(), ConvertError> {
        let export = ["export", "--quiet", "--ignore-keywords", "--ignore-externals", "--revision", revision, "--"];
        let command = command("svn", watch).args(export).arg(url_at(root, branch, revision)).arg(into).timeout(LONG);
        self.run(command, Stage::Scan).map(drop)
    }

    /// Paths below a directory whose text an export does not show as it is stored: those with `svn:eol-style`.
    pub(super) fn paths_with_line_ends(
        &self,
        root: &str,
        branch: &[u8],
        revision: &str,
        watch: &Watch,
    ) -> Result<BTreeSet<BString>, ConvertError> {
        let at = url_at(root, branch, revision);
        let propget = ["propget", "--recursive", "--xml", "svn:eol-style", "--", at.as_str()];
        let xml = self.run(command("svn", watch).args(propget).timeout(LONG).stdout_limit(1 << 30), Stage::Scan)?;
        let directory = at.rsplit_once('@').map_or(at.as_str(), |(url, _)| url).trim_end_matches('/');
        Ok(targets(&xml, directory).unwrap_or_default())
    }
}

/// Paths of the files in a `propget --xml`, from the directory that was asked for.
fn targets(xml: &str, directory: &str) -> Option<BTreeSet<BString>> {
    let document = roxmltree::Document::parse(xml).ok()?;
    let directory = decode_percent(directory);
    let targets = document.descendants().filter(|node| node.has_tag_name("target"));
    let below = targets.filter_map(|target| {
        let path = decode_percent(target.attribute("path")?);
        Some(BString::from(path.strip_prefix(&directory)?.trim_start_matches('/')))
    });
    Some(below.collect())
}

/// Address of a directory at a revision.
fn url_at(root: &str, branch: &[u8], revision: &str) -> String {
    format!("{}@{revision}", url_of(root, branch))
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
        assert_eq!(url_at("svn://h/r", b"tags/v 1@x", "7"), "svn://h/r/tags/v%201%40x@7");
        let xml = r#"<properties><target path="svn://h/r/tags/v%201/a%20b"><property name="svn:eol-style">native</property></target></properties>"#;
        assert_eq!(targets(xml, "svn://h/r/tags/v%201"), Some(BTreeSet::from([BString::from("a b")])));
    }
}
