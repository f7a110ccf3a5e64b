//! From records to commits: one revision after the other, each checked against the sums that Bazaar has for its texts.

use super::commits::{CommitHead, authors};
use super::ledger::{Converted, Index, Ledger};
use super::stream::{Change, Content, RevisionRecord};
use super::tree::{Put, TreeError, apply, file};
use crate::SourceOptions;
use crate::findings::{FindingKind, Findings};
use crate::objects::{ObjectStore, StoreError, encode_commit_of};
use crate::shadow::{Entry, EntryKind, Present, Publisher, ShadowError, ShadowTree, Shown, is_link_target};
use gix::ObjectId;
use gix::objs::Kind;
use sha1::{Digest as _, Sha1};

/// Bytes of texts after which they are made safe, so that memory and the loss by a crash stay bounded.
const FLUSH_BYTES: usize = 256 << 20;

/// Why a conversion cannot go on. The revisions before are converted.
#[derive(Debug, thiserror::Error)]
pub(super) enum BzrError {
    /// Our own repository.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our own repository.
    #[error(transparent)]
    Shadow(#[from] ShadowError),
    /// What is told contradicts itself.
    #[error("revision {revision}: {what}")]
    Contradiction { revision: String, what: String },
    /// A text is not what it should be.
    #[error("revision {revision}: {path:?} does not have the text that its checksum is of")]
    WrongSum { revision: String, path: String },
    /// A path that no Git tree may have.
    #[error("revision {revision} has {path:?}, a name that Git keeps for itself")]
    GitsOwnName { revision: String, path: String },
}

/// A text that was told: its blob, and the SHA-1 of its bytes.
struct Text {
    blob: ObjectId,
    sha1: [u8; 20],
}

/// A conversion under way.
pub(super) struct Converter<'a> {
    options: &'a SourceOptions,
    pub(super) store: ObjectStore,
    pub(super) ledger: Ledger,
    pub(super) findings: Findings,
    /// Newest revision of the branch's own line that is converted.
    pub(super) tip: Option<Vec<u8>>,
    publisher: Publisher,
    texts: Vec<Text>,
    unsafe_bytes: usize,
    /// The tree of the last revision: most come after the one before.
    open: Option<(ObjectId, ShadowTree)>,
}

/// Bazaar's directories have no properties; its links are links.
struct Plain;

impl Present for Plain {
    fn is_plain(&self) -> bool {
        true
    }

    fn marks_links(&self) -> bool {
        false
    }

    fn shown(&self, _: &[u8]) -> Shown {
        Shown::default()
    }
}

impl<'a> Converter<'a> {
    /// Goes on from what was converted before.
    pub(super) fn new(store: ObjectStore, ledger: Ledger, tip: Option<Vec<u8>>, options: &'a SourceOptions) -> Self {
        Self {
            options,
            store,
            ledger,
            findings: Findings::default(),
            tip,
            publisher: Publisher::new(Plain),
            texts: Vec::new(),
            unsafe_bytes: 0,
            open: None,
        }
    }

    /// The texts that come from now on are numbered from 0.
    pub(super) fn begin_stream(&mut self) {
        self.texts.clear();
    }

