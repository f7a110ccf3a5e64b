//! Digests by which two states are compared without moving them.

use crate::{CONVERTER_VERSION, Refs, SourceOptions};
use codeimport_core::{SourceUrl, display_ref_name};
use ring::digest::{Context, SHA256};

/// SHA-256 over refs and default branch: for each ref `<object_id> <name>\n`, then `HEAD <default_branch>\n`.
///
/// Names are taken as they are shown ([`display_ref_name`]), in order of the shown names' bytes, so that whoever has
/// only the shown names gets the same digest. This is the digest of `SwapRefsRequest.refs_digest`.
#[must_use]
pub fn refs_digest(refs: &Refs, default_branch: Option<&str>) -> [u8; 32] {
    let mut shown: Vec<_> = refs.iter().map(|(name, id)| (display_ref_name(name), id)).collect();
    shown.sort();
    let mut context = Context::new(&SHA256);
    for (name, id) in shown {
        context.update(format!("{id} {name}\n").as_bytes());
    }
    context.update(format!("HEAD {}\n", default_branch.unwrap_or_default()).as_bytes());
    finish(context)
}

/// SHA-256 over everything that decides what comes out of a source: its type, address, ref filter, author map and options.
///
/// If it differs from the recorded one, the target may be out of step even where the source has not moved; whether the
/// change can be followed is the source's to say.
#[must_use]
pub fn options_digest(source: &SourceUrl, options: &SourceOptions) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let filter = &options.filter;
    // Texts and flags: serialising them cannot fail.
    let svn = serde_json::to_string(&options.svn).unwrap_or_default();
    let cvs = serde_json::to_string(&options.cvs).unwrap_or_default();
    let bzr = serde_json::to_string(&options.bzr).unwrap_or_default();
    let hg = serde_json::to_string(&options.hg).unwrap_or_default();
    let fields = [
        source.rcs_type().name(),
        source.as_str(),
        &filter.include().join(" "),
        &filter.exclude().join(" "),
        &svn,
        &cvs,
        &bzr,
        &hg,
    ];
    for field in fields {
        // None of them can contain a line end: addresses and patterns with control characters are refused, JSON escapes them.
        context.update(format!("{field}\n").as_bytes());
    }
    context.update(options.authors.canonical().as_bytes());
    finish(context)
}

/// Name and version of this converter, for the record.
pub(crate) fn converter_name() -> String {
    format!("codeimport {CONVERTER_VERSION}")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn finish(context: Context) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SvnOptions;
    use codeimport_core::RefFilter;
    use gix::ObjectId;

    fn refs(names: &[&str]) -> Refs {
        names.iter().map(|name| ((*name).into(), ObjectId::null(gix::hash::Kind::Sha1))).collect()
    }

    #[test]
    fn the_digest_is_that_of_the_documented_text() {
        let zeros = "0".repeat(40);
        let text = format!("{zeros} refs/heads/a\n{zeros} refs/heads/b\nHEAD refs/heads/a\n");
        let expected = ring::digest::digest(&SHA256, text.as_bytes());
        assert_eq!(refs_digest(&refs(&["refs/heads/b", "refs/heads/a"]), Some("refs/heads/a")), expected.as_ref());
    }

    #[test]
    fn the_default_branch_counts() {
        assert_ne!(refs_digest(&refs(&["refs/heads/a"]), None), refs_digest(&refs(&["refs/heads/a"]), Some("x")));
    }

    #[test]
    fn another_filter_or_option_is_another_conversion() {
        let url = SourceUrl::parse(codeimport_core::RcsType::Git, "https://host/x").expect("valid");
        let narrow = RefFilter::new(vec!["refs/heads/*".to_owned()], vec![]).expect("valid");
        let plain = SourceOptions::default();
        let narrow = SourceOptions { filter: narrow, ..plain.clone() };
        let ignores =
            SourceOptions { svn: SvnOptions { convert_ignores: true, ..SvnOptions::default() }, ..plain.clone() };
        let digests = [&plain, &narrow, &ignores].map(|options| options_digest(&url, options));
        assert!(digests[0] != digests[1] && digests[0] != digests[2]);
    }
}
