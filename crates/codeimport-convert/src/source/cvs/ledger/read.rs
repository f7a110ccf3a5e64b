//! A ledger from its text.

use super::{Changes, CommitIndex, Content, KnownCommit, KnownRevision, Ledger, LineId, RevId};
use crate::source::cvs::place::LineName;
use crate::source::cvs::rcs::Number;
use gix::ObjectId;
use std::path::Path;

/// Reads a ledger piece by piece, as they were taken from one ([`Ledger::take_full`]): by doing the same again. Whether the
/// pieces were such can be told by those that the new ledger has.
pub(in crate::source::cvs) struct LedgerReader {
    pub(in crate::source::cvs) ledger: Ledger,
    /// A commit of which it is not known yet whether that is all that it shows.
    open: Option<(KnownCommit, Changes)>,
}

impl LedgerReader {
    /// Nothing read yet. `scratch`: a folder for what memory has no room for.
    pub(in crate::source::cvs) fn new(scratch: &Path) -> Self {
        Self { ledger: Ledger::new(scratch), open: None }
    }

    /// Reads the next piece. None if it is something else.
    pub(in crate::source::cvs) fn take(&mut self, piece: &[u8]) -> Option<()> {
        piece.split(|b| *b == b'\n').filter(|line| !line.is_empty()).try_for_each(|line| self.take_line(line))
    }

    /// What was read. None if there was no room for it.
    pub(in crate::source::cvs) fn finish(mut self) -> Option<Ledger> {
        self.end_commit()?;
        Some(self.ledger)
    }

    fn take_line(&mut self, line: &[u8]) -> Option<()> {
        let (kind, rest) = split(line)?;
        if kind == b"show" {
            let mut fields = fields(rest)?;
            let (file, revision) = (fields.next()?.parse().ok()?, optional(fields.next()?)?);
            let known = revision.is_none_or(|revision: RevId| (revision as usize) < self.ledger.revisions.len());
            known.then_some(())?;
            self.open.as_mut()?.1.push((file, revision));
            return Some(());
        }
        self.end_commit()?;
        self.ledger.read_entry(kind, rest, &mut self.open)
    }

    fn end_commit(&mut self) -> Option<()> {
        let Some((commit, changes)) = self.open.take() else { return Some(()) };
        self.ledger.add_commit(commit, &changes).ok().map(drop)
    }
}

impl Ledger {
    fn read_entry(&mut self, kind: &[u8], rest: &[u8], open: &mut Option<(KnownCommit, Changes)>) -> Option<()> {
        match kind {
            b"file" => drop(self.file(rest)),
            b"rev" => {
                let mut fields = fields(rest)?;
                let (file, number) = (fields.next()?.parse().ok()?, Number::parse(fields.next()?.as_bytes())?);
                let (seconds, content) = (fields.next()?.parse().ok()?, content(fields.next()?)?);
                let revision = self.push_revision(&number, KnownRevision { file, seconds, content }, None).ok()?;
                self.sight.put_unseen(file, number, revision);
            }
            b"like" => {
                let mut fields = fields(rest)?;
                let (file, number) = (fields.next()?.parse().ok()?, Number::parse(fields.next()?.as_bytes())?);
                let like: RevId = fields.next()?.parse().ok()?;
                ((like as usize) < self.revisions.len()).then_some(())?;
                let known = KnownRevision { file, ..self.known(like).ok()? };
                let revision = self.push_revision(&number, known, Some(like)).ok()?;
                self.sight.put_unseen(file, number, revision);
            }
            b"trunk" | b"branch" | b"unlabelled" => {
                let (from, name) = split(rest)?;
                let from: Option<CommitIndex> = optional(std::str::from_utf8(from).ok()?)?;
                from.is_none_or(|from| (from as usize) < self.commits.len()).then_some(())?;
                let name = match kind {
                    b"trunk" => LineName::Trunk,
                    b"branch" => LineName::Branch(name.into()),
                    _ => LineName::Unlabelled(Number::parse(name)?),
                };
                self.begin_line(name, from);
            }
            b"commit" => {
                let mut fields = fields(rest)?;
                let (line, seconds): (LineId, _) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
                let mut id = || ObjectId::from_hex(fields.next()?.as_bytes()).ok();
                let (id, tree) = (id()?, id()?);
                ((line as usize) < self.lines.len()).then_some(())?;
                *open = Some((KnownCommit { id, tree, line, seconds }, Vec::new()));
            }
            _ => return None,
        }
        Some(())
    }
}

/// The first word and the rest.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|b| *b == b' ').unwrap_or(line.len());
    Some((&line[..at], line.get(at + 1..).unwrap_or_default()))
}

fn fields(rest: &[u8]) -> Option<std::str::Split<'_, char>> {
    Some(std::str::from_utf8(rest).ok()?.split(' '))
}

/// A number, or `-`.
fn optional<T: std::str::FromStr>(field: &str) -> Option<Option<T>> {
    if field == "-" { Some(None) } else { field.parse().ok().map(Some) }
}

fn content(field: &str) -> Option<Option<Content>> {
    if field == "-" {
        return Some(None);
    }
    let plain = field.strip_prefix('x');
    let blob = ObjectId::from_hex(plain.unwrap_or(field).as_bytes()).ok()?;
    Some(Some(Content { blob, is_executable: plain.is_some() }))
}