    /// Takes a text.
    pub(super) fn text(&mut self, bytes: Vec<u8>) -> Result<(), BzrError> {
        self.unsafe_bytes += bytes.len();
        let sha1 = Sha1::digest(&bytes).into();
        let blob = self.store.write(Kind::Blob, bytes)?;
        self.texts.push(Text { blob, sha1 });
        if self.unsafe_bytes > FLUSH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Makes everything converted so far visible.
    pub(super) fn flush(&mut self) -> Result<(), BzrError> {
        self.unsafe_bytes = 0;
        Ok(self.store.flush()?)
    }

    /// Takes a revision.
    pub(super) fn revision(&mut self, revision: &RevisionRecord) -> Result<(), BzrError> {
        let parents = self.parents(revision)?;
        let shadow = self.shadow(revision)?;
        let tree = self.publisher.publish(shadow, b"", &mut self.store, &mut self.findings)?;
        let head = CommitHead::of(revision, &self.options.authors, self.options.bzr.trailers);
        self.note_losses(revision);
        let commits = parents.iter().map(|parent| self.ledger.revisions()[*parent as usize].commit);
        let content = encode_commit_of(tree, commits, &head.author, &head.committer, &head.message);
        let commit = self.store.write(Kind::Commit, content)?;
        let id = revision.id.as_slice().into();
        self.ledger.add(Converted { id, commit, shadow, is_kept: shadow != tree, parents });
        if revision.is_mainline {
            self.tip = Some(revision.id.clone());
        }
        Ok(())
    }

    /// Parents that there are, each once.
    fn parents(&mut self, revision: &RevisionRecord) -> Result<Vec<Index>, BzrError> {
        let mut parents = Vec::new();
        for (parent, is_there) in &revision.parents {
            match self.ledger.find(parent) {
                Some((index, _)) if parents.contains(&index) => {}
                Some((index, _)) => parents.push(index),
                None if *is_there => {
                    return Err(contradiction(revision, "comes before one of its parents"));
                }
                None => self.findings.note(FindingKind::Ghost, &String::from_utf8_lossy(parent)),
            }
        }
        Ok(parents)
    }

    /// The tree of a revision, empty directories and all.
    fn shadow(&mut self, revision: &RevisionRecord) -> Result<ObjectId, BzrError> {
        let mut tree = self.base(revision)?;
        let mut puts = Vec::with_capacity(revision.changes.len());
        for change in &revision.changes {
            puts.push(self.put(revision, change)?);
        }
        let applied = apply(&mut tree, &revision.changes, |index| puts[index], &mut self.store);
        applied.map_err(|error| match error {
            TreeError::Shadow(error @ (ShadowError::Store(_) | ShadowError::Damaged { .. })) => error.into(),
            error => contradiction(revision, &error.to_string()),
        })?;
        let id = tree.write(&mut self.store)?;
        self.open = Some((id, tree));
        Ok(id)
    }

    fn base(&mut self, revision: &RevisionRecord) -> Result<ShadowTree, BzrError> {
        let Some(base) = &revision.base else { return Ok(ShadowTree::empty()) };
        let Some((_, base)) = self.ledger.find(base) else {
            return Err(contradiction(revision, "is told against a revision that is not known"));
        };
        Ok(match self.open.take() {
            Some((id, tree)) if id == base.shadow => tree,
            _ => ShadowTree::stored(base.shadow),
        })
    }

    /// What is put at a change's new path.
    fn put(&mut self, revision: &RevisionRecord, change: &Change) -> Result<Put, BzrError> {
        let Some((path, content)) = &change.new else { return Ok(Put::Dir) };
        let shown = || (named(&revision.id), named(path));
        if path.split(|b| *b == b'/').any(|part| part.eq_ignore_ascii_case(b".git")) {
            let (revision, path) = shown();
            return Err(BzrError::GitsOwnName { revision, path });
        }
        match content {
            Content::File { text, sha1, is_executable } => {
                let text = usize::try_from(*text).ok().and_then(|text| self.texts.get(text));
                let text = text.ok_or_else(|| contradiction(revision, "has a text that was not told"))?;
                if crate::digest::hex(&text.sha1).as_bytes() != sha1 {
                    let (revision, path) = shown();
                    return Err(BzrError::WrongSum { revision, path });
                }
                Ok(file(text.blob, *is_executable))
            }
            Content::Link(target) => {
                let id = self.store.write(Kind::Blob, target.clone())?;
                let kind = if is_link_target(target) { EntryKind::Special } else { EntryKind::File };
                Ok(Put::Leaf(Entry { kind, id }))
            }
            Content::Dir => Ok(Put::Dir),
            Content::Other(_) => {
                self.findings.note(FindingKind::NestedTree, &named(path));
                Ok(Put::Dir)
            }
        }
    }

    /// Notes what of a revision its commit does not show.
    fn note_losses(&mut self, revision: &RevisionRecord) {
        if !self.options.authors.is_empty() && !self.options.authors.knows(Some(revision.committer.as_bytes())) {
            self.findings.note(FindingKind::UnknownAuthor, &revision.committer);
        }
        if authors(revision).len() > 1 && !self.options.bzr.trailers {
            self.findings.note(FindingKind::FurtherAuthors, &named(&revision.id));
        }
    }
}

fn contradiction(revision: &RevisionRecord, what: &str) -> BzrError {
    BzrError::Contradiction { revision: named(&revision.id), what: what.to_owned() }
}

fn named(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
