//! A pack while it is being written (Git's `gitformat-pack`).
//!
//! ```text
//!   caller --bounded channel--> compressors (a thread per core) --lock--> the file, in whatever order they finish
//! ```
//!
//! The order of entries means nothing. The number of objects stands in the header and is only known at the end, so the
//! checksum over all is computed then, from the page cache.

use super::index::{self, IndexEntry};
use super::packs::Entry;
use super::recent::Object;
use super::store::StoreError;
use super::written::{Sorted, Written};
use flate2::{Compress, Compression, FlushCompress, Status};
use gix::ObjectId;
use gix::objs::Kind;
use sha1::{Digest as _, Sha1};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Objects that may wait for compression. Bounds memory when the disk is slower than the source.
const QUEUE_LEN: usize = 128;

/// What stands for the header until the number of objects is known.
const NO_HEADER: [u8; 12] = [0; 12];

const HEADER_LEN: u64 = NO_HEADER.len() as u64;

/// What the threads share.
struct Shared {
    file: File,
    state: Mutex<State>,
}

struct State {
    /// Length of the file so far.
    end: u64,
    /// Objects that were handed over and are not in the file yet.
    in_flight: HashMap<ObjectId, Object>,
    /// Objects in the file.
    written: Written,
    /// The first thing that went wrong in a thread.
    failure: Option<io::Error>,
}

/// A pack that takes objects.
pub(super) struct PackWriter {
    shared: Arc<Shared>,
    queue: SyncSender<(ObjectId, Object)>,
    compressors: Vec<JoinHandle<()>>,
    path: PathBuf,
}

impl PackWriter {
    /// Begins a pack in `pack_dir`, under a name that Git takes for garbage until it is finished.
    pub(super) fn begin(pack_dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(pack_dir)?;
        let path = pack_dir.join(format!("tmp_pack_{}_{}", std::process::id(), unique()));
        let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
        file.write_all(&NO_HEADER)?;
        let written = Written::new(pack_dir);
        let state = State { end: HEADER_LEN, in_flight: HashMap::new(), written, failure: None };
        let shared = Arc::new(Shared { file, state: Mutex::new(state) });
        let (queue, objects) = sync_channel(QUEUE_LEN);
        let objects = Arc::new(Mutex::new(objects));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let compressors = (0..threads)
            .map(|_| {
                let (shared, objects) = (shared.clone(), objects.clone());
                std::thread::spawn(move || compress_all(&shared, &objects))
            })
            .collect();
        Ok(Self { shared, queue, compressors, path })
    }

    /// Whether this pack has an object, written or on its way.
    pub(super) fn contains(&self, id: &ObjectId) -> Result<bool, StoreError> {
        let state = self.shared.state();
        Ok(state.in_flight.contains_key(id) || state.written.get(id).map_err(StoreError::Write)?.is_some())
    }

    /// Takes an object.
    pub(super) fn push(&self, id: ObjectId, object: Object) -> Result<(), StoreError> {
        self.shared.state().in_flight.insert(id, object.clone());
        // The channel is closed only when all threads are gone, which is when one has failed.
        self.queue.send((id, object)).map_err(|_| self.shared.failure())
    }

    /// Reads an object back; none if this pack does not have it.
    pub(super) fn read(&self, id: &ObjectId) -> Result<Option<Object>, StoreError> {
        let entry = {
            let state = self.shared.state();
            if let Some(object) = state.in_flight.get(id) {
                return Ok(Some(object.clone()));
            }
            state.written.get(id).map_err(StoreError::Write)?
        };
        let entry = entry.map(|entry| Entry::read(&self.shared.file, entry.offset())).transpose();
        match entry.map_err(StoreError::Write)? {
            Some(Entry::Whole(object)) => Ok(Some(object)),
            // There are none in what is written here.
            Some(Entry::Delta { .. }) => Err(StoreError::Missing { id: *id }),
            None => Ok(None),
        }
    }

