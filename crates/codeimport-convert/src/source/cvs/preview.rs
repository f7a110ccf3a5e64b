//! A look at a repository without reading its texts.

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
    let (look, grouped) = Look::at(histories, ids, scratch, |_, _| true)?;
    let symbols = Symbols::of(&look);
    let (mut authors, mut count) = (BTreeMap::<String, u64>::new(), 0);
    for changeset in grouped.changesets() {
        let (author, _) = look.told(&changeset?)?;
        *authors.entry(decode(author)).or_default() += 1;
        count += 1;
    }
    let mut authors: Vec<_> = authors.into_iter().collect();
    authors.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let texts = look.files.iter().map(|history| history.numbers.len() as u64).sum::<u64>();
    let (best, worst) = TEXTS_PER_SECOND;
    let seconds = |rate| Duration::from_secs(texts.div_ceil(rate));
    Ok(Preview {
        position,
        branches: symbols.lines().iter().map(|line| decode(&in_cvs(line))).collect(),
        tags: symbols.tags().map(|name| decode(name)).collect(),
        revision_count: Some(count),
        authors,
        odd: oddities(&look, texts, charset)?,
        estimated: Some(seconds(best)..=seconds(worst)),
        ..Preview::default()
    })
}

/// What may surprise.
fn oddities(look: &Look, texts: u64, charset: Charset) -> io::Result<Vec<String>> {
    let is_foreign = |revision: &Revision| std::str::from_utf8(look.words.get(revision.log)).is_err();
    let (mut without_id, mut foreign) = (0, 0);
    for index in 0..look.files.len() {
        for revision in look.revisions(index)? {
            without_id += u64::from(revision.commitid.is_none());
            foreign += u64::from(is_foreign(&revision));
        }
    }
    let binary = look.files.iter().filter(|history| history.is_binary).count() as u64;
    let told = [
        (without_id, "file revisions do not tell which commit they are of: author, message and time do".to_owned()),
        (foreign, format!("messages are not UTF-8: they are taken for {}", charset.name())),
        (binary, "binary files".to_owned()),
    ];
    let told = told.iter().filter(|(count, _)| *count > 0).map(|(count, text)| format!("{count} {text}"));
    Ok(std::iter::once(format!("{texts} file revisions in {} files", look.files.len())).chain(told).collect())
}
