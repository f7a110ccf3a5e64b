//! Objects in, objects out.

use super::object_id;
use super::pack::PackWriter;
use super::packs::Packs;
use super::recent::{Object, Recent};
use gix::ObjectId;
use gix::objs::Kind;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Objects kept in memory: the bases of the next deltas, and the trees being edited.
const RECENT_BYTES: usize = 32 << 20;

/// Why an object cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The repository's disk.
    #[error("cannot write to the repository's pack")]
    Write(#[source] io::Error),
    /// An object that must be there is not, or is not what it should be.
    #[error("object {id} is missing from the repository or damaged")]
    Missing {
        /// The object.
        id: ObjectId,
    },
    /// The repository cannot be opened.
    #[error("cannot open the repository {path}")]
    Open {
        /// The repository.
        path: PathBuf,
        /// Why not.
        source: Box<gix::Error>,
    },
}

/// The objects of one repository: those that are there, and those being added.
pub(crate) struct ObjectStore {
    repository: gix::Repository,
    recent: Recent,
    packs: Packs,
    /// The one being written.
    pack: Option<PackWriter>,
}

impl ObjectStore {
    /// Opens a bare repository.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`].
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, RECENT_BYTES)
    }

    /// Opens a bare repository for somebody who needs so many bytes of objects in memory.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`].
    pub(crate) fn open_with(path: &Path, recent_bytes: usize) -> Result<Self, StoreError> {
        let repository = open_repository(path)?;
        let packs = Packs::open(&pack_folder(&repository));
        Ok(Self { repository, recent: Recent::new(recent_bytes), packs, pack: None })
    }

    /// The repository, for what else is to be done with it.
    #[must_use]
    pub(crate) fn repository(&self) -> &gix::Repository {
        &self.repository
    }

    /// Writes an object, unless it is there, and gives its id.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`].
    pub(crate) fn write(&mut self, kind: Kind, content: Vec<u8>) -> Result<ObjectId, StoreError> {
        let id = object_id(kind, &content);
        if self.contains(&id)? {
            return Ok(id);
        }
        let object = Object { kind, content: content.into() };
        self.recent.put(id, &object);
        if self.pack.is_none() {
            self.pack = Some(PackWriter::begin(&pack_folder(&self.repository)).map_err(StoreError::Write)?);
        }
        match &self.pack {
            Some(pack) => pack.push(id, object).map(|()| id),
            None => Ok(id),
        }
    }

    /// Whether an object is in a pack. Those that git keeps in files of their own are few, and may be packed as well.
    fn contains(&mut self, id: &ObjectId) -> Result<bool, StoreError> {
        let in_pack = |pack: &PackWriter| pack.contains(id);
        Ok(self.recent.has(id) || self.pack.as_ref().map_or(Ok(false), in_pack)? || self.packs.contain(id))
    }

    /// Reads an object that must be there and of this kind.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`], [`StoreError::Write`] if the pack being written cannot be read back.
    pub(crate) fn read(&mut self, id: ObjectId, kind: Kind) -> Result<Arc<[u8]>, StoreError> {
        let object = match self.recent.get(&id) {
            Some(object) => object,
            None => self.read_from_disk(id)?,
        };
        if object.kind == kind { Ok(object.content) } else { Err(StoreError::Missing { id }) }
    }

    fn read_from_disk(&mut self, id: ObjectId) -> Result<Object, StoreError> {
        let in_pack = match &self.pack {
            Some(pack) => pack.read(&id)?,
            None => None,
        };
        let object = match in_pack {
            Some(object) => object,
            // What is damaged, git may have a second time.
            None => match self.packs.read(&id).ok().flatten() {
                Some(object) => object,
                None => self.read_unpacked(id)?,
            },
        };
        self.recent.put(id, &object);
        Ok(object)
    }

    fn read_unpacked(&self, id: ObjectId) -> Result<Object, StoreError> {
        let found = self.repository.find_object(id).map_err(|_| StoreError::Missing { id })?;
        Ok(Object { kind: found.kind, content: found.data.as_slice().into() })
    }

    /// Makes everything written so far visible to all readers of the repository.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`]; then nothing since the last flush is there.
    pub(crate) fn flush(&mut self) -> Result<(), StoreError> {
        let Some(pack) = self.pack.take() else { return Ok(()) };
        if let Some(index) = pack.finish()? {
            self.packs.add(&index);
        }
        Ok(())
    }
}

