//! A look at a repository without reading its texts.

use super::changeset::group;
use super::history::{Histories, Revision};
use super::look::Look;
use super::names::in_cvs;
use super::symbols::Symbols;
use crate::Preview;
use crate::source::text::decode_from;
use codeimport_core::Charset;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Texts per second, at best and from a server that has other work (docs/benchmarks.md).
const TEXTS_PER_SECOND: (u64, u64) = (5_000, 150);

/// Puts all that histories tell into words.
///
/// # Errors
///
/// The disk's, where `scratch` is: a folder for what memory has no room for.
pub(super) fn preview(position: String, histories: Histories, charset: Charset, scratch: &Path) -> io::Result<Preview> {
    let decode = |bytes: &[u8]| decode_from(charset, bytes);
    let ids = (0..).take(histories.files.len()).collect();
    let (look, units) = Look::at(histories, ids, scratch, |_, _| true)?;
    let symbols = Symbols::of(&look);
    let changesets = group(units);
    let mut authors: BTreeMap<String, u64> = BTreeMap::new();
    for changeset in changesets.iter() {
        let author = look.words.get(look.revision(&changeset.units[0]).author);
        *authors.entry(decode(author)).or_default() += 1;
    }
    let mut authors: Vec<_> = authors.into_iter().collect();
    authors.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let texts = look.files.iter().map(|history| history.revisions.len() as u64).sum::<u64>();
    let (best, worst) = TEXTS_PER_SECOND;
    let seconds = |rate| Duration::from_secs(texts.div_ceil(rate));
    Ok(Preview {
        position,
        branches: symbols.lines().iter().map(|line| decode(&in_cvs(line))).collect(),
        tags: symbols.tags().map(|name| decode(name)).collect(),
        revision_count: Some(changesets.len() as u64),
        authors,
        odd: oddities(&look, texts, charset),
        estimated: Some(seconds(best)..=seconds(worst)),
        ..Preview::default()
    })
}

/// What may surprise.
fn oddities(look: &Look, texts: u64, charset: Charset) -> Vec<String> {
    let revisions = || look.files.iter().flat_map(|history| &history.revisions);
    let is_foreign = |revision: &&Revision| std::str::from_utf8(look.words.get(revision.log)).is_err();
    let without_id = revisions().filter(|revision| revision.commitid.is_none()).count() as u64;
    let foreign = revisions().filter(is_foreign).count() as u64;
    let binary = look.files.iter().filter(|history| history.is_binary).count() as u64;
    let told = [
        (without_id, "file revisions do not tell which commit they are of: author, message and time do".to_owned()),
        (foreign, format!("messages are not UTF-8: they are taken for {}", charset.name())),
        (binary, "binary files".to_owned()),
    ];
    let told = told.iter().filter(|(count, _)| *count > 0).map(|(count, text)| format!("{count} {text}"));
    std::iter::once(format!("{texts} file revisions in {} files", look.files.len())).chain(told).collect()
}
