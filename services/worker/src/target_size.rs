//! How much room a target takes, as far as a worker can see it.

use codeimport_core::TargetUrl;
use std::{fs, io, os::unix::fs::MetadataExt as _, path::PathBuf};

/// Bytes of a block as file systems count them.
const BLOCK: u64 = 512;

/// Bytes on disk of a local target; 0 if it is a remote one, or cannot be read.
pub(crate) fn of(target: &TargetUrl) -> i64 {
    let size = target.local_path().and_then(|path| on_disk(path).ok());
    size.and_then(|bytes| bytes.try_into().ok()).unwrap_or(0)
}

/// Links are counted and not followed. What goes away meanwhile, as packs do, is left out.
fn on_disk(root: PathBuf) -> io::Result<u64> {
    let mut bytes = fs::metadata(&root)?.blocks() * BLOCK;
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            bytes += metadata.blocks() * BLOCK;
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_target_is_as_large_as_its_files_and_a_remote_one_unknown() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.git");
        fs::create_dir_all(path.join("objects/pack")).expect("made");
        fs::write(path.join("objects/pack/pack-1.pack"), vec![7; 100_000]).expect("written");
        let size = of(&TargetUrl::local(&path).expect("absolute"));
        assert!((100_000..300_000).contains(&size), "{size}");
        assert_eq!(of(&TargetUrl::local(&folder.path().join("missing")).expect("absolute")), 0);
        assert_eq!(of(&TargetUrl::parse("https://host/a.git").expect("valid")), 0);
    }
}
