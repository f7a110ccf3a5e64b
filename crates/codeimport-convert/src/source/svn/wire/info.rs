//! What `svn info` tells.

/// What `svn info` tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Info {
    /// Root of the repository.
    pub(crate) root: String,
    /// Its identity: another one is another repository.
    pub(crate) uuid: String,
    /// Its newest revision.
    pub(crate) youngest: u64,
    /// Path of the address in the repository, without slashes at the ends; empty for the root.
    pub(crate) path: String,
}

impl Info {
    /// Reads what `svn info --xml` prints.
    pub(super) fn parse(xml: &str) -> Option<Self> {
        let document = roxmltree::Document::parse(xml).ok()?;
        let entry = document.descendants().find(|node| node.has_tag_name("entry"))?;
        let text = |name| document.descendants().find(|node| node.has_tag_name(name))?.text();
        Some(Self {
            root: text("root")?.to_owned(),
            uuid: text("uuid")?.to_owned(),
            youngest: entry.attribute("revision")?.parse().ok()?,
            path: codeimport_core::decode_percent(text("relative-url")?.strip_prefix("^/")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_is_read() {
        let xml = r#"<?xml version="1.0"?><info><entry kind="dir" path="t" revision="10"><url>svn://h/r/a%20b</url>
            <relative-url>^/a%20b/trunk</relative-url><repository><root>svn://h/r</root><uuid>1-2</uuid></repository>
            <commit revision="8"><author>x &amp; y</author></commit></entry></info>"#;
        let expected =
            Info { root: "svn://h/r".to_owned(), uuid: "1-2".to_owned(), youngest: 10, path: "a b/trunk".to_owned() };
        assert_eq!(Info::parse(xml), Some(expected));
        assert_eq!(Info::parse("<info></info>"), None);
        assert_eq!(Info::parse("no xml"), None);
    }
}
