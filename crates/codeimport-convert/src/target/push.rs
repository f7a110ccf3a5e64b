//! One atomic push: refs and state together, each only if it still is what we saw.

use super::{STATE_REF, Target, plan::RefUpdate};
use crate::{Cache, ConvertError, Watch, git};
use codeimport_core::Stage;
use codeimport_subprocess::Output;
use gix::{
    ObjectId,
    bstr::{BString, ByteSlice as _},
};
use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

impl Target {
    /// Pushes from the cache. The answer is git's: success, or some reason in its words.
    ///
    /// Where the cache is the target itself, the objects are there already and only the refs move: one transaction, with the
    /// same promise.
    pub(super) fn push(&self, cache: &Cache, updates: &[RefUpdate], watch: &Watch) -> Result<Output, ConvertError> {
        if cache.is_target(self.url.local_path().as_deref()) {
            let command = git::command(Some(cache.path())).args(["update-ref", "--no-deref", "--stdin", "-z"]);
            return git::attempt(command.stdin(transaction(updates)).timeout(git::LONG), Stage::Publish, watch);
        }
        let mut command = git::command(Some(cache.path()));
        if self.url.local_path().is_some() {
            // To look for deltas takes longer than all of a conversion. It pays where a network is in between; on a disk,
            // the target's own housekeeping has the time for it.
            command = command.args(["-c", "pack.window=0"]);
        }
        command = command.args(["push", "--atomic", "--porcelain", "--no-verify"]);
        if let Some(program) = self.receive_pack() {
            command = command.arg(format!("--receive-pack={program}"));
        }
        let command = command
            .args(updates.iter().map(lease))
            .args(["--", self.url.as_str()])
            .args(updates.iter().map(refspec))
            .timeout(git::LONG);
        git::attempt(command, Stage::Publish, watch)
    }
}

/// The update that moves the state ref.
pub(super) fn state_update(old: Option<ObjectId>, new: ObjectId) -> RefUpdate {
    RefUpdate { name: BString::from(STATE_REF), old, new: Some(new) }
}

/// `--force-with-lease=<name>:<old>`; nothing after the colon means: must not exist.
fn lease(update: &RefUpdate) -> OsString {
    let old = update.old.map(|id| id.to_string()).unwrap_or_default();
    join(&[b"--force-with-lease=", &update.name, b":", old.as_bytes()])
}

/// `<new>:<name>`; nothing before the colon means: delete.
fn refspec(update: &RefUpdate) -> OsString {
    let new = update.new.map(|id| id.to_string()).unwrap_or_default();
    join(&[new.as_bytes(), b":", &update.name])
}

/// What `git update-ref --stdin -z` reads: each line restates the old value; all happen or none.
fn transaction(updates: &[RefUpdate]) -> Vec<u8> {
    let none = ObjectId::null(gix::hash::Kind::Sha1);
    let mut text = b"start\0".to_vec();
    for RefUpdate { name, old, new } in updates {
        let id = |id: &Option<ObjectId>| id.unwrap_or(none).to_string().into_bytes();
        // A new value of zeros deletes; an old value of zeros means: must not exist.
        text.extend([b"update ", name.as_slice(), b"\0", &id(new), b"\0", &id(old), b"\0"].concat());
    }
    text.extend_from_slice(b"commit\0");
    text
}

fn join(parts: &[&[u8]]) -> OsString {
    OsString::from_vec(parts.concat())
}

/// Why a push was refused, as far as its answer says: `! <from>:<to> [remote rejected] (reason)`.
pub(super) fn reasons(output: &Output) -> String {
    let rejected = output.stdout.lines().filter(|line| line.starts_with(b"!"));
    let lines: Vec<_> = rejected.map(|line| line.replace(b"\t", b" ").to_str_lossy().into_owned()).collect();
    format!("{} {}", lines.join("; "), output.stderr).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(old: Option<char>, new: Option<char>) -> RefUpdate {
        let id = |digit: char| ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).expect("valid");
        RefUpdate { name: "refs/heads/a".into(), old: old.map(id), new: new.map(id) }
    }

    #[test]
    fn every_update_restates_what_it_saw() {
        let (ones, twos) = ("1".repeat(40), "2".repeat(40));
        let moved = update(Some('1'), Some('2'));
        assert_eq!(lease(&moved), OsString::from(format!("--force-with-lease=refs/heads/a:{ones}")));
        assert_eq!(refspec(&moved), OsString::from(format!("{twos}:refs/heads/a")));
        assert_eq!(lease(&update(None, Some('1'))), OsString::from("--force-with-lease=refs/heads/a:"));
        assert_eq!(refspec(&update(Some('1'), None)), OsString::from(":refs/heads/a"));
        let text = String::from_utf8(transaction(&[moved, update(None, Some('1'))])).expect("ascii");
        let zeros = "0".repeat(40);
        let expected = format!("start|update refs/heads/a|{twos}|{ones}|update refs/heads/a|{ones}|{zeros}|commit|");
        assert_eq!(text.replace('\0', "|"), expected);
    }
}