    /// Ends the pack: waits for all objects, writes header, checksum and index, and gives it its name. Gives the path of
    /// its index; none without any object, for then there will be no pack.
    pub(super) fn finish(self) -> Result<Option<PathBuf>, StoreError> {
        drop(self.queue);
        for compressor in self.compressors {
            if compressor.join().is_err() {
                return Err(StoreError::Write(io::Error::other("a compressing thread panicked")));
            }
        }
        let mut state = self.shared.state();
        if let Some(error) = state.failure.take() {
            return Err(StoreError::Write(error));
        }
        let sorted = state.written.take_sorted();
        let result = sorted.and_then(|entries| seal(&self.shared.file, &self.path, &entries));
        if result.is_err() {
            // What is left would be swept by Git's own prune of temporary files; be tidy anyway.
            let _ = fs::remove_file(&self.path);
        }
        result.map_err(StoreError::Write)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked while it held the lock has left nothing half done: each change is one insertion.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self) -> StoreError {
        let failure = self.state().failure.take();
        StoreError::Write(failure.unwrap_or_else(|| io::Error::other("the pack's threads are gone")))
    }
}

/// A number that no other pack of this process has.
fn unique() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// One thread's life: takes objects until there are no more, or until something fails.
fn compress_all(shared: &Shared, objects: &Mutex<Receiver<(ObjectId, Object)>>) {
    let mut entry = Vec::new();
    // One for all objects: to set one up costs as much as compressing a small object.
    let mut compress = Compress::new(Compression::fast(), true);
    loop {
        let next = objects.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((id, object)) = next else { return };
        entry.clear();
        let written = encode(&object, &mut compress, &mut entry).and_then(|()| append(shared, id, &entry));
        if let Err(error) = written {
            shared.state().failure.get_or_insert(error);
            return;
        }
    }
}

/// Makes the bytes of an entry: kind and length, then the content compressed.
fn encode(object: &Object, compress: &mut Compress, entry: &mut Vec<u8>) -> io::Result<()> {
    let kind = match object.kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    // Four bits of the length beside the kind, then seven a byte, lowest first.
    let mut rest = object.content.len();
    let mut byte = (kind << 4) | low_bits(rest, 4);
    rest >>= 4;
    while rest > 0 {
        entry.push(byte | 0x80);
        byte = low_bits(rest, 7);
        rest >>= 7;
    }
    entry.push(byte);
    deflate(&object.content, compress, entry)
}

fn deflate(content: &[u8], compress: &mut Compress, output: &mut Vec<u8>) -> io::Result<()> {
    compress.reset();
    let mut rest = content;
    loop {
        output.reserve(rest.len() / 2 + 128);
        let before = compress.total_in();
        let status = compress.compress_vec(rest, output, FlushCompress::Finish)?;
        if status == Status::StreamEnd {
            return Ok(());
        }
        let taken = usize::try_from(compress.total_in() - before).unwrap_or_default();
        rest = &rest[taken..];
    }
}

fn low_bits(number: usize, bits: u32) -> u8 {
    u8::try_from(number & ((1 << bits) - 1)).unwrap_or_default()
}

fn append(shared: &Shared, id: ObjectId, entry: &[u8]) -> io::Result<()> {
    let crc32 = crc32fast::hash(entry);
    let mut state = shared.state();
    let offset = state.end;
    shared.file.write_all_at(entry, offset)?;
    state.end += entry.len() as u64;
    state.in_flight.remove(&id);
    state.written.add(IndexEntry::new(id, offset, crc32))
}

fn seal(mut file: &File, path: &Path, entries: &Sorted) -> io::Result<Option<PathBuf>> {
    let count = entries.len();
    if count == 0 {
        return fs::remove_file(path).map(|()| None);
    }
    let mut header = *b"PACK\0\0\0\x02\0\0\0\0";
    header[8..].copy_from_slice(&count.to_be_bytes());
    file.write_all_at(&header, 0)?;
    let checksum = checksum(file)?;
    file.seek(io::SeekFrom::End(0))?;
    file.write_all(&checksum)?;
    // The pack before its index: an index without its pack would be an error for every reader.
    file.sync_data()?;
    let name = ObjectId::Sha1(checksum);
    let pack = path.with_file_name(format!("pack-{name}.pack"));
    let half_index = path.with_extension("idx");
    index::write(entries, checksum, File::create(&half_index)?)?;
    fs::rename(path, &pack)?;
    let index = pack.with_extension("idx");
    fs::rename(half_index, &index)?;
    Ok(Some(index))
}

fn checksum(mut file: &File) -> io::Result<[u8; 20]> {
    file.seek(io::SeekFrom::Start(0))?;
    let mut hasher = Sha1::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
