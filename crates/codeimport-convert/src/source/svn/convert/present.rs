//! How directories are shown beyond their files, as the options want it: what properties say, as files.

use super::ignores::gitignore;
use super::props::DirProps;
use crate::shadow::{Present, Shown};
use crate::source::svn::options::SvnOptions;

/// Name of the file that shows what is ignored.
pub(crate) const IGNORES_FILE: &str = ".gitignore";

/// Name of the file that shows what Subversion would fetch from elsewhere.
pub(crate) const EXTERNALS_FILE: &str = ".svnexternals";

impl Present for SvnOptions {
    fn is_plain(&self) -> bool {
        !self.convert_ignores && !self.keep_externals && !self.normalize_line_ends
    }

    fn shown(&self, props: &[u8]) -> Shown {
        let props = DirProps::decode(props);
        let ignores = self.convert_ignores.then(|| gitignore(props.get("svn:ignore"), props.get("svn:global-ignores")));
        let externals = self.keep_externals.then(|| externals_text(props.get("svn:externals"))).flatten();
        let ignores = ignores.flatten().map(|text| (IGNORES_FILE.into(), text));
        let externals = externals.map(|text| (EXTERNALS_FILE.into(), text));
        Shown { added: ignores.into_iter().chain(externals).collect(), normalized: props.line_ends() }
    }
}

/// The text of the file: the property as it is, ended by a line end.
pub(crate) fn externals_text(value: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut text = value.filter(|value| !value.trim_ascii().is_empty())?.to_vec();
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    Some(text)
}