fn open_repository(path: &Path) -> Result<gix::Repository, StoreError> {
    let opened = gix::open_opts(path, gix::open::Options::isolated());
    opened.map_err(|source| StoreError::Open { path: path.to_owned(), source: Box::new(source) })
}

fn pack_folder(repository: &gix::Repository) -> PathBuf {
    repository.common_dir().join("objects/pack")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> (tempfile::TempDir, ObjectStore) {
        let dir = tempfile::tempdir().expect("temporary folder");
        gix::init_bare(dir.path()).expect("an empty repository");
        let store = ObjectStore::open(dir.path()).expect("it opens");
        (dir, store)
    }

    #[test]
    fn ids_are_those_of_git() {
        let empty_blob = object_id(Kind::Blob, b"").to_string();
        let empty_tree = object_id(Kind::Tree, b"").to_string();
        assert_eq!(empty_blob, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(empty_tree, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }

    #[test]
    fn objects_can_be_read_before_and_after_the_flush() {
        let (_dir, mut store) = repository();
        // Of all sizes at which the entry's head grows by a byte, and larger than what is kept in memory.
        let sizes = [0, 1, 15, 16, 2_047, 2_048, 300_000, 9 << 20];
        let content = |size: usize| (0..size).map(|i| u8::try_from(i % 251).expect("small")).collect::<Vec<_>>();
        let ids: Vec<_> = sizes.iter().map(|size| store.write(Kind::Blob, content(*size)).expect("written")).collect();
        for (id, size) in ids.iter().zip(sizes) {
            assert_eq!(*store.read(*id, Kind::Blob).expect("there"), content(size)[..]);
        }
        store.flush().expect("flushed");
        for (id, size) in ids.iter().zip(sizes) {
            let object = store.repository().find_object(*id).expect("visible to every reader");
            assert!(object.data == content(size), "{size}");
        }
        assert!(matches!(store.read(ids[0], Kind::Tree), Err(StoreError::Missing { .. })), "a blob is no tree");
    }

    #[test]
    fn the_empty_tree_is_written_like_any_other() {
        let (dir, mut store) = repository();
        store.write(Kind::Tree, Vec::new()).expect("written");
        store.flush().expect("flushed");
        let packs = std::fs::read_dir(dir.path().join("objects/pack")).expect("there is a folder").count();
        assert_eq!(packs, 2, "a pack and its index");
        assert!(store.contains(&object_id(Kind::Tree, b"")).expect("readable"));
    }

    #[test]
    fn git_finds_nothing_wrong_with_the_pack() {
        let (dir, mut store) = repository();
        for n in 0..2_000_u32 {
            store.write(Kind::Blob, n.to_string().repeat(n as usize % 50).into_bytes()).expect("written");
        }
        store.flush().expect("flushed");
        let pack = std::fs::read_dir(dir.path().join("objects/pack")).expect("there is a folder");
        let index =
            pack.flatten().map(|e| e.path()).find(|p| p.extension().is_some_and(|e| e == "idx")).expect("an index");
        let verify =
            codeimport_subprocess::Command::new("git").args(["verify-pack"]).arg(index).run().expect("git runs");
        assert!(verify.success(), "{}", verify.stderr);
    }

    #[test]
    fn what_is_there_is_not_written_again() {
        let (dir, mut store) = repository();
        for _ in 0..2 {
            store.write(Kind::Blob, b"the same".to_vec()).expect("written");
            store.flush().expect("flushed");
        }
        assert_eq!(
            std::fs::read_dir(dir.path().join("objects/pack")).expect("there is a folder").count(),
            2,
            "one pack"
        );
    }
}
